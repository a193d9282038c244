package main

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// dead checks that nothing works any more of what was given before: an unspent
// code, an access token, a refresh token and a session.
func dead(t *testing.T, s *server, b *browser, code string, got map[string]any) {
	t.Helper()
	if s.active(got["access_token"]) || s.active(got["refresh_token"]) {
		t.Error("introspection: active")
	}
	if p := s.userinfo(got["access_token"]); p.status != http.StatusUnauthorized {
		t.Errorf("userinfo: %d %s", p.status, p.body)
	}
	if p := s.refresh(got["refresh_token"]); p.status < 400 || p.status >= 500 {
		t.Errorf("refresh: %d %s", p.status, p.body)
	}
	if p := s.call("/oauth2/token", exchanging(code)); p.status < 400 || p.status >= 500 {
		t.Errorf("code: %d %s", p.status, p.body)
	}
	if p := b.get("/oauth2/auth?" + asking("prompt", "none").Encode()); p.location().Query().Has("code") {
		t.Error("the session gives another code")
	}
}

// Whoever ends something is believed at once, everywhere (promise 3):
// nothing that was given before outlives it, in any cache either.
func TestHostileNothingOutlivesItsEnd(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := start(t, db, map[string]string{"rate_limits": "off"})
		person := func() *account.Account {
			a, err := s.store.AccountByUsername(t.Context(), "ada")
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		for _, end := range []struct {
			name string
			act  func(b *browser, got map[string]any) error
		}{
			{"the person is disabled", func(*browser, map[string]any) error {
				return s.store.SetDisabled(t.Context(), person().Subject, true, s.time())
			}},
			{"the person's password is changed", func(*browser, map[string]any) error {
				a := person()
				return s.store.SetPassword(t.Context(), a.Subject, a.PasswordHash, s.time())
			}},
			{"the person signs out", func(b *browser, got map[string]any) error {
				b.get("/oauth2/sessions/logout?" + url.Values{"id_token_hint": {text(got["id_token"])}}.Encode())
				return nil
			}},
			{"the sessions are ended", func(*browser, map[string]any) error {
				_, err := s.store.EndSessionsOf(t.Context(), person().Subject, s.time())
				return err
			}},
			{"somebody else signs in in the browser", func(b *browser, _ map[string]any) error {
				page := b.get(b.get("/oauth2/auth?" + asking("prompt", "login").Encode()).header.Get("Location"))
				b.post(page.action(), url.Values{"request": {page.field("request")}, "username": {"bob"}, "password": {testPassword}})
				return s.store.EndClientTokens(t.Context(), "web", s.time()) // bob's own code below is not of interest
			}},
			{"the client is disabled", func(*browser, map[string]any) error {
				c, err := s.store.Client(t.Context(), "web")
				if err != nil {
					return err
				}
				c.Disabled = true
				return s.store.UpdateClient(t.Context(), c)
			}},
			{"the client is deleted", func(*browser, map[string]any) error {
				return s.store.DeleteClient(t.Context(), "web")
			}},
			{"the person is deleted", func(*browser, map[string]any) error {
				return s.store.DeleteAccount(t.Context(), person().Subject, s.time())
			}},
		} {
			s.populate()
			if a := person(); !a.DisabledAt.IsZero() {
				if err := s.store.SetDisabled(t.Context(), a.Subject, false, s.time()); err != nil {
					t.Fatal(err)
				}
			}
			if c, err := s.store.Client(t.Context(), "web"); err == nil && c.Disabled {
				c.Disabled = false
				if err := s.store.UpdateClient(t.Context(), c); err != nil {
					t.Fatal(err)
				}
			}
			s.pass(time.Minute)
			b := s.browser()
			got := s.tokens(b.code(asking()))
			code := b.code(asking())
			if !s.active(got["access_token"]) || s.userinfo(got["access_token"]).status != http.StatusOK {
				t.Fatalf("before %s the tokens are not good", end.name)
			}
			s.pass(time.Second)
			if err := end.act(b, got); err != nil {
				t.Fatalf("%s: %v", end.name, err)
			}
			if strings.HasPrefix(end.name, "the client") {
				wantDeadClient(t, s, b, code, got)
				continue
			}
			if end.name == "somebody else signs in in the browser" {
				b = s.browser()
			}
			t.Log(end.name)
			dead(t, s, b, code, got)
		}
	})
}

// wantDeadClient asks by another client, since the one that ended cannot ask.
func wantDeadClient(t *testing.T, s *server, b *browser, code string, got map[string]any) {
	t.Helper()
	if p := s.userinfo(got["access_token"]); p.status != http.StatusUnauthorized {
		t.Errorf("userinfo: %d %s", p.status, p.body)
	}
	p := s.call("/oauth2/introspect", url.Values{"token": {text(got["access_token"])}, "client_id": {"post"}, "client_secret": {postSecret}})
	if p.status != http.StatusOK || p.json(t)["active"] != false {
		t.Errorf("introspection by another client: %d %s", p.status, p.body)
	}
	// The client itself may be taken from the cache, its grants never are.
	for _, p := range []reply{s.refresh(got["refresh_token"]), s.call("/oauth2/token", exchanging(code))} {
		if p.status != http.StatusBadRequest && p.status != http.StatusUnauthorized {
			t.Errorf("token endpoint: %d %s", p.status, p.body)
		}
	}
	s.pass(3 * time.Second) // beyond the stated age of what the cache says
	wantError(t, s.refresh(got["refresh_token"]), 401, "invalid_client")
	if p := b.get("/oauth2/auth?" + asking("prompt", "none").Encode()); p.status != http.StatusBadRequest || p.header.Get("Location") != "" {
		t.Errorf("authorization: %d to %q", p.status, p.header.Get("Location"))
	}
}

// A session that somebody planted is not the one that a sign-in begins.
func TestHostileSessionFixation(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), nil)
	attacker := s.browser()
	attacker.code(asking())
	planted := attacker.cookie("ostiary_session")

	victim := s.browser()
	u, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	victim.client.Jar.SetCookies(u, []*http.Cookie{{Name: "ostiary_session", Value: planted, Path: "/"}})
	page := victim.get(victim.get("/oauth2/auth?" + asking("prompt", "login").Encode()).header.Get("Location"))
	p := victim.post(page.action(), url.Values{"request": {page.field("request")}, "username": {"bob"}, "password": {testPassword}})
	if got := victim.cookie("ostiary_session"); p.status != http.StatusSeeOther || got == planted || got == "" {
		t.Errorf("signed in: %d with the cookie %q, planted was %q", p.status, got, planted)
	}
	if p := attacker.get("/oauth2/auth?" + asking("prompt", "none").Encode()); p.location().Query().Get("error") != "login_required" {
		t.Errorf("the planted cookie still gives %q", p.header.Get("Location"))
	}

	// The same person's session goes on under another cookie.
	before := victim.cookie("ostiary_session")
	thief := s.browser()
	thief.client.Jar.SetCookies(u, []*http.Cookie{{Name: "ostiary_session", Value: before, Path: "/"}})
	page = victim.get(victim.get("/oauth2/auth?" + asking("prompt", "login").Encode()).header.Get("Location"))
	victim.post(page.action(), url.Values{"request": {page.field("request")}, "username": {"bob"}, "password": {testPassword}})
	if victim.cookie("ostiary_session") == before {
		t.Error("signing in again leaves the cookie as it was")
	}
	if p := thief.get("/oauth2/auth?" + asking("prompt", "none").Encode()); p.location().Query().Get("error") != "login_required" {
		t.Errorf("the cookie from before still gives %q", p.header.Get("Location"))
	}
}

// What the operator takes away from a client is gone at its next refresh.
func TestHostileAClientThatMayLessGetsLess(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), nil)
	b := s.browser()
	first := s.tokens(b.code(asking("resource", "https://api.example")))
	code := b.code(asking("resource", "https://api.example"))
	c, err := s.store.Client(t.Context(), "web")
	if err != nil {
		t.Fatal(err)
	}
	c.Scope = "openid offline_access"
	if err := s.store.UpdateClient(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	s.pass(3 * time.Second)
	wantError(t, s.refresh(first["refresh_token"], "scope", "api"), 400, "invalid_scope")
	for name, p := range map[string]reply{
		"refresh": s.refresh(first["refresh_token"]),
		"code":    s.call("/oauth2/token", exchanging(code)),
	} {
		got := p.json(t)
		if access := claims(t, got["access_token"]); got["scope"] != "openid offline_access" || access["scope"] != got["scope"] {
			t.Errorf("%s: scope %v, access token %v", name, got["scope"], access)
		}
		first = got
	}
	c.Audience = []string{"https://other.example"}
	if err := s.store.UpdateClient(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	s.pass(3 * time.Second)
	wantError(t, s.refresh(first["refresh_token"]), 400, "invalid_target")
	wantError(t, s.refresh(first["refresh_token"], "resource", "https://other.example"), 400, "invalid_target")
}

// resource narrows an exchange as it does a refresh (RFC 8707 section 2.2).
func TestHostileResourceAtTheExchange(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), nil)
	b := s.browser()
	both := asking()
	both["resource"] = []string{"https://api.example", "https://other.example"}
	p := s.call("/oauth2/token", exchanging(b.code(both), "resource", "https://api.example"))
	if aud := claims(t, p.json(t)["access_token"])["aud"].([]any); !slices.Equal(aud, []any{"https://api.example", s.url}) {
		t.Errorf("aud = %v, want the one that was asked for, and ourselves for openid", aud)
	}
	p = s.call("/oauth2/token", exchanging(b.code(asking("resource", "https://api.example")), "resource", "https://other.example"))
	wantError(t, p, 400, "invalid_target")
	p = s.refresh(s.tokens(b.code(asking()))["refresh_token"], "scope", "openid openid api")
	if got := p.json(t); got["scope"] != "openid api" {
		t.Errorf("a scope asked for twice: %v", got["scope"])
	}
}
