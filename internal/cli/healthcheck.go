package cli

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/config"
)

// healthcheckCommand asks a running server. A container without a shell or curl
// can call it.
type healthcheckCommand struct{}

const healthPatience = 2 * time.Second

// Run asks the server that this configuration describes whether it is ready.
func (*healthcheckCommand) Run(ctx context.Context, s Streams, c *commandLine) error {
	conf, err := c.load()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, healthPatience)
	defer cancel()
	status, body, err := requestHealth(ctx, conf)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s did not answer within %s", conf.Listen, healthPatience)
	}
	if err != nil {
		return fmt.Errorf("not reached: %w", err)
	}
	if status != http.StatusOK {
		return fmt.Errorf("not ready: %d %s", status, body)
	}
	return s.printf("ready")
}

// askHealth goes to the listener itself, around proxies and balancers.
func requestHealth(ctx context.Context, conf *config.Config) (status int, body string, err error) {
	network, address := config.Network(conf.Listen)
	own := network == "unix"
	if !own {
		if address, own, err = dialAddress(address); err != nil {
			return 0, "", err
		}
	}
	target, transport := "http://localhost/health/ready", &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, address)
		},
	}
	if conf.TLSCertFile != "" {
		target = "https://localhost/health/ready"
		transport.TLSClientConfig = &tls.Config{
			MinVersion: tls.VersionTLS12, ServerName: issuerHost(conf),
			// The certificate is for the public name, or made by dev: on loopback it
			// is this machine that answers.
			InsecureSkipVerify: own, //nolint:gosec // only on loopback and Unix sockets
		}
	}
	defer transport.CloseIdleConnections()

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody)
	if err != nil {
		return 0, "", fmt.Errorf("ask: %w", err)
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	if err != nil {
		return 0, "", fmt.Errorf("read answer: %w", err)
	}
	return resp.StatusCode, strings.TrimSpace(string(text)), nil
}

// reachable turns an address to listen on into one to connect to, and reports
// whether it is loopback.
func dialAddress(listen string) (address string, own bool, err error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", false, fmt.Errorf("listen %q: %w", listen, err)
	}
	addr, err := netip.ParseAddr(cmp.Or(host, "0.0.0.0"))
	switch {
	case err != nil:
		own = host == "localhost"
	case addr.IsUnspecified() && addr.Is4():
		host, own = "127.0.0.1", true
	case addr.IsUnspecified():
		host, own = "::1", true
	default:
		own = addr.IsLoopback()
	}
	return net.JoinHostPort(host, port), own, nil
}

func issuerHost(conf *config.Config) string {
	u, err := url.Parse(conf.Issuer)
	if err != nil {
		return ""
	}
	return u.Hostname()
}
