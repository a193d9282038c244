package middleware

import (
	"context"
	"net/http"

	"github.com/ostiary/ostiary/internal/network"
	"github.com/ostiary/ostiary/internal/refusal"
)

// Report receives rejected requests.
type Report func(ctx context.Context, q refusal.Request, r refusal.Rejection)

// Refusals reports each rejected request once: the rejection that a handler noted with
// [refusal.Note], or an error response without one. It comes inside a chi router, after
// [ClientAddress], [RequestID] and [AccessLog], and before [Recover].
func Refusals(report Report) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rec := record(w)
			r, info := withInfo(r)
			ctx := r.Context()
			next.ServeHTTP(rec, r)
			noted, ok := info.refusal.Noted()
			switch failed := rec.status >= http.StatusBadRequest; {
			case !ok && !failed:
				return
			case noted.Succeeded && failed: // by a later middleware, which notes no reason
				noted = refusal.Rejection{ClientID: noted.ClientID}
			}
			q := refusal.Request{ID: info.id, Method: method(r), Route: route(ctx), Network: networkOf(ctx), Status: rec.status} //nolint:contextcheck // the request carries its own context
			report(ctx, q, noted)                                                                                                //nolint:contextcheck // the request carries its own context
		})
	}
}

// networkOf returns the narrowest network of the client (/32 for IPv4, /64 for IPv6), or
// an empty string.
func networkOf(ctx context.Context) string {
	networks := network.Of(Address(ctx))
	if narrowest := networks.At(0); narrowest.IsValid() {
		return narrowest.String()
	}
	return ""
}

// note notes a rejection by a middleware, for [Refusals]. The text is fixed.
func note(r *http.Request, rule refusal.Rule, status int, code, words string, attrs ...refusal.Attr) {
	refusal.Note(r.Context(), refusal.Rejection{Rule: rule, Status: status, Code: code, Text: words, Attrs: attrs})
}
