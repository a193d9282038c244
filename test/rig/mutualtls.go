package rig

import (
	"context"
	"crypto/tls"
	"net"
	"testing"

	"github.com/ostiary/ostiary/internal/clientcert/certtest"
)

// MutualTLS is the listener of a server for clients with a certificate (RFC 8705).
type MutualTLS struct {
	// URL is the origin of the listener.
	URL string
	// CAFile has the certificate of the server, which clients must trust.
	CAFile string
}

// listenMutualTLS adds the settings of the listener, and makes the replicas speak TLS on their other
// listeners too: they have one certificate.
func listenMutualTLS(tb testing.TB, c *Cluster) {
	tb.Helper()
	free, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "localhost:0")
	if err != nil {
		tb.Fatal(err)
	}
	address := free.Addr().String()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		tb.Fatal(err)
	}
	if err := free.Close(); err != nil {
		tb.Fatal(err)
	}
	certFile, keyFile := certtest.Files(tb, certtest.New(tb, nil, certtest.ForServer))
	c.MutualTLS = MutualTLS{URL: "https://localhost:" + port, CAFile: certFile}
	c.env["TLS_CERT_FILE"], c.env["TLS_KEY_FILE"] = certFile, keyFile
	c.env["MTLS_LISTEN"], c.env["MTLS_URL"] = address, c.MutualTLS.URL
	for _, r := range c.replicas {
		r.tls = true
	}
}

// dial connects to the public listener of the replica.
func (r *replica) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", r.socket)
	if err != nil || !r.tls {
		return conn, err
	}
	return tls.Client(conn, &tls.Config{InsecureSkipVerify: true}), nil //nolint:gosec // the socket is in a private folder
}
