package server_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// responsesOf returns a response of each type that the server sends, by name.
func responsesOf(t *testing.T, s *servertest.Server) map[string]servertest.Response {
	t.Helper()
	b := s.NewBrowser()
	got := s.ExchangeCode(b.Code(servertest.AuthorizationRequest()))
	form := func(values ...string) url.Values {
		f := url.Values{}
		for i := 0; i < len(values); i += 2 {
			f.Set(values[i], values[i+1])
		}
		return f
	}
	waiting := b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "login").Encode())
	signIn := b.Get(waiting.Header.Get("Location"))
	wrong := b.Post(signIn.FormAction(), form("request", signIn.HiddenField("request"), "username", "ada", "password", "wrong"))
	consent := s.NewBrowser()
	p := consent.Get("/oauth2/auth?" + servertest.AuthorizationRequest("client_id", "careful", "scope", "openid").Encode())
	page := consent.Get(p.Header.Get("Location"))
	p = consent.Post(page.FormAction(), form("request", page.HiddenField("request"), "username", "bob", "password", servertest.Password))
	back := consent.Get(p.Header.Get("Location"))
	registered := servertest.Register(t, s)
	return map[string]servertest.Response{
		"token":               s.PostForm("/oauth2/token", form("grant_type", "client_credentials")),
		"token, refused":      s.PostForm("/oauth2/token", form("grant_type", "password")),
		"token, stranger":     s.PostForm("/oauth2/token", form("grant_type", "password", "client_id", "nobody")),
		"token, by GET":       b.Get("/oauth2/token"),
		"token, malformed":    s.PostForm("/oauth2/token", url.Values{"scope": {"a", "b"}}),
		"introspect":          s.PostForm("/oauth2/introspect", form("token", servertest.Text(got["access_token"]))),
		"introspect, dead":    s.PostForm("/oauth2/introspect", form("token", "x")),
		"introspect, refused": s.PostForm("/oauth2/introspect", form("token", "x", "client_id", "app")),
		"revoke":              s.PostForm("/oauth2/revoke", form("token", "x")),
		"revoke, refused":     s.PostForm("/oauth2/revoke", form()),
		"userinfo":            s.Userinfo(got["access_token"]),
		"userinfo, refused":   s.Userinfo("x"),
		"registration":        s.Call(t, http.MethodGet, registered.Path, registered.Token, ""),
		"registration, new":   s.Call(t, http.MethodPost, "/connect/register", "", `{"redirect_uris":["https://a.example/"]}`),
		"registration, bad":   s.Call(t, http.MethodPost, "/connect/register", "", `{}`),
		"registration, other": s.Call(t, http.MethodGet, registered.Path, "x", ""),
		"to sign-in":          waiting,
		"sign-in page":        signIn,
		"sign-in, wrong":      wrong,
		"signed in":           p,
		"to consent":          back,
		"consent page":        consent.Get(back.Header.Get("Location")),
		"answer":              b.Get("/oauth2/auth?" + servertest.AuthorizationRequest().Encode()),
		"answer, by form":     b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("response_mode", "form_post").Encode()),
		"error to client":     b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("scope", `"`).Encode()),
		"error page":          b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("client_id", "x").Encode()),
		"bad request page":    b.Get("/oauth2/auth?client_id=a&client_id=b"),
		"authorize by POST":   b.Post("/oauth2/auth", servertest.AuthorizationRequest()),
		"sign-out question":   b.Get("/oauth2/sessions/logout"),
		"sign-out, refused":   b.Get("/oauth2/sessions/logout?id_token_hint=x"),
		"sign-out by POST":    s.NewBrowser().Post("/oauth2/sessions/logout", form("state", "x")),
		"signed out":          s.NewBrowser().Get("/oauth2/sessions/logout"),
		"sign-up, nowhere":    b.Get("/signup?request=x"),
		"set-up":              b.Get("/setup?token=x"),
		"nothing here":        b.Get("/nothing"),
		"nothing here either": b.Get("/oauth2/token/..;/x"),
		"home":                b.Get("/"),
		"discovery":           b.Get("/.well-known/openid-configuration"),
		"key set":             b.Get("/.well-known/jwks.json"),
		"style":               b.Get("/static/nothing.css"),
	}
}

// Every response forbids framing, content sniffing and referrers to other hosts (OWASP ASVS V3).
// Responses about a user are not cached. Every redirect is a 303, so that a browser never repeats a
// POST at the target.
func TestHostileEveryResponseHasSecurityHeaders(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), map[string]string{"rate_limits": "off", "sign_up": "on"})
	for name, p := range responsesOf(t, s) {
		h := p.Header
		if p.Status >= http.StatusInternalServerError {
			t.Errorf("%s: %d", name, p.Status)
		}
		if p.Status >= 300 && p.Status < 400 && p.Status != http.StatusSeeOther {
			t.Errorf("%s: redirect with %d, want 303", name, p.Status)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: X-Content-Type-Options %q", name, h.Get("X-Content-Type-Options"))
		}
		if policy := h.Get("Referrer-Policy"); policy != "no-referrer" && policy != "same-origin" &&
			(policy != "strict-origin" || name != "answer, by form") {
			t.Errorf("%s: Referrer-Policy %q", name, policy)
		}
		csp := h.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") ||
			!strings.Contains(csp, "frame-ancestors 'none'") && name != "style" {
			t.Errorf("%s: Content-Security-Policy %q", name, csp)
		}
		public := name == "discovery" || name == "key set" || name == "style"
		if cache := h.Get("Cache-Control"); !public && cache != "no-store" {
			t.Errorf("%s: Cache-Control %q, want no-store", name, cache)
		}
		if h.Get("Strict-Transport-Security") != "" {
			t.Errorf("%s: HSTS over plain http", name)
		}
		for _, telling := range []string{"Server", "X-Powered-By", "X-Aspnet-Version", "Via"} {
			if h.Get(telling) != "" {
				t.Errorf("%s: %s: %s", name, telling, h.Get(telling))
			}
		}
		// A client that authenticates in the body reads the error there; see docs/divergences.md.
		if p.Status == http.StatusUnauthorized && (h.Get("WWW-Authenticate") == "") != (name == "token, stranger") {
			t.Errorf("%s: 401 with WWW-Authenticate %q", name, h.Get("WWW-Authenticate"))
		}
	}
	for _, path := range []string{"/health/alive", "/nothing"} {
		w := httptest.NewRecorder()
		s.App.Admin().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		if h := w.Header(); h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Content-Security-Policy") == "" {
			t.Errorf("%s of the admin listener: %v", path, h)
		}
	}
}

// With an https issuer, responses have Strict-Transport-Security and cookies are Secure.
func TestHostileOverHTTPS(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), map[string]string{"issuer": "https://id.example"})
	ask := func(path string) servertest.Response {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		w := httptest.NewRecorder()
		s.App.Public().ServeHTTP(w, r)
		return servertest.Response{Status: w.Code, Header: w.Header(), Body: w.Body.String()}
	}
	p := ask("/oauth2/auth?" + servertest.AuthorizationRequest().Encode())
	if !strings.HasPrefix(p.Header.Get("Location"), "https://id.example/login") {
		t.Errorf("to %q", p.Header.Get("Location"))
	}
	cookie := p.Header.Get("Set-Cookie")
	for _, want := range []string{"__Host-", "Path=/", "HttpOnly", "Secure", "SameSite=Lax"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("Set-Cookie: %s, want %s in it", cookie, want)
		}
	}
	if strings.Contains(cookie, "Domain") {
		t.Errorf("Set-Cookie: %s", cookie)
	}
	for _, path := range []string{"/", "/.well-known/jwks.json", "/oauth2/token", "/nothing"} {
		if got := ask(path).Header.Get("Strict-Transport-Security"); !strings.HasPrefix(got, "max-age=") {
			t.Errorf("%s: Strict-Transport-Security %q", path, got)
		}
	}
}

// Lifetimes have bounds that no configuration passes.
func TestHostileLifetimesAreBounded(t *testing.T) {
	t.Parallel()
	for key, value := range map[string]string{"code_lifetime": "61s", "access_token_lifetime": "61m", "refresh_grace": "6m"} {
		_, err := config.Load(config.Sources{
			Defaults: map[string]string{"issuer": "https://id.example", "database_url": "sqlite:x", "system_secrets": servertest.SystemSecret},
			Override: map[string]string{key: value}, Require: config.ServeRequires(),
		})
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s = %s: %v, want a refusal", key, value, err)
		}
	}
}
