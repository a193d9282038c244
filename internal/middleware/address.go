package middleware

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// ClientAddress determines the client address of requests, for [Address].
//
// It is the address of the connection, or, if that is a trusted proxy, the right-most
// address of X-Forwarded-For that is not trusted. Addresses to the left of it are claims
// of the client. A Unix socket has no address and counts as 127.0.0.1.
func ClientAddress(trusted []netip.Prefix) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			addr := peer(r)
			if trusts(trusted, addr) {
				addr = lastUntrusted(trusted, addr, r.Header.Values("X-Forwarded-For"))
			}
			r, a := withInfo(r)
			a.address = addr
			next.ServeHTTP(w, r)
		})
	}
}

// Address returns the client address that [ClientAddress] determined, or the zero value.
func Address(ctx context.Context) netip.Addr {
	if a := infoOf(ctx); a != nil {
		return a.address
	}
	return netip.Addr{}
}

// peer returns the address of the connection.
func peer(r *http.Request) netip.Addr {
	if at, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		return plain(at.Addr())
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1})
}

// plain returns addr in the form that can be compared with prefixes.
func plain(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }

func trusts(trusted []netip.Prefix, addr netip.Addr) bool {
	for _, p := range trusted {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// lastUntrusted searches the addresses from right to left. An unreadable address ends the
// search at the trusted proxy that reported it.
func lastUntrusted(trusted []netip.Prefix, from netip.Addr, headers []string) netip.Addr {
	hops := strings.Split(strings.Join(headers, ","), ",")
	for _, text := range slices.Backward(hops) {
		hop, ok := parseHop(strings.TrimSpace(text))
		if !ok {
			return from
		}
		from = hop
		if !trusts(trusted, hop) {
			return hop
		}
	}
	return from
}

// parseHop parses an address with or without a port, because proxies write both.
func parseHop(text string) (netip.Addr, bool) {
	if addr, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return plain(addr), true
	}
	if at, err := netip.ParseAddrPort(text); err == nil {
		return plain(at.Addr()), true
	}
	return netip.Addr{}, false
}
