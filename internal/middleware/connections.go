package middleware

import (
	"github.com/ostiary/ostiary/internal/network"

	"context"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/netutil"
)

// ConnectionRule bounds the connections of a listener.
type ConnectionRule struct {
	Listener string // its name, in the log
	// Max is how many there may be. The rest waits to be accepted.
	Max int
	// PerNetwork is how many the narrowest of [network.Nested] may hold, 0 for no bound; each
	// wider one may hold twice as many. More are closed as soon as they are accepted.
	PerNetwork int
	// Proxies are not bounded by network: their connections are those of many callers.
	// Neither are callers at a Unix socket, who have no address.
	Proxies []netip.Prefix
}

// Connections bounds and counts the connections of a listener, so that callers who hold
// many idle ones leave room for others.
type Connections struct {
	rule ConnectionRule
	log  *slog.Logger

	open, refused atomic.Int64

	mu       sync.Mutex
	networks map[netip.Prefix]int
	untold   int // refused since the log was last told
	last     netip.Prefix
}

// NewConnections returns a Connections. Every second in which a connection was refused
// has one line in log.
func NewConnections(rule ConnectionRule, log *slog.Logger) *Connections {
	return &Connections{rule: rule, log: log, networks: map[netip.Prefix]int{}}
}

// Open returns how many connections there are.
func (c *Connections) Open() int { return int(c.open.Load()) }

// Refused returns how many connections were closed because their network had too many.
func (c *Connections) Refused() uint64 { return uint64(c.refused.Load()) } //nolint:gosec // the value never decreases

// Listen returns l with the bounds. It belongs below TLS: net/http speaks HTTP/2 only on
// connections that it knows as TLS.
func (c *Connections) Listen(l net.Listener) net.Listener {
	return &boundedListener{netutil.LimitListener(l, c.rule.Max), c}
}

type boundedListener struct {
	net.Listener

	connections *Connections
}

// Accept returns the next connection whose network may have one more, and closes the
// others.
func (l *boundedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from, bounded := l.connections.networksOf(conn)
		if !bounded || l.connections.enter(from) {
			l.connections.open.Add(1)
			return &boundedConn{Conn: conn, leave: sync.OnceFunc(func() { l.connections.leave(from, bounded) })}, nil
		}
		_ = conn.Close() // nobody waits for it
	}
}

// networksOf returns the networks of the caller, and whether they are bounded.
func (c *Connections) networksOf(conn net.Conn) (network.Nested, bool) {
	at, ok := conn.RemoteAddr().(*net.TCPAddr)
	if !ok || c.rule.PerNetwork == 0 {
		return network.Nested{}, false
	}
	addr := plain(at.AddrPort().Addr())
	return network.Of(addr), !trusts(c.rule.Proxies, addr)
}

// enter counts a connection, or a refusal and reports false.
func (c *Connections) enter(from network.Nested) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for level, prefix := range from.List() {
		if c.networks[prefix] >= network.Scale(c.rule.PerNetwork, network.AmountGrowth, level) {
			c.refuse(prefix)
			return false
		}
	}
	for _, prefix := range from.List() {
		c.networks[prefix]++
	}
	return true
}

func (c *Connections) leave(from network.Nested, bounded bool) {
	c.open.Add(-1)
	if !bounded {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, prefix := range from.List() {
		if c.networks[prefix]--; c.networks[prefix] == 0 {
			delete(c.networks, prefix)
		}
	}
}

// refuse counts a refusal of a network, for the log to be told within a second.
func (c *Connections) refuse(prefix netip.Prefix) {
	c.refused.Add(1)
	c.last = prefix
	if c.untold++; c.untold == 1 {
		time.AfterFunc(time.Second, c.tell)
	}
}

func (c *Connections) tell() {
	c.mu.Lock()
	refused, prefix := c.untold, c.last
	c.untold = 0
	c.mu.Unlock()
	c.log.LogAttrs(context.Background(), slog.LevelWarn, "too many connections of a network",
		slog.String("listener", c.rule.Listener), slog.String("network", prefix.String()), slog.Int("refused", refused),
		slog.String("fix", "name it in trusted_proxies if it is your proxy"))
}

// boundedConn gives its place back when it is closed.
type boundedConn struct {
	net.Conn

	leave func()
}

// Close closes the connection.
func (c *boundedConn) Close() error {
	err := c.Conn.Close()
	c.leave()
	return err
}
