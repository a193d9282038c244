package middleware

import (
	"net/http"

	"github.com/ostiary/ostiary/internal/refusal"
)

// Navigation refuses what a browser says is for something else than a page: an image, a
// frame or a script on another site could have it asked for, as often as that site likes
// and without anybody seeing it. Who sends no Sec-Fetch-Dest is let through.
//
// Spec: Fetch Metadata Request Headers section 2.1.
func FetchMetadata(refuse Refuser) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if dest := r.Header.Get("Sec-Fetch-Dest"); dest != "" && dest != "document" {
				note(r, refusal.NotNavigation, http.StatusForbidden, "request_forbidden", "Sec-Fetch-Dest says that the response is not for a page of its own")
				refuse(w, r, http.StatusForbidden, "request_forbidden", "This address is for people to open, and not for other pages to load.")
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}
