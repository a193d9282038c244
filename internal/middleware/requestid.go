package middleware

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/netip"

	"github.com/ostiary/ostiary/internal/refusal"
)

// requestInfo is the information of middleware about a request. It is one value of the
// context, because each further value costs a copy of the request.
type requestInfo struct {
	id      string
	address netip.Addr
	slot    *heldSlot // of the last admission
	refusal refusal.Slot
}

// Refusal returns where handlers note why they reject the request.
func (a *requestInfo) Refusal() *refusal.Slot { return &a.refusal }

// infoOf returns the requestInfo of ctx, or nil.
func infoOf(ctx context.Context) *requestInfo {
	a, _ := ctx.Value(refusal.Key{}).(*requestInfo)
	return a
}

// withInfo returns r with a requestInfo.
func withInfo(r *http.Request) (*http.Request, *requestInfo) {
	if a := infoOf(r.Context()); a != nil {
		return r, a
	}
	a := &requestInfo{}
	return r.WithContext(context.WithValue(r.Context(), refusal.Key{}, a)), a
}

// RequestID assigns an ID to every request, for [ID], the log and X-Request-Id.
//
// Only a trusted proxy may choose it: a client could otherwise forge entries of the log.
func RequestID(trusted []netip.Prefix) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			id := r.Header.Get("X-Request-Id")
			if !plainID(id) || !trusts(trusted, peer(r)) {
				id = rand.Text()
			}
			w.Header().Set("X-Request-Id", id)
			r, a := withInfo(r)
			a.id = id
			next.ServeHTTP(w, r)
		})
	}
}

// ID returns the ID that [RequestID] assigned, or an empty string.
func ID(ctx context.Context) string {
	if a := infoOf(ctx); a != nil {
		return a.id
	}
	return ""
}

// plainID reports whether id has 1 to 64 letters, digits, '-', '_' and '.'.
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
