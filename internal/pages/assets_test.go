package pages

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

func fetch(t *testing.T, method, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()

	p, err := New(options())
	if err != nil {
		t.Fatalf("New() = %v", err)
	}
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	p.Static().ServeHTTP(w, r)
	return w
}

func TestEveryAssetAPageNamesIsServedForEver(t *testing.T) {
	t.Parallel()

	kinds := map[string]string{".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".js": "text/javascript; charset=utf-8"}
	for _, s := range samples() {
		_, doc := open(t, func(p *Pages, w http.ResponseWriter) { s.write(p, w, "Acme", "/x") })
		for _, n := range elements(doc, "link", "script") {
			path := value(n, "href") + value(n, "src")
			w := fetch(t, http.MethodGet, path)
			if w.Code != http.StatusOK || w.Body.Len() == 0 {
				t.Errorf("GET %s = %d with %d bytes", path, w.Code, w.Body.Len())
			}
			if got, want := w.Header().Get("Content-Type"), kinds[filepath.Ext(path)]; got != want {
				t.Errorf("GET %s is %q, want %q", path, got, want)
			}
			if got, want := w.Header().Get("Cache-Control"), "public, max-age=31536000, immutable"; got != want {
				t.Errorf("GET %s: Cache-Control = %q, want %q", path, got, want)
			}

			again := fetch(t, http.MethodGet, path, "If-None-Match", w.Header().Get("ETag"))
			if again.Code != http.StatusNotModified || again.Body.Len() != 0 {
				t.Errorf("GET %s with its ETag = %d, want 304", path, again.Code)
			}
		}
	}
}

func TestAssetsOfAnotherReleaseAreNotKept(t *testing.T) {
	t.Parallel()

	w := fetch(t, http.MethodGet, "/static/0123456789abcdef/app.css")
	if got := w.Header().Get("Cache-Control"); w.Code != http.StatusOK || got != "no-cache" {
		t.Errorf("style of another release = %d %q, want 200 no-cache", w.Code, got)
	}
}

func TestNothingElseIsServed(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		method, path string
		want         int
	}{
		"a list of what there is": {http.MethodGet, "/static/", http.StatusNotFound},
		"a file that is not":      {http.MethodGet, "/static/x/secret.txt", http.StatusNotFound},
		"a way out":               {http.MethodGet, "/static/x/../web.go", http.StatusNotFound},
		"a template":              {http.MethodGet, "/static/x/signin.html", http.StatusNotFound},
		"a post":                  {http.MethodPost, "/static/x/app.css", http.StatusMethodNotAllowed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			if got := fetch(t, tc.method, tc.path).Code; got != tc.want {
				t.Errorf("%s %s = %d, want %d", tc.method, tc.path, got, tc.want)
			}
		})
	}
}

func TestStyleLoadsNothingFromOtherHosts(t *testing.T) {
	t.Parallel()

	css := fetch(t, http.MethodGet, "/static/x/app.css").Body.String()
	for _, bad := range []string{"@import", "//", "http:", "https:", "data:"} {
		if strings.Contains(css, bad) {
			t.Errorf("the style holds %q", bad)
		}
	}
}
