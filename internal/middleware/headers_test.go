package middleware_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/middleware"
)

func ok(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }

func TestSecurityHeaders(t *testing.T) {
	t.Parallel()

	for _, https := range []bool{true, false} {
		want := http.Header{
			"X-Content-Type-Options":  {"nosniff"},
			"Referrer-Policy":         {"no-referrer"},
			"Content-Security-Policy": {"default-src 'none'; frame-ancestors 'none'"},
		}
		if https {
			want.Set("Strict-Transport-Security", "max-age=31536000")
		}
		resp := send(t, middleware.SecurityHeaders(https)(http.HandlerFunc(ok)), call{method: "GET"})
		resp.header.Del("Date")
		resp.header.Del("Content-Length")
		if diff := cmp.Diff(want, resp.header); diff != "" {
			t.Errorf("https %t: headers (-want +got):\n%s", https, diff)
		}
	}
}

func TestCORS(t *testing.T) {
	t.Parallel()

	h := middleware.CORS(http.MethodPost)(middleware.Form(tokenRule())(http.HandlerFunc(ok)))
	from := http.Header{"Origin": {"https://spa.example.com"}}
	ask := from.Clone()
	ask.Set("Access-Control-Request-Method", "POST")
	ask.Set("Access-Control-Request-Headers", "authorization, dpop")

	for name, tc := range map[string]struct {
		call   call
		status int
		want   map[string]string
	}{
		"a preflight": {call{method: "OPTIONS", header: ask}, 204, map[string]string{
			"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "POST", "Access-Control-Max-Age": "7200",
			"Access-Control-Allow-Headers": "*, Authorization, Content-Type, DPoP", "Access-Control-Allow-Credentials": "",
		}},
		"an answer": {call{method: "POST", body: "code=a", header: from}, 200, map[string]string{
			"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Credentials": "",
			"Access-Control-Expose-Headers": "WWW-Authenticate, DPoP-Nonce, Retry-After, Location, X-Request-Id",
		}},
		"a refusal, which a script must be able to read": {call{method: "POST", body: "code=%zz", header: from}, 400, map[string]string{
			"Access-Control-Allow-Origin": "*",
		}},
		"OPTIONS that is no preflight": {call{method: "OPTIONS"}, 405, map[string]string{"Allow": "POST"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			resp := send(t, h, tc.call)
			if resp.status != tc.status {
				t.Errorf("status %d, want %d", resp.status, tc.status)
			}
			for header, want := range tc.want {
				if got := resp.header.Get(header); got != want {
					t.Errorf("%s is %q, want %q", header, got, want)
				}
			}
		})
	}
}
