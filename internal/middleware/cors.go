package middleware

import (
	"net/http"
	"strings"
)

// CORS lets pages of any origin call a machine endpoint, without credentials of
// the browser. It is not for authorize, logout or pages: nothing there is for
// scripts.
//
// Spec: the Fetch standard, section 3.2; RFC 9449 section 8 (DPoP-Nonce).
func CORS(methods ...string) func(http.Handler) http.Handler {
	allowed := strings.Join(methods, ", ")
	set := fixed{
		"Access-Control-Allow-Origin":   "*",
		"Access-Control-Expose-Headers": "WWW-Authenticate, DPoP-Nonce, Retry-After, Location",
	}.setter()
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			if preflight(r) {
				h.Set("Access-Control-Allow-Origin", "*")
				h.Set("Access-Control-Allow-Methods", allowed)
				h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, DPoP")
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
