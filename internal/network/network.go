// Package network groups client addresses into nested networks, the unit of rate limits
// and quotas.
package network

import "net/netip"

// MaxLevels is the maximum number of nested networks of an address.
const MaxLevels = 3

// Nested holds the nested networks of an address, the narrowest first: /32 and /24 for
// IPv4; /64, /56 and /48 for IPv6. A household or server has the narrowest network and can
// use every address in it; a site or a customer of a hosting provider has the widest.
// Limits apply at every level and grow with it, so that a client with many narrow networks
// is still limited.
//
// Spec: RFC 6177.
type Nested struct {
	prefixes [MaxLevels]netip.Prefix
	levels   int
}

// Of returns the networks of an address. The zero address has one, the zero prefix, so
// that all clients without a known address share their limits.
func Of(addr netip.Addr) Nested {
	switch {
	case !addr.IsValid():
		return Nested{levels: 1}
	case addr.Is4():
		return nest(addr, 32, 24)
	default:
		return nest(addr, 64, 56, 48)
	}
}

func nest(addr netip.Addr, bits ...int) Nested {
	n := Nested{levels: len(bits)}
	for level, length := range bits {
		n.prefixes[level], _ = addr.Prefix(length) // the length is valid for the address family
	}
	return n
}

// List returns the networks of an address, the narrowest first.
func List(addr netip.Addr) []netip.Prefix {
	n := Of(addr)
	return n.List()
}

// Levels returns the number of networks.
func (n *Nested) Levels() int { return n.levels }

// At returns the network of a level; 0 is the narrowest.
func (n *Nested) At(level int) netip.Prefix { return n.prefixes[level] }

// List returns the networks, the narrowest first.
func (n *Nested) List() []netip.Prefix { return n.prefixes[:n.levels] }

// The growth of limits from one level to the next: of rates, and of amounts that a network
// holds at the same time.
const (
	RateGrowth   = 4
	AmountGrowth = 2
)

// Scale returns the limit at a level, if the narrowest network has base.
func Scale(base, growth, level int) int {
	for range level {
		base *= growth
	}
	return base
}
