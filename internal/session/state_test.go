package session

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// The frame computes the same from the cookie and the origin that asks.
func TestStateDependsOnClientAndOrigin(t *testing.T) {
	t.Parallel()

	cookies := Cookies{StateKey: []byte("key")}
	s := &Session{ID: "sid"}
	w := httptest.NewRecorder()
	cookies.ShowState(w, httptest.NewRequest(http.MethodGet, "/", nil), s)
	shown := w.Result().Cookies()[0].Value
	for redirectURI, origin := range map[string]string{
		"https://rp.example/cb?x=1": "https://rp.example", "https://RP.example:443/cb": "https://rp.example",
		"https://rp.example:8443/cb": "https://rp.example:8443", "http://localhost:80/cb": "http://localhost",
		"http://127.0.0.1:5555/": "http://127.0.0.1:5555", "http://[::1]:5555/": "http://[::1]:5555",
	} {
		hash, salt, _ := strings.Cut(cookies.State(s, "rp", redirectURI), ".")
		sum := sha256.Sum256([]byte("rp " + origin + " " + shown + " " + salt))
		if want := base64.RawURLEncoding.EncodeToString(sum[:]); hash != want || len(salt) != 16 {
			t.Errorf("State for %s = %s.%s, want the hash for %s", redirectURI, hash, salt, origin)
		}
	}
	for _, redirectURI := range []string{"com.example.app:/cb", "", "://"} {
		if got := cookies.State(s, "rp", redirectURI); got != "" {
			t.Errorf("State for %q = %q, want none", redirectURI, got)
		}
	}
	if one, two := cookies.State(s, "rp", "https://rp.example"), cookies.State(s, "rp", "https://rp.example"); one == two {
		t.Error("two states are the same, so that answers can be told to belong together")
	}
}

func TestStateCookieIsReadableByScriptsAndOpaque(t *testing.T) {
	t.Parallel()

	cookies := Cookies{Secure: true, StateKey: []byte("key")}
	s := &Session{ID: "the-session-id", Remembered: true, EndsAt: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)}
	w := httptest.NewRecorder()
	cookies.SetSession(w, "the-cookie", s)
	set := w.Result().Cookies()
	if len(set) != 2 || set[1].Name != "__Host-ostiary_state" || set[1].Name != cookies.StateName() {
		t.Fatalf("cookies = %v", set)
	}
	state := set[1]
	if state.HttpOnly || !state.Secure || state.SameSite != http.SameSiteNoneMode || state.Path != "/" || !state.Expires.Equal(s.EndsAt) {
		t.Errorf("the state cookie is %v", state)
	}
	if strings.Contains(state.Value, s.ID) || strings.Contains(state.Value, "the-cookie") || len(state.Value) < 40 {
		t.Errorf("the state is %q", state.Value)
	}
	again := httptest.NewRequest(http.MethodGet, "/", nil)
	again.AddCookie(state)
	w = httptest.NewRecorder()
	cookies.ShowState(w, again, s)
	if got := w.Header().Values("Set-Cookie"); len(got) != 0 {
		t.Errorf("what the browser has is written again: %v", got)
	}
	cookies.ShowState(w, again, &Session{ID: "another"})
	if got := w.Result().Cookies(); len(got) != 1 || got[0].Value == state.Value {
		t.Errorf("another session shows %v", got)
	}

	w = httptest.NewRecorder()
	cookies.ClearSession(w)
	for _, c := range w.Result().Cookies() {
		if c.MaxAge >= 0 {
			t.Errorf("the cookie stays: %v", c)
		}
	}
	if got := len(w.Result().Cookies()); got != 2 {
		t.Errorf("%d cookies are cleared, want 2", got)
	}
	other := httptest.NewRecorder()
	Cookies{StateKey: []byte("key")}.SetSession(other, "x", s)
	if plain := other.Result().Cookies()[1]; plain.SameSite != http.SameSiteLaxMode || plain.Secure || plain.Name != "ostiary_state" {
		t.Errorf("over plain http the state cookie is %v", plain)
	}
}
