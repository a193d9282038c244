package server_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// beginTrial begins a trial of a client, and returns the authorization request.
func beginTrial(b *servertest.Browser, clientID string) string {
	b.Server.TB.Helper()
	p := b.Post("/console/applications/"+clientID+"/try", url.Values{})
	to := p.Attribute("href", func(a map[string]string) bool { return a["id"] == "continue" })
	u, err := url.Parse(to)
	if p.Status != http.StatusOK || err != nil || u.Path != "/oauth2/auth" || !strings.HasPrefix(u.Query().Get("request_uri"), "urn:ostiary:trial:") {
		b.Server.TB.Fatalf("a trial of %s begins with %d, leads to %q\n%s", clientID, p.Status, to, p.Body)
	}
	return u.RequestURI()
}

// finishTrial opens the response of the authorization endpoint, and returns the page with the result.
func finishTrial(b *servertest.Browser, response servertest.Response) servertest.Response {
	b.Server.TB.Helper()
	p := response // of the callback, if the helper has followed the redirect
	if response.Status == http.StatusSeeOther {
		if response.Location().Path != "/console/try/callback" {
			b.Server.TB.Fatalf("the authorization endpoint: %d to %s\n%s", response.Status, response.Location(), response.Body)
		}
		p = b.Get(response.Location().RequestURI())
	}
	next := p.Attribute("href", func(a map[string]string) bool { return a["id"] == "continue" })
	if p.Status != http.StatusOK || next == "" {
		b.Server.TB.Fatalf("the callback: %d\n%s", p.Status, p.Body)
	}
	return b.Get(strings.TrimPrefix(next, b.Server.URL))
}

// steps returns the classes of the steps of a trial.
func steps(p servertest.Response) string {
	var states []string
	for _, id := range []string{"authorize", "sign-in", "consent", "token", "userinfo"} {
		has := func(class string) bool { return strings.Contains(p.Body, `<li id="step-`+id+`"`+class+`>`) }
		switch {
		case has(""):
			states = append(states, "ok")
		case has(` class="failed"`):
			states = append(states, "failed")
		case has(` class="open"`):
			states = append(states, "open")
		}
	}
	return strings.Join(states, " ")
}

// lastGrant returns the newest grant of ada for a client.
func lastGrant(s *servertest.Server, response servertest.Response) *grant.WithAccount {
	s.TB.Helper()
	handle, err := s.App.OAuth2.Codec.Parse(tokens.Code, response.Location().Query().Get("code"))
	if err != nil {
		s.TB.Fatalf("the response has no code: %v, %s", err, response.Location())
	}
	g, err := s.Store.Grants.LiveGrant(s.TB.Context(), handle.Ref, "", s.Time())
	if err != nil {
		s.TB.Fatal(err)
	}
	return g
}

// The administrator sees what the application would receive. Afterwards the grant is revoked, with
// every token that could exist.
func TestTrialWorks(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s, b := openConsole(t, db, account.Administrator)
		response := b.Get(beginTrial(b, "web"))
		g := lastGrant(s, response)
		code := response.Location().Query().Get("code")
		if g.Kind != grant.KindTrial || g.EndsAt.After(s.Time().Add(10*time.Minute)) {
			t.Errorf("the grant has the kind %d and ends at %s", g.Kind, g.EndsAt)
		}
		p := finishTrial(b, response)
		if got := steps(p); p.Status != http.StatusOK || got != "ok ok ok ok ok" {
			t.Fatalf("the trial: %d, %s\n%s", p.Status, got, p.Body)
		}
		for _, want := range []string{
			"It worked, as ", "Ada Lovelace", "ada@example.com", `<code>email</code> <small>← <bdi>email</bdi>`, `<code>aud</code> <small>← protocol`,
			"Not needed: the application is trusted.", "amr pwd otp", "client_secret_basic", "application/json", "Signed with ES256", "<bdi>phone</bdi>",
		} {
			if !strings.Contains(p.Body, want) {
				t.Errorf("the page lacks %q\n%s", want, p.Body)
			}
		}
		if strings.Contains(p.Body, code) || strings.Contains(p.Body, "eyJ") {
			t.Error("the page has a code or a token")
		}
		if p.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("the page may be stored: %q", p.Header.Get("Cache-Control"))
		}

		ctx, now := t.Context(), s.Time()
		if _, err := s.Store.Grants.LiveGrant(ctx, g.Locator, "", now); !errors.Is(err, grant.ErrNotFound) {
			t.Errorf("the grant is live: %v", err) // userinfo and introspection read it so
		}
		why, err := s.Store.Grants.WhyInactive(ctx, g.Locator, "", now)
		if err != nil || why == nil || why.Rule != refusal.GrantRevoked {
			t.Errorf("the grant is inactive for %v, %v", why, err)
		}
		refresh := s.App.OAuth2.Codec.Make(tokens.Refresh, g.Locator, 1, g.Seed)
		if p := s.Refresh(refresh); p.Status != http.StatusBadRequest {
			t.Errorf("refresh: %d %s", p.Status, p.Body)
		}
		if s.IsActive(refresh) {
			t.Error("the refresh token is active at introspection")
		}

		events, err := s.Store.Audit.ListEvents(ctx, audit.Filter{Action: "client.try"}, "", 10)
		if err != nil || len(events) != 1 || events[0].Target != "web" || events[0].Actor.Kind != audit.Administrator ||
			events[0].Actor.ID != accountOf(s, "ada").Subject || events[0].Outcome != audit.Done {
			t.Errorf("the audit log has %+v, %v", events, err)
		}
		// The result is shown once; the run cannot be repeated.
		if p := b.Get("/console/applications/web/try"); steps(p) != "" || !hasElement(p, "try") {
			t.Errorf("the page again: %d %s", p.Status, steps(p))
		}
		if p := b.Get(response.Location().RequestURI()); p.Status != http.StatusBadRequest {
			t.Errorf("the callback again: %d", p.Status)
		}
	})
}

// The code of a trial is worth nothing outside of the console: the real client and the client of the
// console get no token for it, and do not use it up.
func TestCodeOfTrialIsForTheConsoleAlone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s, b := openConsole(t, db, account.Owner)
		response := b.Get(beginTrial(b, "web"))
		g, code := lastGrant(s, response), response.Location().Query().Get("code")
		form := func(changes ...string) url.Values {
			f := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {s.URL + "/console/try/callback"}}
			for i := 0; i < len(changes); i += 2 {
				f.Set(changes[i], changes[i+1])
			}
			return f
		}
		for name, p := range map[string]servertest.Response{
			"the client":                       s.PostForm("/oauth2/token", form()),
			"the client with its redirect URI": s.PostForm("/oauth2/token", form("redirect_uri", servertest.RedirectURI)),
		} {
			got := p.JSON(t)
			if p.Status != http.StatusBadRequest || got["error"] != "invalid_grant" {
				t.Errorf("%s: %d %s", name, p.Status, p.Body)
			}
			if record, err := s.App.Refusals.Find(p.Header.Get("X-Request-Id")); err != nil || record.Rule != refusal.CodeOtherClient {
				t.Errorf("%s: %+v, %v", name, record, err)
			}
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/oauth2/token", strings.NewReader(form("client_id", client.ConsoleID).Encode()))
		servertest.Must(t, err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if p := servertest.Send(t, http.DefaultClient, r); p.Status != http.StatusBadRequest || p.JSON(t)["error"] != "invalid_grant" {
			t.Errorf("the client of the console: %d %s", p.Status, p.Body)
		}
		if now, err := s.Store.Grants.LiveGrant(t.Context(), g.Locator, "", s.Time()); err != nil || !now.CodeRedeemedAt.IsZero() {
			t.Fatalf("the code was used up: %+v, %v", now, err)
		}
		// Nor does the console redeem another code.
		_, err = s.Store.Grants.RedeemCode(t.Context(), grant.CodeRedemption{Ref: g.Locator, ClientID: "web", Now: s.Time()})
		if !errors.Is(err, grant.ErrNotFound) {
			t.Errorf("the store redeems it without the mark: %v", err)
		}
		ordinary := b.Get("/oauth2/auth?" + servertest.AuthorizationRequest().Encode())
		other := lastGrant(s, ordinary)
		_, err = s.Store.Grants.RedeemCode(t.Context(), grant.CodeRedemption{Ref: other.Locator, ClientID: "web", Trial: true, Now: s.Time()})
		if !errors.Is(err, grant.ErrNotFound) {
			t.Errorf("the store redeems an ordinary code for a trial: %v", err)
		}
		if p := finishTrial(b, response); steps(p) != "ok ok ok ok ok" {
			t.Errorf("the trial afterwards: %s\n%s", steps(p), p.Body)
		}
	})
}

// A trial is of one administrator in one session, ends after ten minutes, and leads to one code.
func TestTrialIsBound(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startConsole(t, db)
		setAdminRole(s, account.Owner)
		secret, b, ada := addApp(s), s.NewBrowser(), s.NewBrowser()
		signInToConsole(b, "/console", secret)
		s.Advance(time.Minute)
		signInToConsole(ada, "/console", secret)
		refused := func(what string, p servertest.Response, status int) {
			t.Helper()
			if p.Status != status || p.Header.Get("Location") != "" {
				t.Errorf("%s: %d to %q, want a page with %d", what, p.Status, p.Header.Get("Location"), status)
			}
		}
		begun := beginTrial(b, "web")
		refused("a browser without a session", s.NewBrowser().Get(begun), http.StatusForbidden)
		bob := s.NewBrowser()
		id := bob.Get("/oauth2/auth?" + servertest.AuthorizationRequest().Encode()).Location().Query().Get("request")
		bob.Follow(bob.Post("/login", url.Values{"request": {id}, "username": {"bob"}, "password": {servertest.Password}}))
		refused("another user", bob.Get(begun), http.StatusForbidden)
		refused("another session of the user", ada.Get(begun), http.StatusForbidden)
		sent, err := url.Parse(begun)
		servertest.Must(t, err)
		refused("a trial in a form", ada.Post("/oauth2/auth", sent.Query()), http.StatusForbidden)
		refused("a trial that was changed", b.Get(strings.Replace(begun, "trial%3A", "trial%3Ax", 1)), http.StatusForbidden)

		// Parameters beside the trial do not count.
		response := b.Get(begun + "&" + url.Values{"redirect_uri": {servertest.RedirectURI}, "scope": {"openid"}, "state": {"x"}}.Encode())
		if response.Location().Path != "/console/try/callback" || response.Location().Query().Get("state") == "x" {
			t.Errorf("with other parameters: %d to %s", response.Status, response.Location())
		}
		refused("the trial again", b.Get(begun), http.StatusBadRequest)

		// The callback is of this browser and this run.
		refused("another browser", bob.Get(response.Location().RequestURI()), http.StatusBadRequest)
		forged := response.Location()
		query := forged.Query()
		query.Set("state", "x")
		forged.RawQuery = query.Encode()
		refused("another state", b.Get(forged.RequestURI()), http.StatusBadRequest)
		query = response.Location().Query()
		query.Set("iss", "https://evil.example")
		refused("another issuer", b.Get("/console/try/callback?"+query.Encode()), http.StatusBadRequest)

		// The code of one run is not redeemed by another one.
		second := b.Get(beginTrial(b, "web"))
		query = second.Location().Query()
		query.Set("code", response.Location().Query().Get("code"))
		p := b.Get("/console/try/callback?" + query.Encode())
		p = b.Get(strings.TrimPrefix(p.Attribute("href", func(a map[string]string) bool { return a["id"] == "continue" }), s.URL))
		if got := steps(p); got != "ok ok ok failed open" || !strings.Contains(p.Body, "verifier_mismatch") {
			t.Errorf("the code of another run: %s\n%s", got, p.Body)
		}

		// Another user who signs in during a page of the flow does not get to the response.
		waiting := b.Get(beginTrial(b, "careful")).Location().Query().Get("request")
		id = b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "login").Encode()).Location().Query().Get("request")
		b.Post("/login", url.Values{"request": {id}, "username": {"bob"}, "password": {servertest.Password}})
		refused("another user on the way", b.Get("/oauth2/auth?continue="+waiting), http.StatusForbidden)
		b = ada

		late := beginTrial(b, "web")
		s.Advance(10*time.Minute + time.Second)
		b.Get("/console") // the sign-in to the console goes on
		refused("after ten minutes", b.Get(late), http.StatusForbidden)
		slow := b.Get(beginTrial(b, "web"))
		s.Advance(10 * time.Minute)
		refused("a response after ten minutes", b.Get(slow.Location().RequestURI()), http.StatusBadRequest)
	})
}
