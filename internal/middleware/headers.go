package middleware

import "net/http"

// SecurityHeaders sets what every answer needs, pages and JSON alike; where strict,
// that browsers come by https alone from now on (RFC 6797 section 6.1). The content
// policy is that of an answer which is data; a page replaces it with its own.
func SecurityHeaders(strict bool) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			h.Set("X-Content-Type-Options", "nosniff")
			h.Set("Referrer-Policy", "no-referrer")
			h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
			if strict {
				h.Set("Strict-Transport-Security", "max-age=31536000")
			}
			next.ServeHTTP(w, r)
		})
	}
}
