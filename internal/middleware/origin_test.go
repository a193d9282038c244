package middleware_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/ostiary/ostiary/internal/middleware"
)

func TestOwnFormsComparesWithTheIssuer(t *testing.T) {
	t.Parallel()

	const accepted, refused, wrongAddress = http.StatusOK, http.StatusForbidden, http.StatusTeapot
	h := middleware.OwnForms(middleware.Origins{
		Issuer: "https://id.example.com", Refuse: middleware.JSON,
		WrongAddress: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(wrongAddress) },
	})(http.HandlerFunc(ok))

	for name, tc := range map[string]struct {
		host, origin, site string
		want               int
	}{
		"a browser at the issuer":                            {"id.example.com", "https://id.example.com", "same-origin", accepted},
		"an old browser at the issuer":                       {"id.example.com", "https://id.example.com", "", accepted},
		"behind a proxy that rewrites Host":                  {"127.0.0.1:4444", "https://id.example.com", "same-origin", accepted},
		"an old browser behind such a proxy":                 {"127.0.0.1:4444", "https://id.example.com", "", accepted},
		"no browser":                                         {"127.0.0.1:4444", "", "", accepted},
		"an address that a person typed":                     {"id.example.com", "", "none", accepted},
		"another site":                                       {"id.example.com", "https://evil.example", "cross-site", refused},
		"another site, old browser":                          {"id.example.com", "https://evil.example", "", refused},
		"another site behind a proxy that rewrites Host":     {"127.0.0.1:4444", "https://evil.example", "cross-site", refused},
		"another site, old browser, behind such a proxy":     {"127.0.0.1:4444", "https://evil.example", "", refused},
		"a site beside":                                      {"id.example.com", "https://blog.example.com", "same-site", refused},
		"another port of the host":                           {"id.example.com", "https://id.example.com:8443", "same-site", refused},
		"a page without an origin":                           {"id.example.com", "null", "cross-site", refused},
		"a page without an origin, old browser":              {"id.example.com", "null", "", refused},
		"an Origin that only begins like the issuer's":       {"id.example.com", "https://id.example.com.evil.example", "", refused},
		"cross-site without an Origin":                       {"id.example.com", "", "cross-site", refused},
		"a browser at another address":                       {"10.0.0.7:4444", "http://10.0.0.7:4444", "same-origin", wrongAddress},
		"an old browser at another address":                  {"10.0.0.7:4444", "http://10.0.0.7:4444", "", wrongAddress},
		"a browser at the issuer's host without TLS":         {"id.example.com", "http://id.example.com", "same-origin", wrongAddress},
		"an attacker's name that resolves to this server":    {"evil.example", "https://evil.example", "same-origin", wrongAddress},
		"an attacker's name behind a proxy that rewrites it": {"127.0.0.1:4444", "https://evil.example", "same-site", refused},
	} {
		for _, method := range []string{http.MethodPost, http.MethodGet} {
			t.Run(fmt.Sprint(name, " by ", method), func(t *testing.T) {
				t.Parallel()

				r := httptest.NewRequestWithContext(t.Context(), method, "/login", http.NoBody)
				r.Host = tc.host
				for header, value := range map[string]string{"Origin": tc.origin, "Sec-Fetch-Site": tc.site} {
					if value != "" {
						r.Header.Set(header, value)
					}
				}
				want := tc.want
				if method == http.MethodGet { // pages have no check
					want = accepted
				}
				w := httptest.NewRecorder()
				if h.ServeHTTP(w, r); w.Code != want {
					t.Errorf("Host %q, Origin %q, Sec-Fetch-Site %q: %d, want %d", tc.host, tc.origin, tc.site, w.Code, want)
				}
			})
		}
	}
}
