package middleware

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/netip"
)

type requestIDKey struct{}

// RequestID gives every request a name, for [ID], the log and X-Request-Id.
//
// Only a trusted proxy may choose it: a caller who could would forge trails in the
// log.
func RequestID(trusted []netip.Prefix) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			id := r.Header.Get("X-Request-Id")
			if !plainID(id) || !trusts(trusted, peer(r)) {
				id = rand.Text()
			}
			w.Header().Set("X-Request-Id", id)
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestIDKey{}, id)))
		})
	}
}

// ID is the name [RequestID] gave to the request, or nothing.
func ID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// plainID reports whether id is short and made of letters, digits, '-', '_', '.'.
func plainID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for _, c := range []byte(id) {
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return true
}
