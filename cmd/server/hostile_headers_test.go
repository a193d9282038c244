package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// answersOf returns an answer of every kind that there is, by name.
func answersOf(t *testing.T, s *server) map[string]reply {
	t.Helper()
	b := s.browser()
	got := s.tokens(b.code(asking()))
	form := func(values ...string) url.Values {
		f := url.Values{}
		for i := 0; i < len(values); i += 2 {
			f.Set(values[i], values[i+1])
		}
		return f
	}
	waiting := b.get("/oauth2/auth?" + asking("prompt", "login").Encode())
	signIn := b.get(waiting.header.Get("Location"))
	wrong := b.post(signIn.action(), form("request", signIn.field("request"), "username", "ada", "password", "wrong"))
	consent := s.browser()
	p := consent.get("/oauth2/auth?" + asking("client_id", "careful", "scope", "openid").Encode())
	page := consent.get(p.header.Get("Location"))
	p = consent.post(page.action(), form("request", page.field("request"), "username", "bob", "password", testPassword))
	back := consent.get(p.header.Get("Location"))
	registered := s.register(t)
	return map[string]reply{
		"token":               s.call("/oauth2/token", form("grant_type", "client_credentials")),
		"token, refused":      s.call("/oauth2/token", form("grant_type", "password")),
		"token, stranger":     s.call("/oauth2/token", form("grant_type", "password", "client_id", "nobody")),
		"token, by GET":       b.get("/oauth2/token"),
		"token, malformed":    s.call("/oauth2/token", url.Values{"scope": {"a", "b"}}),
		"introspect":          s.call("/oauth2/introspect", form("token", text(got["access_token"]))),
		"introspect, dead":    s.call("/oauth2/introspect", form("token", "x")),
		"introspect, refused": s.call("/oauth2/introspect", form("token", "x", "client_id", "app")),
		"revoke":              s.call("/oauth2/revoke", form("token", "x")),
		"revoke, refused":     s.call("/oauth2/revoke", form()),
		"userinfo":            s.userinfo(got["access_token"]),
		"userinfo, refused":   s.userinfo("x"),
		"registration":        s.send(t, http.MethodGet, registered.path, registered.token, ""),
		"registration, new":   s.send(t, http.MethodPost, "/connect/register", "", `{"redirect_uris":["https://a.example/"]}`),
		"registration, bad":   s.send(t, http.MethodPost, "/connect/register", "", `{}`),
		"registration, other": s.send(t, http.MethodGet, registered.path, "x", ""),
		"to sign-in":          waiting,
		"sign-in page":        signIn,
		"sign-in, wrong":      wrong,
		"signed in":           p,
		"to consent":          back,
		"consent page":        consent.get(back.header.Get("Location")),
		"answer":              b.get("/oauth2/auth?" + asking().Encode()),
		"answer, by form":     b.get("/oauth2/auth?" + asking("response_mode", "form_post").Encode()),
		"error to client":     b.get("/oauth2/auth?" + asking("scope", `"`).Encode()),
		"error page":          b.get("/oauth2/auth?" + asking("client_id", "x").Encode()),
		"bad request page":    b.get("/oauth2/auth?client_id=a&client_id=b"),
		"authorize by POST":   b.post("/oauth2/auth", asking()),
		"sign-out question":   b.get("/oauth2/sessions/logout"),
		"sign-out, refused":   b.get("/oauth2/sessions/logout?id_token_hint=x"),
		"sign-out by POST":    s.browser().post("/oauth2/sessions/logout", form("state", "x")),
		"signed out":          s.browser().get("/oauth2/sessions/logout"),
		"sign-up, nowhere":    b.get("/signup?request=x"),
		"set-up":              b.get("/setup?token=x"),
		"nothing here":        b.get("/nothing"),
		"nothing here either": b.get("/oauth2/token/..;/x"),
		"home":                b.get("/"),
		"discovery":           b.get("/.well-known/openid-configuration"),
		"key set":             b.get("/.well-known/jwks.json"),
		"style":               b.get("/static/nothing.css"),
	}
}

// What every answer owes (OWASP ASVS V3): nothing is framed, guessed at or told to
// other hosts; what is about somebody is not cached; every redirect is a 303, so
// that nothing posted is posted on.
func TestHostileEveryAnswerHasItsHeaders(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), map[string]string{"rate_limits": "off", "sign_up": "on"})
	for name, p := range answersOf(t, s) {
		h := p.header
		if p.status >= http.StatusInternalServerError {
			t.Errorf("%s: %d", name, p.status)
		}
		if p.status >= 300 && p.status < 400 && p.status != http.StatusSeeOther {
			t.Errorf("%s: redirect with %d, want 303", name, p.status)
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
		if p.status == http.StatusUnauthorized && (h.Get("WWW-Authenticate") == "") != (name == "token, stranger") {
			t.Errorf("%s: 401 with WWW-Authenticate %q", name, h.Get("WWW-Authenticate"))
		}
	}
	for _, path := range []string{"/health/alive", "/nothing"} {
		w := httptest.NewRecorder()
		s.admin().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		if h := w.Header(); h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Content-Security-Policy") == "" {
			t.Errorf("%s of the operators' listener: %v", path, h)
		}
	}
}

// Over https the browser is told to stay there, and cookies do not leave it.
func TestHostileOverHTTPS(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), map[string]string{"issuer": "https://id.example"})
	ask := func(path string) reply {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		w := httptest.NewRecorder()
		s.public().ServeHTTP(w, r)
		return reply{w.Code, w.Header(), w.Body.String()}
	}
	p := ask("/oauth2/auth?" + asking().Encode())
	if !strings.HasPrefix(p.header.Get("Location"), "https://id.example/login") {
		t.Errorf("to %q", p.header.Get("Location"))
	}
	cookie := p.header.Get("Set-Cookie")
	for _, want := range []string{"__Host-", "Path=/", "HttpOnly", "Secure", "SameSite=Lax"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("Set-Cookie: %s, want %s in it", cookie, want)
		}
	}
	if strings.Contains(cookie, "Domain") {
		t.Errorf("Set-Cookie: %s", cookie)
	}
	for _, path := range []string{"/", "/.well-known/jwks.json", "/oauth2/token", "/nothing"} {
		if got := ask(path).header.Get("Strict-Transport-Security"); !strings.HasPrefix(got, "max-age=") {
			t.Errorf("%s: Strict-Transport-Security %q", path, got)
		}
	}
}

// Lifetimes have bounds that no configuration passes.
func TestHostileLifetimesAreBounded(t *testing.T) {
	t.Parallel()
	for key, value := range map[string]string{"code_lifetime": "61s", "access_token_lifetime": "61m", "refresh_grace": "6m"} {
		_, err := config.Load(config.Sources{
			Defaults: map[string]string{"issuer": "https://id.example", "database_url": "sqlite:x", "system_secrets": testSecret},
			Override: map[string]string{key: value}, Require: config.ServeRequires(),
		})
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s = %s: %v, want a refusal", key, value, err)
		}
	}
}
