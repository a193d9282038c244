package refusal

import (
	"net/netip"
	"time"
)

const (
	// shareWindow is how long a network's records count.
	shareWindow = 10 * time.Minute
	// networkShare is how many records a network (/32 of IPv4, /64 of IPv6) may have in a
	// window, and siteShare how many the one around it (/24, /48) may have.
	networkShare = 500
	siteShare    = 2_000
	// maxShares bounds the networks that are counted.
	maxShares = 100_000
)

// shares counts records by network, so that no network can push out the records of
// others, or those of what it did before, by requests that are bound to fail.
type shares struct {
	since  time.Time
	counts map[netip.Prefix]int
}

// take counts a record of a network and reports whether it may be kept. A record without
// a network always may.
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
