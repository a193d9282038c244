package session

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestNewOrigin(t *testing.T) {
	t.Parallel()
	for agent, want := range map[string]Origin{
		"Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0":                                                                         {"Firefox", "Linux", "192.0.2.7"},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0":                  {"Edge", "Windows", "192.0.2.7"},
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 Safari/605.1.15":                          {"Safari", "macOS", "192.0.2.7"},
		"Mozilla/5.0 (Linux; Android 15; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36":     {"Samsung Internet", "Android", "192.0.2.7"},
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/142.0.7444.46 Mobile/15E148 Safari/604.1": {"Chrome", "iOS", "192.0.2.7"},
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/142.0.0.0 Safari/537.36":                                  {"Chrome", "Linux", "192.0.2.7"},
		"curl/8.16.0": {"", "", "192.0.2.7"},
		"":            {"", "", "192.0.2.7"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		r.Header.Set("User-Agent", agent)
		if got := NewOrigin(r, "192.0.2.7"); got != want {
			t.Errorf("NewOrigin(%q) = %v, want %v", agent, got, want)
		}
	}
}
