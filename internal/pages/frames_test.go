package pages

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func signedOut(t *testing.T, v SignedOut) (*httptest.ResponseRecorder, []string) {
	t.Helper()
	w, doc := open(t, func(p *Pages, w http.ResponseWriter) { p.SignedOut(w, request(), http.StatusOK, v) })
	var frames []string
	for _, n := range elements(doc, "iframe") {
		frames = append(frames, value(n, "src"))
	}
	return w, frames
}

// frameSources returns what the policy of a page lets it frame.
func frameSources(w *httptest.ResponseRecorder) string {
	_, after, found := strings.Cut(w.Header().Get("Content-Security-Policy"), "; frame-src ")
	if !found {
		return ""
	}
	sources, _, _ := strings.Cut(after, ";")
	return sources
}

func TestFramesAreLoadedAsTheyAreAndNothingElseIs(t *testing.T) {
	t.Parallel()

	many := make([]string, 200)
	for i := range many {
		many[i] = fmt.Sprintf("https://client-%d.example/out", i)
	}
	for name, tc := range map[string]struct {
		frames, loaded []string
		sources        string
	}{
		"none": {},
		"two of one origin and one of another": {
			[]string{"https://a.example/out?x=%20y&iss=https%3A%2F%2Fid.example&sid=1", "https://a.example:443/two", "https://a.example/three"},
			[]string{"https://a.example/out?x=%20y&iss=https%3A%2F%2Fid.example&sid=1", "https://a.example:443/two", "https://a.example/three"},
			"https://a.example https://a.example:443",
		},
		"what could not be one": {
			[]string{"javascript:alert(1)", "https://a.example;script-src", "https://a b.example/", "/out", "https://ada@a.example/", "https://b.example/"},
			[]string{"https://b.example/"},
			"https://b.example",
		},
		"more than a header holds": {many, many, "https:"},
	} {
		for _, next := range []string{"", "https://rp.example/bye?state=s"} {
			t.Run(name+" "+next, func(t *testing.T) {
				t.Parallel()

				w, loaded := signedOut(t, SignedOut{Next: next, Frames: tc.frames})
				if strings.Join(loaded, " ") != strings.Join(tc.loaded, " ") {
					t.Errorf("frames = %q, want %q", loaded, tc.loaded)
				}
				if got := frameSources(w); got != tc.sources {
					t.Errorf("frame-src = %q, want %q", got, tc.sources)
				}
			})
		}
	}
}

// Without script the page refreshes itself, and every page has a link.
func TestSignedOutPageContinuesWithoutScript(t *testing.T) {
	t.Parallel()

	const next = "https://rp.example/bye?a=%62&state=%22%27%3B+x"
	w, _ := signedOut(t, SignedOut{Next: next, Frames: []string{"https://a.example/"}})
	body := w.Body.String()
	escaped := strings.NewReplacer("&", "&amp;", "+", "&#43;").Replace(next)
	for _, want := range []string{
		`<noscript><meta http-equiv="refresh" content="5; url=` + escaped + `"></noscript>`,
		`<a id="continue" class="button primary" href="` + escaped + `">`, "signed out", "rp.example",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s\n%s", want, body)
		}
	}
	if got := w.Header().Get("Referrer-Policy"); got != "no-referrer" {
		t.Errorf("Referrer-Policy = %q", got)
	}
	for _, bad := range []string{"javascript:alert(1)", "data:text/html,x", "//evil.example"} {
		if w, _ := signedOut(t, SignedOut{Next: bad, Frames: []string{"https://a.example/"}}); w.Code != http.StatusBadRequest {
			t.Errorf("on to %s: %d, want 400", bad, w.Code)
		}
	}
}

func TestAnyPageMayHoldTheFrameThatWatches(t *testing.T) {
	t.Parallel()

	p, err := New(options())
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	p.CheckSession("__Host-state").ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/check", nil))
	head := w.Header()
	if head.Get("X-Frame-Options") != "" || head.Get("Set-Cookie") != "" || !strings.HasPrefix(head.Get("Cache-Control"), "public") {
		t.Errorf("header = %v, want a page that may be framed and kept", head)
	}
	for _, want := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors *"} {
		if !strings.Contains(head.Get("Content-Security-Policy"), want) {
			t.Errorf("Content-Security-Policy = %q, want %s", head.Get("Content-Security-Policy"), want)
		}
	}
	if !strings.Contains(w.Body.String(), `data-cookie="__Host-state"></script>`) {
		t.Errorf("the page does not name the cookie:\n%s", w.Body)
	}
}
