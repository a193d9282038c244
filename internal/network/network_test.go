package network_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/ostiary/ostiary/internal/network"
)

func TestNestedNetworks(t *testing.T) {
	t.Parallel()

	for address, want := range map[string]string{
		"192.0.2.7":                 "[192.0.2.7/32 192.0.2.0/24]",
		"2001:db8:1:2233:4:5:6:7":   "[2001:db8:1:2233::/64 2001:db8:1:2200::/56 2001:db8:1::/48]",
		"::1":                       "[::/64 ::/56 ::/48]",
		"2001:db8:ffff:ffff::ffff":  "[2001:db8:ffff:ffff::/64 2001:db8:ffff:ff00::/56 2001:db8:ffff::/48]",
		"255.255.255.255":           "[255.255.255.255/32 255.255.255.0/24]",
		"2001:db8:1:2233:ff:ff:ff:": "",
	} {
		addr, err := netip.ParseAddr(address)
		if err != nil {
			if want != "" {
				t.Error(err)
			}
			addr, want = netip.Addr{}, "[invalid Prefix]" // shared by all clients without an address
		}
		networks := network.Of(addr)
		if got := fmt.Sprint(networks.List()); got != want || networks.Levels() != len(networks.List()) {
			t.Errorf("networks of %s: %s, want %s", addr, got, want)
		}
	}
}
