package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// During a database outage every endpoint responds with 503 and Retry-After, never with a protocol
// error such as invalid_grant, on which clients discard their tokens.
func TestDatabaseOutageReturns503(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.StartWithDeviceClients(t, db, map[string]string{"sign_up": "on"})
		device := servertest.AuthorizeDevice(s, servertest.DeviceClientForm())
		signer := servertest.AddPrivateKeyJWTClient(s)
		b := s.NewBrowser()
		tokens := s.ExchangeCode(b.Code(servertest.AuthorizationRequest()))
		code := b.Code(servertest.AuthorizationRequest())
		waiting := b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "login").Encode()).Location().Query().Get("request")
		registered := servertest.Register(t, s)
		s.PostForm("/oauth2/token", servertest.PrivateKeyJWTForm(s, signer))
		device.PollNow()
		db.Close()

		access, refresh := servertest.Text(tokens["access_token"]), servertest.Text(tokens["refresh_token"])
		for name, act := range map[string]func() servertest.Response{
			"authorize": func() servertest.Response { return b.Get("/oauth2/auth?" + servertest.AuthorizationRequest().Encode()) },
			"authorize, new": func() servertest.Response {
				return s.NewBrowser().Get("/oauth2/auth?" + servertest.AuthorizationRequest().Encode())
			},
			"authorize, back from a page": func() servertest.Response { return b.Get("/oauth2/auth?continue=" + waiting) },
			"sign-in page":                func() servertest.Response { return b.Get("/login?request=" + waiting) },
			"sign-in": func() servertest.Response {
				return b.Post("/login", url.Values{"request": {waiting}, "username": {"ada"}, "password": {servertest.Password}})
			},
			"sign-up": func() servertest.Response {
				return b.Post("/signup", url.Values{"request": {waiting}, "username": {"grace"}, "password": {servertest.Password}, "repeat": {servertest.Password}})
			},
			"consent": func() servertest.Response {
				return b.Post("/consent", url.Values{"request": {waiting}, "decision": {"accept"}})
			},
			"set-up":  func() servertest.Response { return b.Get("/setup?token=" + strings.Repeat("a", 43)) },
			"code":    func() servertest.Response { return s.PostForm("/oauth2/token", servertest.CodeExchange(code)) },
			"refresh": func() servertest.Response { return s.Refresh(refresh) },
			"private_key_jwt": func() servertest.Response {
				return s.PostForm("/oauth2/token", servertest.PrivateKeyJWTForm(s, signer))
			},
			"an uncached client": func() servertest.Response {
				return s.PostForm("/oauth2/token", url.Values{"client_id": {"uncached"}, "grant_type": {"refresh_token"}})
			},
			"introspect access":  func() servertest.Response { return s.PostForm("/oauth2/introspect", url.Values{"token": {access}}) },
			"introspect refresh": func() servertest.Response { return s.PostForm("/oauth2/introspect", url.Values{"token": {refresh}}) },
			"revoke access":      func() servertest.Response { return s.PostForm("/oauth2/revoke", url.Values{"token": {access}}) },
			"revoke refresh":     func() servertest.Response { return s.PostForm("/oauth2/revoke", url.Values{"token": {refresh}}) },
			"userinfo":           func() servertest.Response { return s.Userinfo(access) },
			"device, new":        func() servertest.Response { return s.PostForm("/oauth2/device/auth", servertest.DeviceClientForm()) },
			"device, polling":    device.PollNow,
			"device, its code":   func() servertest.Response { return b.EnterUserCode(device, "continue") },
			"device, refused":    func() servertest.Response { return b.EnterUserCode(device, "deny") },
			"sign-out": func() servertest.Response {
				return b.Get("/oauth2/sessions/logout?id_token_hint=" + servertest.Text(tokens["id_token"]))
			},
			"registration": func() servertest.Response {
				return s.Call(t, http.MethodPost, "/connect/register", "", `{"redirect_uris":["https://a.example/"]}`)
			},
			"registration, read":   func() servertest.Response { return s.Call(t, http.MethodGet, registered.Path, registered.Token, "") },
			"registration, delete": func() servertest.Response { return s.Call(t, http.MethodDelete, registered.Path, registered.Token, "") },
			"readiness":            func() servertest.Response { return b.Get("/health/ready") },
		} {
			p := act()
			if p.Status != http.StatusServiceUnavailable || p.Header.Get("Retry-After") == "" {
				t.Errorf("%s: %d with Retry-After %q, want 503\n%s", name, p.Status, p.Header.Get("Retry-After"), p.Body)
			}
		}
		for _, path := range []string{"/health/alive", "/.well-known/jwks.json", "/.well-known/openid-configuration"} {
			if p := b.Get(path); p.Status != http.StatusOK {
				t.Errorf("%s: %d, which needs no database", path, p.Status)
			}
		}
	})
}
