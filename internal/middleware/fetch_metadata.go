package middleware

import (
	"net/http"

	"github.com/ostiary/ostiary/internal/refusal"
)

// FetchMetadata rejects requests that a browser sends for an image, frame or script:
// another site could otherwise trigger them unseen, any number of times. Requests without
// Sec-Fetch-Dest pass.
//
// Spec: Fetch Metadata Request Headers §2.1.
func FetchMetadata(refuse Refuser) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if dest := r.Header.Get("Sec-Fetch-Dest"); dest != "" && dest != "document" {
				note(r, refusal.NotNavigation, http.StatusForbidden, "request_forbidden", "Sec-Fetch-Dest is not document")
				refuse(w, r, http.StatusForbidden, "request_forbidden", "Open this address as a page. Other pages cannot load it.")
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}
