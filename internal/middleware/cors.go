package middleware

import (
	"net/http"
	"strings"
)

// allowedHeaders lets a script send any request header: the browser adds no credentials,
// so a header contains only values of the script. The wildcard covers all names except
// Authorization; the other names are for browsers without support for the wildcard.
const allowedHeaders = "*, Authorization, Content-Type, DPoP"

// CORS allows pages of all origins to call an API endpoint, without the credentials of
// the browser. It must not be used for endpoints that read a cookie: authorize, logout
// and the pages.
//
// Spec: Fetch §3.3.3, §4.9, RFC 9449 §8 (DPoP-Nonce).
func CORS(methods ...string) func(http.Handler) http.Handler {
	allowed := strings.Join(withHead(methods), ", ")
	set := fixed{
		"Access-Control-Allow-Origin":   "*",
		"Access-Control-Expose-Headers": "WWW-Authenticate, DPoP-Nonce, Retry-After, Location, X-Request-Id",
	}.setter()
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			if preflight(r) {
				h.Set("Access-Control-Allow-Origin", "*")
				h.Set("Access-Control-Allow-Methods", allowed)
				h.Set("Access-Control-Allow-Headers", allowedHeaders)
				h.Set("Access-Control-Max-Age", "7200")
				w.WriteHeader(http.StatusNoContent)
				return
			}
			set(h)
			next.ServeHTTP(w, r)
		})
	}
}

func preflight(r *http.Request) bool {
	return r.Method == http.MethodOptions &&
		r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}
