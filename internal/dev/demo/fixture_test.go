package demo_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/dev/demo"
)

func TestWaitsForProviderToStart(t *testing.T) {
	t.Parallel()
	provider := newProvider(t)
	provider.dead = 2
	b := open(t, provider.URL)

	status, page := b.get("/signin")
	b.mustShow(status, page, 200, `id="greeting"`)
}

func TestUnreachableProviderShowsError(t *testing.T) {
	t.Parallel()
	provider := newProvider(t)
	b := open(t, provider.URL)
	provider.Close()

	resp, err := b.Get(b.base + "/signin")
	if err != nil {
		t.Fatalf("GET /signin: %v", err)
	}
	if got := resp.Header.Get("Retry-After"); got != "2" {
		t.Errorf("Retry-After = %q, want 2", got)
	}
	status, page := b.read(resp, nil)
	b.mustShow(status, page, 503, "does not respond", provider.URL)
}

func TestCrossSitePostsAreRejected(t *testing.T) {
	t.Parallel()
	b := open(t, newProvider(t).URL)
	b.get("/signin")

	for _, path := range []string{"/signout", "/forget", "/refresh", "/introspect"} {
		req, err := http.NewRequest(http.MethodPost, b.base+path, nil)
		if err != nil {
			t.Fatalf("make request: %v", err)
		}
		req.Header.Set("Sec-Fetch-Site", "same-site")
		status, page := b.read(b.Do(req))
		b.mustShow(status, page, 403, "Cross-site request")
	}
	status, page := b.get("/")
	b.mustShow(status, page, 200, `id="greeting"`)
}

func TestPostsWithoutSessionRedirectToStart(t *testing.T) {
	t.Parallel()
	b := open(t, newProvider(t).URL)

	for _, path := range []string{"/signout", "/forget", "/refresh", "/introspect"} {
		status, page := b.press(path)
		b.mustShow(status, page, 200, `id="signin"`)
	}
}

func TestCookieAttributes(t *testing.T) {
	t.Parallel()
	b := open(t, newProvider(t).URL)

	var set []*http.Cookie
	b.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.Response != nil {
			set = append(set, r.Response.Cookies()...)
		}
		return nil
	}
	b.get("/signin")
	if len(set) != 2 {
		t.Fatalf("%d cookies were set, want one for the attempt and one for the visit: %v", len(set), set)
	}
	for _, c := range set {
		if !strings.HasPrefix(c.Name, "ostiary_demo_") || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.MaxAge <= 0 {
			t.Errorf("cookie %v: want the prefix ostiary_demo_, HttpOnly, SameSite=Lax and an end", c)
		}
	}
}

func TestRedirectsToBaseURL(t *testing.T) {
	t.Parallel()
	app, err := demo.New(demo.Config{Issuer: "http://localhost:4444", ClientID: "demo", BaseURL: "http://localhost:5555/"})
	if err != nil {
		t.Fatalf("New() = %v", err)
	}

	for name, tc := range map[string]struct {
		method, target string
		status         int
		location       string
	}{
		"by a redirect":           {"GET", "http://127.0.0.1:5555/?x=1", 302, "http://localhost:5555/?x=1"},
		"never with a form":       {"POST", "http://127.0.0.1:5555/forget", 421, ""},
		"and then are left alone": {"GET", "http://localhost:5555/", 200, ""},
		"where a page is missing": {"GET", "http://localhost:5555/nowhere", 404, ""},
		"where a method is wrong": {"DELETE", "http://localhost:5555/refresh", 405, ""},
		"where the style is":      {"GET", "http://localhost:5555/static/demo.css", 200, ""},
		"where there is no style": {"GET", "http://localhost:5555/static/none.css", 404, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			app.ServeHTTP(w, httptest.NewRequest(tc.method, tc.target, nil))
			if w.Code != tc.status || w.Header().Get("Location") != tc.location {
				t.Errorf("%s %s = %d to %q, want %d to %q", tc.method, tc.target, w.Code, w.Header().Get("Location"), tc.status, tc.location)
			}
		})
	}
}

func TestPagesForbidScripts(t *testing.T) {
	t.Parallel()
	app, err := demo.New(demo.Config{Issuer: "http://localhost:4444", ClientID: "demo", BaseURL: "http://localhost:5555"})
	if err != nil {
		t.Fatalf("New() = %v", err)
	}
	for _, path := range []string{"/", "/policy", "/terms", "/nowhere"} {
		w := httptest.NewRecorder()
		app.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://localhost:5555"+path, nil))
		if policy := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; style-src 'self'") {
			t.Errorf("GET %s has policy %q", path, policy)
		}
		for _, inline := range []string{"<script", "<style", " style=", " onclick="} {
			if strings.Contains(w.Body.String(), inline) {
				t.Errorf("GET %s contains %q", path, inline)
			}
		}
	}
}

func TestInvalidConfigurationIsRejected(t *testing.T) {
	t.Parallel()

	for name, cfg := range map[string]demo.Config{
		"without an issuer":         {ClientID: "demo", BaseURL: "http://localhost:5555"},
		"without a client":          {Issuer: "http://localhost:4444", BaseURL: "http://localhost:5555"},
		"without a base URL":        {Issuer: "http://localhost:4444", ClientID: "demo"},
		"with a base URL of no web": {Issuer: "http://localhost:4444", ClientID: "demo", BaseURL: "ftp://localhost"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := demo.New(cfg); err == nil {
				t.Errorf("New(%+v) = nil error", cfg)
			}
		})
	}
}

func TestMetadataURLsExist(t *testing.T) {
	t.Parallel()
	const base = "http://localhost:5555"
	app, err := demo.New(demo.Config{Issuer: "http://localhost:4444", ClientID: "demo", BaseURL: base})
	if err != nil {
		t.Fatalf("New() = %v", err)
	}
	metadata := demo.Metadata(base + "/")
	for _, member := range []string{"client_uri", "policy_uri", "tos_uri"} {
		address, _ := metadata[member].(string)
		w := httptest.NewRecorder()
		app.ServeHTTP(w, httptest.NewRequest(http.MethodGet, address, nil))
		if w.Code != http.StatusOK {
			t.Errorf("%s %s = %d, want 200", member, address, w.Code)
		}
	}
	if got := metadata["redirect_uris"].([]string)[0]; got != base+"/callback" {
		t.Errorf("redirect_uris = %q, want %q", got, base+"/callback")
	}
}
