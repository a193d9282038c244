package revocation_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// dead checks that a code, an access token, a refresh token and a session are no longer valid.
func dead(t *testing.T, s *servertest.Server, b *servertest.Browser, code string, got map[string]any) {
	t.Helper()
	if s.IsActive(got["access_token"]) || s.IsActive(got["refresh_token"]) {
		t.Error("introspection: active")
	}
	if p := s.Userinfo(got["access_token"]); p.Status != http.StatusUnauthorized {
		t.Errorf("userinfo: %d %s", p.Status, p.Body)
	}
	if p := s.Refresh(got["refresh_token"]); p.Status < 400 || p.Status >= 500 {
		t.Errorf("refresh: %d %s", p.Status, p.Body)
	}
	if p := s.PostForm("/oauth2/token", servertest.CodeExchange(code)); p.Status < 400 || p.Status >= 500 {
		t.Errorf("code: %d %s", p.Status, p.Body)
	}
	if p := b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "none").Encode()); p.Location().Query().Has("code") {
		t.Error("the session gives another code")
	}
}

// Revocations are effective immediately on all replicas and in all caches (promise 3).
func TestHostileNoTokenOutlivesItsGrant(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := servertest.Start(t, db, map[string]string{"rate_limits": "off"})
		subject := func() *account.Account {
			a, err := s.Store.Accounts.AccountByUsername(t.Context(), "ada")
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		for _, end := range []struct {
			name string
			act  func(b *servertest.Browser, got map[string]any) error
		}{
			{"the subject is disabled", func(*servertest.Browser, map[string]any) error {
				return s.Store.Accounts.SetDisabled(t.Context(), subject().Subject, true, s.Time())
			}},
			{"the subject's password is changed", func(*servertest.Browser, map[string]any) error {
				a := subject()
				return s.Store.Accounts.SetPassword(t.Context(), a.Subject, a.PasswordHash(), s.Time())
			}},
			{"the subject signs out", func(b *servertest.Browser, got map[string]any) error {
				b.Get("/oauth2/sessions/logout?" + url.Values{"id_token_hint": {servertest.Text(got["id_token"])}}.Encode())
				return nil
			}},
			{"the sessions are ended", func(*servertest.Browser, map[string]any) error {
				_, err := s.Store.Sessions.EndSessionsOf(t.Context(), subject().Subject, s.Time())
				return err
			}},
			{"somebody else signs in in the browser", func(b *servertest.Browser, _ map[string]any) error {
				page := b.Get(b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "login").Encode()).Header.Get("Location"))
				b.Post(page.FormAction(), url.Values{"request": {page.HiddenField("request")}, "username": {"bob"}, "password": {servertest.Password}})
				return s.Store.Clients.EndClientTokens(t.Context(), "web", s.Time()) // bob's own code below is not of interest
			}},
			{"the client is disabled", func(*servertest.Browser, map[string]any) error {
				c, err := s.Store.Clients.Client(t.Context(), "web")
				if err != nil {
					return err
				}
				c.Disabled = true
				return s.Store.Clients.UpdateClient(t.Context(), c)
			}},
			{"the client is deleted", func(*servertest.Browser, map[string]any) error {
				return s.Store.Clients.DeleteClient(t.Context(), "web")
			}},
			{"the subject is deleted", func(*servertest.Browser, map[string]any) error {
				return s.Store.Accounts.DeleteAccount(t.Context(), subject().Subject, s.Time())
			}},
		} {
			s.Populate()
			if a := subject(); !a.DisabledAt.IsZero() {
				if err := s.Store.Accounts.SetDisabled(t.Context(), a.Subject, false, s.Time()); err != nil {
					t.Fatal(err)
				}
			}
			if c, err := s.Store.Clients.Client(t.Context(), "web"); err == nil && c.Disabled {
				c.Disabled = false
				if err := s.Store.Clients.UpdateClient(t.Context(), c); err != nil {
					t.Fatal(err)
				}
			}
			s.Advance(time.Minute)
			b := s.NewBrowser()
			got := s.ExchangeCode(b.Code(servertest.AuthorizationRequest()))
			code := b.Code(servertest.AuthorizationRequest())
			if !s.IsActive(got["access_token"]) || s.Userinfo(got["access_token"]).Status != http.StatusOK {
				t.Fatalf("before %s the tokens are not good", end.name)
			}
			s.Advance(time.Second)
			if err := end.act(b, got); err != nil {
				t.Fatalf("%s: %v", end.name, err)
			}
			if strings.HasPrefix(end.name, "the client") {
				wantDeadClient(t, s, b, code, got)
				continue
			}
			if end.name == "somebody else signs in in the browser" {
				b = s.NewBrowser()
			}
			t.Log(end.name)
			dead(t, s, b, code, got)
		}
	})
}

// wantDeadClient introspects as another client, since the disabled client cannot authenticate.
func wantDeadClient(t *testing.T, s *servertest.Server, b *servertest.Browser, code string, got map[string]any) {
	t.Helper()
	if p := s.Userinfo(got["access_token"]); p.Status != http.StatusUnauthorized {
		t.Errorf("userinfo: %d %s", p.Status, p.Body)
	}
	p := s.PostForm("/oauth2/introspect", url.Values{"token": {servertest.Text(got["access_token"])}, "client_id": {"post"}, "client_secret": {servertest.PostSecret}})
	if p.Status != http.StatusOK || p.JSON(t)["active"] != false {
		t.Errorf("introspection by another client: %d %s", p.Status, p.Body)
	}
	// The client itself may be taken from the cache, its grants never are.
	for _, p := range []servertest.Response{s.Refresh(got["refresh_token"]), s.PostForm("/oauth2/token", servertest.CodeExchange(code))} {
		if p.Status != http.StatusBadRequest && p.Status != http.StatusUnauthorized {
			t.Errorf("token endpoint: %d %s", p.Status, p.Body)
		}
	}
	s.Advance(3 * time.Second) // longer than the maximum age of the cache
	servertest.WantError(t, s.Refresh(got["refresh_token"]), 401, "invalid_client")
	if p := b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "none").Encode()); p.Status != http.StatusBadRequest || p.Header.Get("Location") != "" {
		t.Errorf("authorization: %d to %q", p.Status, p.Header.Get("Location"))
	}
}

// Signing in replaces a session cookie that an attacker planted.
func TestHostileSessionFixation(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	attacker := s.NewBrowser()
	attacker.Code(servertest.AuthorizationRequest())
	planted := attacker.Cookie("ostiary_session")

	victim := s.NewBrowser()
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	victim.Client.Jar.SetCookies(u, []*http.Cookie{{Name: "ostiary_session", Value: planted, Path: "/"}})
	page := victim.Get(victim.Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "login").Encode()).Header.Get("Location"))
	p := victim.Post(page.FormAction(), url.Values{"request": {page.HiddenField("request")}, "username": {"bob"}, "password": {servertest.Password}})
	if got := victim.Cookie("ostiary_session"); p.Status != http.StatusSeeOther || got == planted || got == "" {
		t.Errorf("signed in: %d with the cookie %q, planted was %q", p.Status, got, planted)
	}
	if p := attacker.Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "none").Encode()); p.Location().Query().Get("error") != "login_required" {
		t.Errorf("the planted cookie still gives %q", p.Header.Get("Location"))
	}

	// The session of the same user continues with another cookie.
	before := victim.Cookie("ostiary_session")
	thief := s.NewBrowser()
	thief.Client.Jar.SetCookies(u, []*http.Cookie{{Name: "ostiary_session", Value: before, Path: "/"}})
	page = victim.Get(victim.Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "login").Encode()).Header.Get("Location"))
	victim.Post(page.FormAction(), url.Values{"request": {page.HiddenField("request")}, "username": {"bob"}, "password": {servertest.Password}})
	if victim.Cookie("ostiary_session") == before {
		t.Error("signing in again leaves the cookie as it was")
	}
	if p := thief.Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "none").Encode()); p.Location().Query().Get("error") != "login_required" {
		t.Errorf("the cookie from before still gives %q", p.Header.Get("Location"))
	}
}

// Scopes and resources that the operator removes from a client are missing after its next
// refresh.
func TestHostileReducedClientGetsReducedTokens(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	b := s.NewBrowser()
	first := s.ExchangeCode(b.Code(servertest.AuthorizationRequest("resource", "https://api.example")))
	code := b.Code(servertest.AuthorizationRequest("resource", "https://api.example"))
	c, err := s.Store.Clients.Client(t.Context(), "web")
	if err != nil {
		t.Fatal(err)
	}
	c.Scope = "openid offline_access"
	if err := s.Store.Clients.UpdateClient(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	s.Advance(3 * time.Second)
	servertest.WantError(t, s.Refresh(first["refresh_token"], "scope", "api"), 400, "invalid_scope")
	for name, p := range map[string]servertest.Response{
		"refresh": s.Refresh(first["refresh_token"]),
		"code":    s.PostForm("/oauth2/token", servertest.CodeExchange(code)),
	} {
		got := p.JSON(t)
		if access := servertest.Claims(t, got["access_token"]); got["scope"] != "openid offline_access" || access["scope"] != got["scope"] {
			t.Errorf("%s: scope %v, access token %v", name, got["scope"], access)
		}
		first = got
	}
	c.Audience = []string{"https://other.example"}
	if err := s.Store.Clients.UpdateClient(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	s.Advance(3 * time.Second)
	servertest.WantError(t, s.Refresh(first["refresh_token"]), 400, "invalid_target")
	servertest.WantError(t, s.Refresh(first["refresh_token"], "resource", "https://other.example"), 400, "invalid_target")
}

// resource narrows an exchange as it does a refresh (RFC 8707 section 2.2).
func TestHostileResourceAtCodeExchange(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	b := s.NewBrowser()
	both := servertest.AuthorizationRequest()
	both["resource"] = []string{"https://api.example", "https://other.example"}
	p := s.PostForm("/oauth2/token", servertest.CodeExchange(b.Code(both), "resource", "https://api.example"))
	if aud := servertest.Claims(t, p.JSON(t)["access_token"])["aud"].([]any); !slices.Equal(aud, []any{"https://api.example", s.URL}) {
		t.Errorf("aud = %v, want the one that was asked for, and ourselves for openid", aud)
	}
	p = s.PostForm("/oauth2/token", servertest.CodeExchange(b.Code(servertest.AuthorizationRequest("resource", "https://api.example")), "resource", "https://other.example"))
	servertest.WantError(t, p, 400, "invalid_target")
	p = s.Refresh(s.ExchangeCode(b.Code(servertest.AuthorizationRequest()))["refresh_token"], "scope", "openid openid api")
	if got := p.JSON(t); got["scope"] != "openid api" {
		t.Errorf("a scope asked for twice: %v", got["scope"])
	}
}
