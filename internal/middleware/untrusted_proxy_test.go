package middleware_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/middleware"
)

func TestOneWarningForAnUntrustedProxy(t *testing.T) {
	t.Parallel()
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for name, tc := range map[string]struct {
		peer, header string
		want         int
	}{
		"no proxy":                       {"192.0.2.1:99", "", 0},
		"a trusted proxy":                {"10.1.2.3:99", "X-Forwarded-For", 0},
		"an untrusted proxy":             {"192.0.2.1:99", "X-Forwarded-For", 1},
		"one that speaks RFC 7239":       {"192.0.2.1:99", "Forwarded", 1},
		"one behind a Unix socket":       {"@", "X-Forwarded-For", 1},
		"one at another kind of address": {"[2001:db8::1]:99", "X-Forwarded-For", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			served := 0
			warn := middleware.WarnOfUntrustedProxy(trusted, slog.New(slog.NewTextHandler(&log, nil)))
			h := func(http.ResponseWriter, *http.Request) { served++ }
			for _, listener := range []http.Handler{warn(http.HandlerFunc(h)), warn(http.HandlerFunc(h)), warn(http.HandlerFunc(h))} {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
				r.RemoteAddr = tc.peer
				if tc.header != "" {
					r.Header.Set(tc.header, "203.0.113.9")
				}
				listener.ServeHTTP(httptest.NewRecorder(), r)
			}
			if got := strings.Count(log.String(), "setting=trusted_proxies"); got != tc.want || served != 3 {
				t.Errorf("%d warnings, %d requests served, want %d and 3:\n%s", got, served, tc.want, &log)
			}
			if strings.Contains(log.String(), "203.0.113.9") {
				t.Errorf("the log believes the header: %s", &log)
			}
		})
	}
}
