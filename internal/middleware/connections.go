package middleware

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/netutil"

	"github.com/ostiary/ostiary/internal/network"
)

// ConnectionRule limits the connections of a listener.
type ConnectionRule struct {
	Listener string // its name, in the log
	// Max is the maximum number of connections. Further ones wait to be accepted.
	Max int
	// PerNetwork is the maximum number for the narrowest of [network.Nested], 0 for no limit;
	// each wider one may have twice as many. Further ones are closed after they are accepted.
	PerNetwork int
	// Proxies have no limit by network: their connections are those of many clients. Nor do
	// clients of a Unix socket, which have no address.
	Proxies []netip.Prefix
}

// Connections limits and counts the connections of a listener, so that clients with many
// idle connections do not block others.
type Connections struct {
	rule ConnectionRule
	log  *slog.Logger

	open, refused atomic.Int64

	mu       sync.Mutex
	networks map[netip.Prefix]int
	unlogged int // refused since the last log line
	last     netip.Prefix
}

// NewConnections returns a Connections. It logs the number of refused connections at most
// once per second.
func NewConnections(rule ConnectionRule, log *slog.Logger) *Connections {
	return &Connections{rule: rule, log: log, networks: map[netip.Prefix]int{}}
}

// Open returns the number of connections.
func (c *Connections) Open() int { return int(c.open.Load()) }

// Refused returns how many connections were closed because their network had too many.
func (c *Connections) Refused() uint64 { return uint64(c.refused.Load()) } //nolint:gosec // the value never decreases

// Listen returns l with the limits. TLS comes above it: net/http supports HTTP/2 only on
// TLS connections that it recognizes.
func (c *Connections) Listen(l net.Listener) net.Listener {
	return &boundedListener{netutil.LimitListener(l, c.rule.Max), c}
}

type boundedListener struct {
	net.Listener

	connections *Connections
}

// Accept returns the next connection of a network below its limit, and closes all others.
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
		_ = conn.Close() // the connection is closed either way
	}
}

// networksOf returns the networks of the client, and whether they are limited.
func (c *Connections) networksOf(conn net.Conn) (network.Nested, bool) {
	at, ok := conn.RemoteAddr().(*net.TCPAddr)
	if !ok || c.rule.PerNetwork == 0 {
		return network.Nested{}, false
	}
	addr := plain(at.AddrPort().Addr())
	return network.Of(addr), !trusts(c.rule.Proxies, addr)
}

// enter counts a connection and returns true, or counts a refusal and returns false.
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

// refuse counts a refusal of a network. The log reports it within one second.
func (c *Connections) refuse(prefix netip.Prefix) {
	c.refused.Add(1)
	c.last = prefix
	if c.unlogged++; c.unlogged == 1 {
		time.AfterFunc(time.Second, c.logRefusals)
	}
}

func (c *Connections) logRefusals() {
	c.mu.Lock()
	refused, prefix := c.unlogged, c.last
	c.unlogged = 0
	c.mu.Unlock()
	c.log.LogAttrs(context.Background(), slog.LevelWarn, "too many connections of a network",
		slog.String("listener", c.rule.Listener), slog.String("network", prefix.String()), slog.Int("refused", refused),
		slog.String("fix", "name it in trusted_proxies if it is your proxy"))
}

// boundedConn is counted until it is closed.
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
