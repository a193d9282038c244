package server_test

import (
	"context"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/middleware"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// listen serves the public listener as serve does, and returns its address.
func listen(t *testing.T, s *servertest.Server) string {
	t.Helper()
	l, err := s.App.Listen(t.Context(), "127.0.0.1:0", true)
	if err != nil {
		t.Fatal(err)
	}
	front := middleware.NewServer(s.App.Public())
	go func() { _ = front.Serve(l) }()
	t.Cleanup(func() { _ = front.Close() })
	return l.Addr().String()
}

// checkHealth sends a health check from the IP address from to the server at address.
func checkHealth(t *testing.T, from, address string) error {
	t.Helper()
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	transport := &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/health/alive", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := transport.RoundTrip(r)
	if err == nil {
		_ = answer.Body.Close()
	}
	return err
}

// Any number of idle connections from one address leaves connections for other addresses.
func TestIdleConnectionsOfOneAddressDoNotBlockOthers(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), map[string]string{"max_connections": "200"})
	address := listen(t, s)
	for range 500 {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	for _, from := range []string{"127.0.0.2", "127.0.1.1"} { // in the same /24, and in another
		if err := checkHealth(t, from, address); err != nil {
			t.Errorf("from %s: %v", from, err)
		}
	}
	if s.App.PublicConnections().Refused() == 0 {
		t.Error("no connection was refused")
	}
}

// A trusted proxy carries the connections of all clients, so the limit per address does not apply to it.
func TestTrustedProxyMayUseAllConnections(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), map[string]string{"max_connections": "200", "trusted_proxies": "127.0.0.1"})
	address := listen(t, s)
	for range 150 {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	for range 3 {
		if err := checkHealth(t, "127.0.0.1", address); err != nil {
			t.Errorf("through the proxy: %v", err)
		}
	}
	if refused := s.App.PublicConnections().Refused(); refused != 0 {
		t.Errorf("%d connections of the proxy were refused", refused)
	}
}
