package jwks

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"
)

func serve(t *testing.T, m *Manager, method, ifNoneMatch string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "/.well-known/jwks.json", nil)
	if ifNoneMatch != "" {
		r.Header.Set("If-None-Match", ifNoneMatch)
	}
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, r)
	return w
}

func TestHandler(t *testing.T) {
	t.Parallel()
	m, _, _ := started(t, ES256, EdDSA)
	_, etag, _ := m.KeySet()
	for name, tc := range map[string]struct {
		method, ifNoneMatch string
		status              int
		body                bool
	}{
		"GET":                          {"GET", "", 200, true},
		"HEAD":                         {"HEAD", "", 200, false},
		"GET of what the client has":   {"GET", etag, 304, false},
		"GET with a weak tag":          {"GET", "W/" + etag, 304, false},
		"GET with several tags":        {"GET", `"old", ` + etag, 304, false},
		"GET with any tag":             {"GET", "*", 304, false},
		"GET with an old tag":          {"GET", `"old"`, 200, true},
		"GET with a tag that is none":  {"GET", "\x00", 200, true},
		"POST":                         {"POST", "", 405, true},
		"a method that nobody defined": {"BREW", "", 405, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp := serve(t, m, tc.method, tc.ifNoneMatch)
			if body := resp.Body.Len() > 0; resp.Code != tc.status || body != tc.body {
				t.Errorf("status %d and a body: %t, want %d, %t", resp.Code, body, tc.status, tc.body)
			}
			if tc.status == 405 {
				return
			}
			if got := resp.Header().Get("Cache-Control"); got != "public, max-age=3600" {
				t.Errorf("Cache-Control = %q", got)
			}
			if got := resp.Header().Get("ETag"); got != etag {
				t.Errorf("ETag = %q, want %q", got, etag)
			}
			if got := resp.Header().Get("Content-Type"); tc.status == 200 && got != "application/json" {
				t.Errorf("Content-Type = %q", got)
			}
		})
	}
}

func TestKeySetContainsOnlyPublicKeys(t *testing.T) {
	t.Parallel()
	m, _, _ := started(t, allAlgorithms()...)
	body, _, _ := m.KeySet()
	var set struct{ Keys []map[string]any }
	if err := json.Unmarshal(body, &set); err != nil {
		t.Fatal(err)
	}
	if len(set.Keys) != 8 {
		t.Fatalf("%d keys, want a current and a next one of each algorithm", len(set.Keys))
	}
	public := []string{"alg", "crv", "e", "kid", "kty", "n", "use", "x", "y"}
	for _, k := range set.Keys {
		for member := range k {
			if !slices.Contains(public, member) {
				t.Errorf("key %v shows %q", k["kid"], member)
			}
		}
		if k["use"] != "sig" || k["kid"] == "" || !slices.Contains(allAlgorithms(), Algorithm(k["alg"].(string))) {
			t.Errorf("key %v has no kid, use or algorithm", k)
		}
	}
}

func TestKeySetChangesOnlyWithItsKeys(t *testing.T) {
	t.Parallel()
	m, _, c := started(t, EdDSA)
	_, before, _ := m.KeySet()
	c.advance(time.Minute)
	pass(t, m)
	if _, etag, _ := m.KeySet(); etag != before {
		t.Errorf("the tag changed from %s to %s though no key did", before, etag)
	}
	if _, err := m.Rotate(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if _, etag, _ := m.KeySet(); etag == before {
		t.Error("the tag stayed though a key was added")
	}
}

func TestKeySetMaxAgeEndsWithTheSnapshot(t *testing.T) {
	t.Parallel()
	store, c := &memory{}, &clock{}
	conn := &link{Store: store}
	m := newManager(t, testConfig(t, conn, c, EdDSA), c)
	if err := m.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn.down.Store(true)
	for _, step := range []struct {
		advance time.Duration
		header  string
	}{
		{0, "public, max-age=3600"},
		{20*time.Minute + time.Millisecond, "public, max-age=2399"},
		{40 * time.Minute, "public, max-age=0"},
		{24 * time.Hour, "public, max-age=0"},
	} {
		c.advance(step.advance)
		resp := serve(t, m, "GET", "")
		if got := resp.Header().Get("Cache-Control"); resp.Code != http.StatusOK || got != step.header {
			t.Errorf("%v without a store: %d, %q, want 200, %q", c.monotonic(), resp.Code, got, step.header)
		}
	}
	conn.down.Store(false)
	c.advance(time.Minute)
	if got := serve(t, m, "GET", "").Header().Get("Cache-Control"); got != "public, max-age=3600" {
		t.Errorf("with the store back, before any pass: %q", got)
	}
}

func TestHandlerBeforeStart(t *testing.T) {
	t.Parallel()
	c := &clock{}
	m := newManager(t, testConfig(t, &memory{}, c, EdDSA), c)
	resp := serve(t, m, "GET", "")
	if resp.Code != http.StatusServiceUnavailable || resp.Header().Get("Retry-After") == "" {
		t.Errorf("%d with Retry-After %q, want 503 and a time", resp.Code, resp.Header().Get("Retry-After"))
	}
}
