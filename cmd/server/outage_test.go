package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// A lost database is 503 with Retry-After on every endpoint, and never a verdict:
// clients throw their tokens away on those.
func TestALostDatabaseIsNoVerdict(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startDevices(t, db, map[string]string{"sign_up": "on"})
		device := s.device(tv())
		signer := s.addAssertingClient()
		b := s.browser()
		tokens := s.tokens(b.code(asking()))
		code := b.code(asking())
		waiting := b.get("/oauth2/auth?" + asking("prompt", "login").Encode()).location().Query().Get("request")
		registered := s.register(t)
		s.call("/oauth2/token", s.assertion(signer))
		device.ask()
		db.Close()

		access, refresh := text(tokens["access_token"]), text(tokens["refresh_token"])
		for name, act := range map[string]func() reply{
			"authorize":                   func() reply { return b.get("/oauth2/auth?" + asking().Encode()) },
			"authorize, new":              func() reply { return s.browser().get("/oauth2/auth?" + asking().Encode()) },
			"authorize, back from a page": func() reply { return b.get("/oauth2/auth?continue=" + waiting) },
			"sign-in page":                func() reply { return b.get("/login?request=" + waiting) },
			"sign-in": func() reply {
				return b.post("/login", url.Values{"request": {waiting}, "username": {"ada"}, "password": {testPassword}})
			},
			"sign-up": func() reply {
				return b.post("/signup", url.Values{"request": {waiting}, "username": {"grace"}, "password": {testPassword}, "repeat": {testPassword}})
			},
			"consent":         func() reply { return b.post("/consent", url.Values{"request": {waiting}, "decision": {"accept"}}) },
			"set-up":          func() reply { return b.get("/setup?token=" + strings.Repeat("a", 43)) },
			"code":            func() reply { return s.call("/oauth2/token", exchanging(code)) },
			"refresh":         func() reply { return s.refresh(refresh) },
			"private_key_jwt": func() reply { return s.call("/oauth2/token", s.assertion(signer)) },
			"an uncached client": func() reply {
				return s.call("/oauth2/token", url.Values{"client_id": {"uncached"}, "grant_type": {"refresh_token"}})
			},
			"introspect access":  func() reply { return s.call("/oauth2/introspect", url.Values{"token": {access}}) },
			"introspect refresh": func() reply { return s.call("/oauth2/introspect", url.Values{"token": {refresh}}) },
			"revoke access":      func() reply { return s.call("/oauth2/revoke", url.Values{"token": {access}}) },
			"revoke refresh":     func() reply { return s.call("/oauth2/revoke", url.Values{"token": {refresh}}) },
			"userinfo":           func() reply { return s.userinfo(access) },
			"device, new":        func() reply { return s.call("/oauth2/device/auth", tv()) },
			"device, polling":    device.ask,
			"device, its code":   func() reply { return b.enter(device, "continue") },
			"device, refused":    func() reply { return b.enter(device, "deny") },
			"sign-out":           func() reply { return b.get("/oauth2/sessions/logout?id_token_hint=" + text(tokens["id_token"])) },
			"registration": func() reply {
				return s.send(t, http.MethodPost, "/connect/register", "", `{"redirect_uris":["https://a.example/"]}`)
			},
			"registration, read":   func() reply { return s.send(t, http.MethodGet, registered.path, registered.token, "") },
			"registration, delete": func() reply { return s.send(t, http.MethodDelete, registered.path, registered.token, "") },
			"readiness":            func() reply { return b.get("/health/ready") },
		} {
			p := act()
			if p.status != http.StatusServiceUnavailable || p.header.Get("Retry-After") == "" {
				t.Errorf("%s: %d with Retry-After %q, want 503\n%s", name, p.status, p.header.Get("Retry-After"), p.body)
			}
		}
		for _, path := range []string{"/health/alive", "/.well-known/jwks.json", "/.well-known/openid-configuration"} {
			if p := b.get(path); p.status != http.StatusOK {
				t.Errorf("%s: %d, which needs no database", path, p.status)
			}
		}
	})
}

type registered struct{ path, token string }

func (s *server) register(t *testing.T) registered {
	t.Helper()
	p := s.send(t, http.MethodPost, "/connect/register", "", `{"redirect_uris":["https://a.example/cb"]}`)
	if p.status != http.StatusCreated {
		t.Fatalf("register: %d %s", p.status, p.body)
	}
	got := p.json(t)
	return registered{strings.TrimPrefix(text(got["registration_client_uri"]), s.url), text(got["registration_access_token"])}
}

func (s *server) send(t *testing.T, method, path, bearer, body string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	return send(t, http.DefaultClient, r)
}
