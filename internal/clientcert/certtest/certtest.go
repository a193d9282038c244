// Package certtest makes certificates for tests: of clients, servers and authorities.
package certtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Authority is a certificate authority.
type Authority struct {
	// File has the certificate of the authority, in PEM.
	File string

	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// NewAuthority returns a new authority.
func NewAuthority(tb testing.TB) *Authority {
	tb.Helper()
	return newAuthority(tb, nil, "authority "+rand.Text())
}

// Intermediate returns an authority below a. Certificates that it issues come with its own.
func (a *Authority) Intermediate(tb testing.TB) *Authority {
	tb.Helper()
	return newAuthority(tb, a, "intermediate")
}

func newAuthority(tb testing.TB, by *Authority, name string) *Authority {
	tb.Helper()
	a := &Authority{}
	pair := New(tb, by, func(c *x509.Certificate) {
		c.IsCA, c.KeyUsage, c.ExtKeyUsage, c.Subject = true, x509.KeyUsageCertSign, nil, pkix.Name{CommonName: name}
	})
	a.certificate, a.key = pair.Leaf, pair.PrivateKey.(*ecdsa.PrivateKey)
	a.File = writePEM(tb, "CERTIFICATE", a.certificate.Raw)
	return a
}

// ForServer makes a certificate one of a server on this machine.
func ForServer(c *x509.Certificate) {
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	c.DNSNames, c.IPAddresses = []string{"localhost"}, []net.IP{net.IPv4(127, 0, 0, 1)}
}

// New returns a new certificate for the authentication of clients, changed by change unless it is nil. It
// is valid for a day around the time of the machine. Without an authority it is self-signed.
func New(tb testing.TB, by *Authority, change func(*x509.Certificate)) tls.Certificate {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		tb.Fatal(err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "client"}, NotBefore: now.Add(-12 * time.Hour), NotAfter: now.Add(12 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, BasicConstraintsValid: true,
	}
	if change != nil {
		change(template)
	}
	return sign(tb, key, template, by)
}

// Renew returns another self-signed certificate of the same key.
func Renew(tb testing.TB, pair tls.Certificate) tls.Certificate {
	tb.Helper()
	template := *pair.Leaf
	template.SerialNumber = new(big.Int).Add(template.SerialNumber, big.NewInt(1))
	return sign(tb, pair.PrivateKey.(*ecdsa.PrivateKey), &template, nil)
}

// sign returns the certificate of a key, signed by an authority or, without one, by itself.
func sign(tb testing.TB, key *ecdsa.PrivateKey, template *x509.Certificate, by *Authority) tls.Certificate {
	tb.Helper()
	parent, signer := template, key
	if by != nil {
		parent, signer = by.certificate, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		tb.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	pair := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
	if by != nil {
		pair.Certificate = append(pair.Certificate, by.certificate.Raw)
	}
	return pair
}

// Files returns files with a certificate and its key, in PEM.
func Files(tb testing.TB, pair tls.Certificate) (certFile, keyFile string) {
	tb.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		tb.Fatal(err)
	}
	return writePEM(tb, "CERTIFICATE", pair.Certificate[0]), writePEM(tb, "PRIVATE KEY", key)
}

func writePEM(tb testing.TB, kind string, der []byte) (file string) {
	tb.Helper()
	file = filepath.Join(tb.TempDir(), "file.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		tb.Fatal(err)
	}
	return file
}
