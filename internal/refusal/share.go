package refusal

import (
	"net/netip"
	"time"
)

const (
	// shareWindow is the period of the limits.
	shareWindow = 10 * time.Minute
	// networkShare is the limit of records per network (IPv4 /32, IPv6 /64) and window, and
	// siteShare the limit of the surrounding network (/24, /48).
	networkShare = 500
	siteShare    = 2_000
	// maxShares bounds the number of counted networks.
	maxShares = 100_000
)

// shares counts records by network, so that no network can displace the records of other
// networks, or its own earlier ones, with many invalid requests.
type shares struct {
	since  time.Time
	counts map[netip.Prefix]int
}

// take counts a record of a network and reports whether it is within the limits. A record
// without a network always is.
func (s *shares) take(network string, at time.Time) bool {
	narrow, err := netip.ParsePrefix(network)
	if err != nil {
		return true
	}
	if s.counts == nil || at.Sub(s.since) >= shareWindow || len(s.counts) >= maxShares {
		s.since, s.counts = at, map[netip.Prefix]int{}
	}
	bits := 48
	if narrow.Addr().Is4() {
		bits = 24
	}
	site, err := narrow.Addr().Prefix(bits)
	if err != nil || s.counts[narrow] >= networkShare || s.counts[site] >= siteShare {
		return false
	}
	s.counts[narrow]++
	s.counts[site]++
	return true
}
