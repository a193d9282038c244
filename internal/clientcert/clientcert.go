// Package clientcert holds the certificate with which the client of a request proved possession of a
// private key: in the TLS handshake with this server, or with a proxy that forwards the certificate.
//
// A certificate proves its key and nothing else: the handshake verifies no chain. [Anchors] do, for
// the clients that authenticate by a certificate authority.
//
// Spec: RFC 8705.
package clientcert

import (
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"
)

const (
	// maxCertificates is the maximum number of certificates of a chain, and maxSize that of bytes of
	// one of them.
	maxCertificates = 8
	maxSize         = 16 << 10
	// maxRSA is the maximum size of an RSA key in bits, as crypto/tls has it.
	maxRSA = 8192
)

// Certificate is the certificate of a client.
type Certificate struct {
	*x509.Certificate

	chain []*x509.Certificate // as the client sent it, not verified
}

// errSize reports a chain that is too large to verify.
var errSize = fmt.Errorf("the chain has more than %d certificates, a certificate of more than %d bytes, or an RSA key of more than %d bits",
	maxCertificates, maxSize, maxRSA)

// newCertificate returns the first certificate of a chain, nil if the chain is empty.
func newCertificate(chain []*x509.Certificate) (*Certificate, error) {
	if len(chain) == 0 {
		return nil, nil
	}
	if len(chain) > maxCertificates {
		return nil, errSize
	}
	for _, c := range chain {
		if key, ok := c.PublicKey.(*rsa.PublicKey); len(c.Raw) > maxSize || ok && key.N.BitLen() > maxRSA {
			return nil, errSize
		}
	}
	return &Certificate{chain[0], chain[1:]}, nil
}

// CheckConnection rejects a TLS connection whose client sent a chain that is too large. It is a
// [tls.Config.VerifyConnection].
func CheckConnection(state tls.ConnectionState) error {
	_, err := newCertificate(state.PeerCertificates)
	return err
}

type contextKey struct{}

// WithForwarded returns r with the certificate that a proxy forwarded, nil for none. It replaces that
// of the connection, which is the proxy's.
func WithForwarded(r *http.Request, c *Certificate) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), contextKey{}, c))
}

// Of returns the certificate of the client that sent r, nil if there is none. A nil request has none.
func Of(r *http.Request) *Certificate {
	if r == nil {
		return nil
	}
	if forwarded, ok := r.Context().Value(contextKey{}).(*Certificate); ok {
		return forwarded
	}
	if r.TLS == nil {
		return nil
	}
	c, err := newCertificate(r.TLS.PeerCertificates)
	if err != nil {
		return nil // refused by [CheckConnection]
	}
	return c
}

// Thumbprint returns the SHA-256 thumbprint of the certificate in base64url, empty for nil.
//
// Spec: RFC 8705 §3.1.
func (c *Certificate) Thumbprint() string {
	if c == nil {
		return ""
	}
	sum := sha256.Sum256(c.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Anchors are the certificates of the authorities that the operator trusts.
type Anchors struct{ pool *x509.CertPool }

// ReadAnchors reads the certificates of a PEM file.
func ReadAnchors(file string) (*Anchors, error) {
	text, err := os.ReadFile(file) //nolint:gosec // the path is a setting
	if err != nil {
		return nil, fmt.Errorf("read certificate authorities: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("read certificate authorities: %s contains no certificate in PEM", file)
	}
	return &Anchors{pool}, nil
}

// Verify returns an error unless a chain of c leads to an anchor, each of its certificates is valid
// at now, and all of them may be used for the authentication of clients. Nil anchors verify none.
//
// Spec: RFC 5280 §6.1, RFC 8705 §2.1.
func (a *Anchors) Verify(c *Certificate, now time.Time) error {
	if a == nil {
		return errors.New("no certificate authorities are configured")
	}
	intermediates := x509.NewCertPool()
	for _, one := range c.chain {
		intermediates.AddCert(one)
	}
	_, err := c.Verify(x509.VerifyOptions{
		Roots: a.pool, Intermediates: intermediates, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	return err
}
