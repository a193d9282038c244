package logout_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"html"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/oauth2/authorize"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

const (
	firstSecret  = "first-secret-first-secret-first-s"
	secondSecret = "second-secret-second-secret-seco"
)

// startWithLogoutClients serves db with the clients first and second, which have logout URIs, and
// returns the logout notices that they receive.
func startWithLogoutClients(t *testing.T, db *store.Store, settings map[string]string) (*servertest.Server, <-chan url.Values) {
	t.Helper()
	arrived := make(chan url.Values, 10)
	receiver := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.ParseForm() == nil {
			r.PostForm.Set("to", r.URL.Path)
			arrived <- r.PostForm
		}
	}))
	t.Cleanup(receiver.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: receiver.Certificate().Raw})
	if err := os.WriteFile(ca, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{"outbound_allow_private": "true", "outbound_ca_file": ca}
	maps.Copy(all, settings)
	s := servertest.Start(t, db, all)
	host := receiver.URL
	clients := `[
		{"client_id": "first", "client_secret": "` + firstSecret + `", "redirect_uris": ["` + host + `/cb"],
		 "post_logout_redirect_uris": ["` + host + `/bye"], "scope": "openid", "skip_consent": true, "id_token_signed_response_alg": "ES256",
		 "frontchannel_logout_uri": "` + host + `/front?of=first", "frontchannel_logout_session_required": true,
		 "backchannel_logout_uri": "` + host + `/back/first", "backchannel_logout_session_required": true},
		{"client_id": "second", "client_secret": "` + secondSecret + `", "redirect_uris": ["` + host + `/cb"],
		 "scope": "openid", "skip_consent": true, "backchannel_logout_uri": "` + host + `/back/second"}
	]`
	if _, _, err := s.ImportClients([]byte(clients)); err != nil {
		t.Fatal(err)
	}
	s.Advance(time.Minute)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan struct{})
	go func() { s.App.Outbox.Run(ctx); close(ended) }()
	t.Cleanup(func() { stop(); <-ended })
	return s, arrived
}

// visitClient signs ada in to a client and returns the authorization response.
func visitClient(t *testing.T, b *servertest.Browser, id string) url.Values {
	t.Helper()
	c, err := b.Server.Store.Clients.Client(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	p := b.Authorize(servertest.AuthorizationRequest("client_id", id, "redirect_uri", c.RedirectURIs[0], "scope", "openid"))
	answer := p.Location().Query()
	if answer.Get("code") == "" {
		t.Fatalf("no code: %d to %q\n%s", p.Status, p.Header.Get("Location"), p.Body)
	}
	return answer
}

// A logout at one client notifies both clients of the session: each receives a logout token that a
// published key signed, and the signed-out page loads the front-channel URL before the redirect.
func TestLogoutNotifiesAllClients(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s, arrived := startWithLogoutClients(t, db, nil)
		b := s.NewBrowser()
		idToken := servertest.ExchangeForIDToken(t, s, "first", firstSecret, visitClient(t, b, "first").Get("code"))
		visitClient(t, b, "second")
		sid := servertest.Text(servertest.Claims(t, idToken)["sid"])
		first, err := s.Store.Clients.Client(t.Context(), "first")
		if err != nil {
			t.Fatal(err)
		}
		bye := first.PostLogoutRedirectURIs[0]

		p := b.Get("/oauth2/sessions/logout?" + url.Values{
			"id_token_hint": {idToken}, "post_logout_redirect_uri": {bye}, "state": {"a state"},
		}.Encode())
		frame := html.EscapeString(first.FrontchannelLogoutURI + "&iss=" + url.QueryEscape(s.URL) + "&sid=" + sid)
		for _, want := range []string{`<iframe src="` + frame + `"`, `href="` + html.EscapeString(bye) + "?state=a&#43;state"} {
			if p.Status != http.StatusOK || !strings.Contains(p.Body, want) {
				t.Errorf("%d, want %s\n%s", p.Status, want, p.Body)
			}
		}
		origin := strings.TrimSuffix(bye, "/bye")
		if csp := p.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "frame-src "+origin) || !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("Content-Security-Policy = %s", csp)
		}

		notified := map[string]bool{}
		for range 2 {
			form := next(t, arrived)
			id := strings.TrimPrefix(form.Get("to"), "/back/")
			notified[id] = true
			form.Del("to")
			if len(form) != 1 {
				t.Errorf("%s was posted %v, want the token alone", id, form)
			}
			claims := verifyLogoutToken(t, s, form.Get("logout_token"))
			if claims["aud"] != id || claims["sid"] != sid || claims["sub"] != servertest.Claims(t, idToken)["sub"] || claims["nonce"] != nil || claims["iss"] != s.URL {
				t.Errorf("%s received %v", id, claims)
			}
		}
		if !notified["first"] || !notified["second"] {
			t.Errorf("notified were %v, want both", notified)
		}
		if got := b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "none").Encode()).Location().Query().Get("error"); got != "login_required" {
			t.Errorf("afterwards prompt=none gets %q", got)
		}
	})
}

// next waits for the next logout notice.
func next(t *testing.T, arrived <-chan url.Values) url.Values {
	t.Helper()
	select {
	case form := <-arrived:
		return form
	case <-time.After(30 * time.Second):
		t.Fatal("no client received a notice")
		return nil
	}
}

// verifyLogoutToken reads a logout token as a client would.
func verifyLogoutToken(t *testing.T, s *servertest.Server, token string) map[string]any {
	t.Helper()
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256, jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	header := signed.Signatures[0].Header
	if header.ExtraHeaders["typ"] != "logout+jwt" {
		t.Errorf("typ = %v", header.ExtraHeaders["typ"])
	}
	set := servertest.PublishedKeys(t, s)
	payload, err := signed.Verify(set.Key(header.KeyID)[0])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	if _, ok := claims["events"].(map[string]any)["http://schemas.openid.net/event/backchannel-logout"].(map[string]any); !ok {
		t.Errorf("events = %v", claims["events"])
	}
	return claims
}

// Only clients with logout URIs join the session, which takes one more statement.
func TestOnlyNotifiedClientsJoinSession(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s, _ := startWithLogoutClients(t, db, nil)
		b := s.NewBrowser()
		b.Code(servertest.AuthorizationRequest())
		visitClient(t, b, "second")
		for id, want := range map[string]int64{"web": 2, "second": 3} {
			c, err := db.Clients.Client(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			before := db.Statements()
			b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("client_id", id, "redirect_uri", c.RedirectURIs[0], "scope", "openid").Encode())
			if got := db.Statements() - before; got != want {
				t.Errorf("authorize for %s took %d statements, want %d", id, got, want)
			}
		}
	})
}

// ending is a store that ends the session just before a client joins it.
type ending struct {
	authorize.Store

	store *store.Store
}

func (e ending) JoinSession(ctx context.Context, sessionID, clientID, knownAs string, now time.Time) error {
	if _, err := e.store.Sessions.EndSession(ctx, sessionID, now); err != nil {
		return err
	}
	return e.Store.JoinSession(ctx, sessionID, clientID, knownAs, now)
}

// If the session ends before the client has joined it, the client receives no code, because no
// logout notice would follow.
func TestSessionEndingDuringResponseIssuesNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s, _ := startWithLogoutClients(t, db, nil)
		c, err := db.Clients.Client(t.Context(), "first")
		if err != nil {
			t.Fatal(err)
		}
		query := func(changes ...string) string {
			return "/oauth2/auth?" + servertest.AuthorizationRequest(append([]string{
				"client_id", "first", "redirect_uri", c.RedirectURIs[0], "scope", "openid",
			}, changes...)...).Encode()
		}
		for name, tc := range map[string]struct{ prompt, want string }{
			"with prompt=none": {"none", "error=login_required"},
			"without prompt":   {"", "/login?request="},
		} {
			b := s.NewBrowser()
			visitClient(t, b, "second")
			sessions := s.App.OAuth2.Authorize.Store
			s.App.OAuth2.Authorize.Store = ending{sessions, db}
			if to := b.Get(query("prompt", tc.prompt)).Header.Get("Location"); !strings.Contains(to, tc.want) || strings.Contains(to, "code=") {
				t.Errorf("%s: to %s, want %s", name, to, tc.want)
			}
			s.App.OAuth2.Authorize.Store = sessions
		}
	})
}

// session_state matches the state cookie for the client and its origin until the user signs out or
// another user signs in.
func TestSessionState(t *testing.T) {
	t.Parallel()

	s, _ := startWithLogoutClients(t, storetest.New(t), nil)
	b := s.NewBrowser()
	home, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	holds := func(state, clientID, origin string) bool {
		shown := ""
		for _, c := range b.Client.Jar.Cookies(home) {
			if c.Name == s.App.Cookies.StateName() {
				shown = c.Value
			}
		}
		hash, salt, _ := strings.Cut(state, ".")
		sum := sha256.Sum256([]byte(clientID + " " + origin + " " + shown + " " + salt))
		return shown != "" && hash == base64.RawURLEncoding.EncodeToString(sum[:])
	}
	state := b.Authorize(servertest.AuthorizationRequest()).Location().Query().Get("session_state")
	if !holds(state, "web", "https://client.example") {
		t.Errorf("session_state %q does not hold", state)
	}
	if holds(state, "web", "https://evil.example") || holds(state, "post", "https://client.example") {
		t.Error("the state matches for other clients or origins")
	}
	if got := b.Authorize(servertest.AuthorizationRequest("scope", "api")).Location().Query(); got.Has("session_state") {
		t.Error("a response without the scope openid has a session_state")
	}
	if answer := b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "none", "scope", "openid nonsense", "nonce", "n").Encode()).Location().Query(); !holds(answer.Get("session_state"), "web", "https://client.example") {
		t.Errorf("a response to prompt=none has %v", answer)
	}

	b.Authorize(servertest.AuthorizationRequest("prompt", "login"))
	if !holds(state, "web", "https://client.example") {
		t.Error("confirming the password changed the state, although the user is the same")
	}
	// Another request ends the session. The next request of the browser changes the state cookie.
	if _, err := s.Store.Sessions.EndSessionsOf(t.Context(), servertest.SubjectOf(t, s, "ada"), s.Time()); err != nil {
		t.Fatal(err)
	}
	b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "none").Encode())
	if holds(state, "web", "https://client.example") {
		t.Error("the state still matches after the session has ended")
	}
}

// Only the check_session_iframe may be framed by other origins.
func TestOnlyCheckSessionFrameMayBeFramed(t *testing.T) {
	t.Parallel()

	s := servertest.Start(t, storetest.New(t), nil)
	b := s.NewBrowser()
	address := servertest.Text(b.Get("/.well-known/openid-configuration").JSON(t)["check_session_iframe"])
	p := b.Get(address)
	if p.Status != http.StatusOK || !strings.Contains(p.Header.Get("Content-Security-Policy"), "frame-ancestors *") ||
		p.Header.Get("X-Frame-Options") != "" || p.Header.Get("Set-Cookie") != "" {
		t.Errorf("%s: %d %v", address, p.Status, p.Header)
	}
	script := p.Attribute("src", func(a map[string]string) bool { return a["data-cookie"] == s.App.Cookies.StateName() })
	if got := b.Get(script); got.Status != http.StatusOK || !strings.Contains(got.Body, "postMessage") {
		t.Errorf("its script %q: %d", script, got.Status)
	}
	if p := b.Post("/oauth2/sessions/check", url.Values{}); p.Status != http.StatusMethodNotAllowed {
		t.Errorf("a post to it: %d, want 405", p.Status)
	}
}
