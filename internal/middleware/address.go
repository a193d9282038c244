package middleware

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// ClientAddress finds out who is calling, for [Address].
//
// It is the socket's address, unless that is a trusted proxy: then it is the
// right-most hop of X-Forwarded-For that is not one. Hops left of it are the
// caller's own words. A Unix socket has no address and counts as 127.0.0.1.
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

// Address is the caller's address as [ClientAddress] found it, or the zero value.
func Address(ctx context.Context) netip.Addr {
	if a := infoOf(ctx); a != nil {
		return a.address
	}
	return netip.Addr{}
}

// peer is the address at the other end of the socket.
func peer(r *http.Request) netip.Addr {
	if at, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		return plain(at.Addr())
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1})
}

// plain is addr in the one spelling that prefixes can be compared with.
func plain(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }

func trusts(trusted []netip.Prefix, addr netip.Addr) bool {
	for _, p := range trusted {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// lastUntrusted walks the hops from the right. An unreadable hop ends the walk at
// the trusted one that reported it.
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

// parseHop reads an address with or without a port, as proxies write both.
func parseHop(text string) (netip.Addr, bool) {
	if addr, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return plain(addr), true
	}
	if at, err := netip.ParseAddrPort(text); err == nil {
		return plain(at.Addr()), true
	}
	return netip.Addr{}, false
}
