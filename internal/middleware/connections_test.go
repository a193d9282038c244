package middleware_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ostiary/ostiary/internal/middleware"
)

// arrivals is a listener to which connections come from the addresses of a list.
type arrivals struct {
	mu     sync.Mutex
	from   []net.Addr
	closed int
}

func (a *arrivals) Accept() (net.Conn, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.from) == 0 {
		return nil, errors.New("nobody is left")
	}
	addr := a.from[0]
	a.from = a.from[1:]
	near, _ := net.Pipe()
	return &info{near, a, addr}, nil
}

func (a *arrivals) Close() error   { return nil }
func (a *arrivals) Addr() net.Addr { return &net.TCPAddr{} }

func (a *arrivals) add(addresses ...string) {
	for _, address := range addresses {
		a.from = append(a.from, net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(address), 1)))
	}
}

type info struct {
	net.Conn
	a    *arrivals
	from net.Addr
}

func (c *info) RemoteAddr() net.Addr { return c.from }

func (c *info) Close() error {
	c.a.mu.Lock()
	defer c.a.mu.Unlock()
	c.a.closed++
	return c.Conn.Close()
}

// acceptAll accepts and returns all connections.
func acceptAll(l net.Listener) (conns []net.Conn) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return conns
		}
		conns = append(conns, conn)
	}
}

func TestConnectionsOfANetworkAreLimited(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		from func(i int) string
		want int
	}{
		"one IPv4 address":          {func(int) string { return "192.0.2.1" }, 3},
		"one as an IPv6 socket":     {func(int) string { return "::ffff:192.0.2.1" }, 3},
		"a /24":                     {func(i int) string { return fmt.Sprintf("192.0.2.%d", i) }, 6},
		"a /64":                     {func(i int) string { return fmt.Sprintf("2001:db8::%x", i) }, 3},
		"a /56":                     {func(i int) string { return fmt.Sprintf("2001:db8:0:%x::1", i) }, 6},
		"a /48":                     {func(i int) string { return fmt.Sprintf("2001:db8:0:%x::1", i<<8) }, 12},
		"many networks":             {func(i int) string { return fmt.Sprintf("10.0.%d.1", i) }, 50},
		"a proxy that is trusted":   {func(int) string { return "198.51.100.7" }, 50},
		"a proxy on an IPv6 socket": {func(int) string { return "::ffff:198.51.100.7" }, 50},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			c := middleware.NewConnections(middleware.ConnectionRule{
				Max: 1000, PerNetwork: 3, Proxies: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")},
			}, slog.New(slog.DiscardHandler))
			crowd := &arrivals{}
			for i := range 50 {
				crowd.add(tc.from(i))
			}
			l := c.Listen(crowd)
			conns := acceptAll(l)
			if len(conns) != tc.want || crowd.closed != 50-tc.want || c.Open() != tc.want || c.Refused() != uint64(50-tc.want) {
				t.Errorf("%d accepted, %d closed, %d open, %d refused; want %d accepted", len(conns), crowd.closed, c.Open(), c.Refused(), tc.want)
			}
			crowd.add("203.0.113.1")
			if got := len(acceptAll(l)); got != 1 {
				t.Errorf("of another network %d were accepted, want 1", got)
			}
			for range 2 { // closing twice counts once
				_ = conns[0].Close()
			}
			crowd.add(tc.from(0), tc.from(0))
			want := 1
			if tc.want == 50 { // no limit
				want = 2
			}
			if got := len(acceptAll(l)); got != want {
				t.Errorf("after a close %d were accepted, want %d", got, want)
			}
		})
	}
}

func TestUnixSocketClientsHaveNoNetworkLimit(t *testing.T) {
	t.Parallel()

	c := middleware.NewConnections(middleware.ConnectionRule{Max: 100, PerNetwork: 1}, slog.New(slog.DiscardHandler))
	crowd := &arrivals{from: []net.Addr{&net.UnixAddr{}, &net.UnixAddr{}, &net.UnixAddr{}}}
	if got := len(acceptAll(c.Listen(crowd))); got != 3 {
		t.Errorf("%d accepted, want 3", got)
	}
}

func TestRefusedConnectionsAreLoggedOncePerSecond(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		c := middleware.NewConnections(middleware.ConnectionRule{Listener: "public", Max: 100, PerNetwork: 1},
			slog.New(slog.NewTextHandler(&log, nil)))
		crowd := &arrivals{}
		for range 50 {
			crowd.add("192.0.2.1")
		}
		acceptAll(c.Listen(crowd))
		time.Sleep(time.Second)
		synctest.Wait()
		if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "network=192.0.2.1/32") ||
			!strings.Contains(got, "refused=49") || !strings.Contains(got, "trusted_proxies") {
			t.Errorf("the log says %s", got)
		}
	})
}
