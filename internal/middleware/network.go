package middleware

import "net/netip"

// maxLevels is how many networks are nested in each other at most.
const maxLevels = 3

// Networks are the nested networks that an address is in: /32 and /24 of IPv4; /64,
// /56 and /48 of IPv6. A home or a server has the narrowest, whose holder can use
// every address in it, and a site or a hoster's customer has the widest (RFC 6177).
// Limits hold at every level and grow outwards, so that a caller with many networks
// inside a wider one is still bounded.
type Networks struct {
	nested [maxLevels]netip.Prefix
	levels int
}

// NetworksOf returns the networks of an address. The zero address has one, the zero
// prefix: callers whose address is unknown count as one.
func NetworksOf(addr netip.Addr) Networks {
	switch {
	case !addr.IsValid():
		return Networks{levels: 1}
	case addr.Is4():
		return nest(addr, 32, 24)
	default:
		return nest(addr, 64, 56, 48)
	}
}

func nest(addr netip.Addr, bits ...int) Networks {
	n := Networks{levels: len(bits)}
	for level, length := range bits {
		n.nested[level], _ = addr.Prefix(length) // which an address of this kind has
	}
	return n
}

// NetworkList returns the networks of an address, the narrowest first.
func NetworkList(addr netip.Addr) []netip.Prefix {
	n := NetworksOf(addr)
	return n.List()
}

// Levels returns how many networks there are.
func (n *Networks) Levels() int { return n.levels }

// At returns the network of a level, from 0 for the narrowest.
func (n *Networks) At(level int) netip.Prefix { return n.nested[level] }

// List returns the networks, the narrowest first.
func (n *Networks) List() []netip.Prefix { return n.nested[:n.levels] }

// Limits on a rate grow fourfold from one level to the next, and bounds on what a
// network holds at once twofold.
const (
	rateGrowth  = 4
	stockGrowth = 2
)

// grow returns the bound at a level, of which the narrowest network has base.
func grow(base, factor, level int) int {
	for range level {
		base *= factor
	}
	return base
}
