package middleware

import (
	"log/slog"
	"net/http"
	"net/netip"
	"sync/atomic"
)

// WarnOfProxy logs one warning, for as long as the process lives, when a request comes
// through a proxy that is not trusted. Without the setting all users behind that proxy share
// its address, and with it every rate limit. The header may also be a caller's own
// invention: it changes nothing but this line.
func WarnOfUntrustedProxy(trusted []netip.Prefix, log *slog.Logger) func(http.Handler) http.Handler {
	var warned atomic.Bool
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if header := forwardedBy(r); header != "" && !trusts(trusted, peer(r)) && warned.CompareAndSwap(false, true) {
				log.LogAttrs(r.Context(), slog.LevelWarn,
					"a proxy is not trusted: set trusted_proxies to its address if it is yours, or all callers behind it count as one",
					slog.String("setting", "trusted_proxies"), slog.String("proxy", peer(r).String()), slog.String("header", header))
			}
			next.ServeHTTP(w, r)
		})
	}
}

// forwardedBy returns the header with which a proxy says whose request it forwards, or "".
func forwardedBy(r *http.Request) string {
	for _, name := range []string{"X-Forwarded-For", "Forwarded"} {
		if r.Header.Get(name) != "" {
			return name
		}
	}
	return ""
}
