package middleware

import (
	"log/slog"
	"net/http"
	"net/netip"
	"sync/atomic"
)

// WarnOfUntrustedProxy logs one warning for the lifetime of the process when a request of
// an untrusted proxy arrives. Without the setting all users behind that proxy share its
// address, and with it every rate limit. A client may also send the header; it has no
// other effect.
func WarnOfUntrustedProxy(trusted []netip.Prefix, log *slog.Logger) func(http.Handler) http.Handler {
	var warned atomic.Bool
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if header := forwardedBy(r); header != "" && !trusts(trusted, peer(r)) && warned.CompareAndSwap(false, true) {
				log.LogAttrs(r.Context(), slog.LevelWarn,
					"untrusted proxy: if you operate it, add its address to trusted_proxies; otherwise all clients behind it share one address",
					slog.String("setting", "trusted_proxies"), slog.String("proxy", peer(r).String()), slog.String("header", header))
			}
			next.ServeHTTP(w, r)
		})
	}
}

// forwardedBy returns the header with which a proxy identifies the client, or an empty
// string.
func forwardedBy(r *http.Request) string {
	for _, name := range []string{"X-Forwarded-For", "Forwarded"} {
		if r.Header.Get(name) != "" {
			return name
		}
	}
	return ""
}
