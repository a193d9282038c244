package middleware_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/ostiary/ostiary/internal/middleware"
)

func trusted() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8"), netip.MustParsePrefix("127.0.0.1/32")}
}

func TestClientAddress(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		peer      string
		forwarded []string
		want      string
	}{
		"a caller without proxy":                  {"192.0.2.1:1234", nil, "192.0.2.1"},
		"a caller who claims to be another":       {"192.0.2.1:1234", []string{"198.51.100.9"}, "192.0.2.1"},
		"a caller through a proxy":                {"10.0.0.1:1234", []string{"198.51.100.9"}, "198.51.100.9"},
		"a caller who adds hops on the left":      {"10.0.0.1:1234", []string{"127.0.0.1, 203.0.113.5, 198.51.100.9"}, "198.51.100.9"},
		"a caller through two proxies":            {"10.0.0.1:1234", []string{"203.0.113.5, 198.51.100.9, 10.0.0.2"}, "198.51.100.9"},
		"hops in several headers":                 {"10.0.0.1:1234", []string{"203.0.113.5", "198.51.100.9", "10.0.0.2"}, "198.51.100.9"},
		"hops that are all proxies":               {"10.0.0.1:1234", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		"a proxy that says nothing":               {"10.0.0.1:1234", nil, "10.0.0.1"},
		"a hop that is no address":                {"10.0.0.1:1234", []string{"198.51.100.9, unknown"}, "10.0.0.1"},
		"a hop that is no address behind a proxy": {"10.0.0.1:1234", []string{"198.51.100.9, unknown, 10.0.0.2"}, "10.0.0.2"},
		"hops with ports":                         {"10.0.0.1:1234", []string{"198.51.100.9:5555, 10.0.0.2:80"}, "198.51.100.9"},
		"IPv6 hops":                               {"[fd00::1]:1234", []string{"[2001:db8::9]:5555, [fd00::2]"}, "2001:db8::9"},
		"IPv4 in IPv6":                            {"[::ffff:10.0.0.1]:1234", []string{"::ffff:198.51.100.9"}, "198.51.100.9"},
		"a zone":                                  {"[fe80::1%eth0]:1234", nil, "fe80::1"},
		"a proxy on a Unix socket":                {"@", []string{"198.51.100.9"}, "198.51.100.9"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = tc.peer
			r.Header["X-Forwarded-For"] = tc.forwarded
			var got netip.Addr
			middleware.ClientAddress(trusted())(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				got = middleware.Address(r.Context())
			})).ServeHTTP(httptest.NewRecorder(), r)
			if got.String() != tc.want {
				t.Errorf("from %s with %q: address is %s, want %s", tc.peer, tc.forwarded, got, tc.want)
			}
		})
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()

	h := func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, middleware.ID(r.Context())) }
	ask := func(peer, id string) string {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = peer
		r.Header.Set("X-Request-Id", id)
		w := httptest.NewRecorder()
		middleware.RequestID(trusted())(http.HandlerFunc(h)).ServeHTTP(w, r)
		if header := w.Header().Get("X-Request-Id"); header != w.Body.String() || header == "" {
			t.Errorf("from %s: the header says %q, the context %q", peer, header, w.Body)
		}
		return w.Body.String()
	}
	if got := ask("10.0.0.1:1", "trace-1"); got != "trace-1" {
		t.Errorf("a proxy's id became %q", got)
	}
	if got := ask("192.0.2.1:1", "trace-1"); got == "trace-1" {
		t.Error("a caller chose the id")
	}
	if got := ask("10.0.0.1:1", "a\nb"); len(got) < 26 {
		t.Errorf("an id with a line end became %q", got)
	}
	if first, second := ask("192.0.2.1:1", ""), ask("192.0.2.1:1", ""); first == second {
		t.Error("two requests have one id")
	}
}
