package servertest

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/clientcert/certtest"
)

// MutualTLSSettings returns settings with a listener for clients with a certificate, changed by pairs of
// names and values.
func MutualTLSSettings(changes ...string) map[string]string {
	settings := map[string]string{"mtls_listen": "127.0.0.1:0", "rate_limits": "off"}
	for i := 0; i < len(changes); i += 2 {
		settings[changes[i]] = changes[i+1]
	}
	return settings
}

// serveMutualTLS serves a listener for clients with a certificate, unless it is nil.
func serveMutualTLS(s *Server, l net.Listener) {
	s.TB.Helper()
	if l == nil {
		return
	}
	certFile, keyFile := certtest.Files(s.TB, certtest.New(s.TB, nil, certtest.ForServer))
	secure, err := s.App.SecureMutualTLS(l, certFile, keyFile)
	if err != nil {
		s.TB.Fatal(err)
	}
	front := httptest.NewUnstartedServer(s.App.MutualTLS())
	_ = front.Listener.Close()
	front.Listener = secure
	front.Start()
	s.TB.Cleanup(front.Close)
}

// Authority is a certificate authority.
type Authority struct{ *certtest.Authority }

// NewAuthority returns a new certificate authority.
func NewAuthority(tb testing.TB) *Authority {
	tb.Helper()
	return &Authority{certtest.NewAuthority(tb)}
}

// Issue returns a client of s with a certificate of the authority, which change may change.
func (a *Authority) Issue(s *Server, change func(*x509.Certificate)) *CertificateClient {
	s.TB.Helper()
	return newCertificateClient(s, certtest.New(s.TB, a.Authority, change))
}

// Intermediate returns an authority below a. Certificates that it issues come with its own.
func (a *Authority) Intermediate(tb testing.TB) *Authority {
	tb.Helper()
	return &Authority{a.Authority.Intermediate(tb)}
}

// CertificateClient is a client that presents a certificate (RFC 8705).
type CertificateClient struct {
	*x509.Certificate

	// Pair is the certificate with its key and chain.
	Pair   tls.Certificate
	server *Server
	client *http.Client
}

// NewCertificateClient returns a client of s with a self-signed certificate.
func NewCertificateClient(s *Server) *CertificateClient {
	s.TB.Helper()
	return newCertificateClient(s, certtest.New(s.TB, nil, nil))
}

// Renew returns the client with another self-signed certificate of the same key.
func (c *CertificateClient) Renew() *CertificateClient {
	c.server.TB.Helper()
	return newCertificateClient(c.server, certtest.Renew(c.server.TB, c.Pair))
}

// WithoutCertificate returns a client of s that presents no certificate to the same listener.
func WithoutCertificate(s *Server) *CertificateClient {
	return newCertificateClient(s, tls.Certificate{})
}

func newCertificateClient(s *Server, pair tls.Certificate) *CertificateClient {
	config := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}
	if len(pair.Certificate) > 0 {
		config.Certificates = []tls.Certificate{pair}
	}
	transport := &http.Transport{TLSClientConfig: config}
	s.TB.Cleanup(transport.CloseIdleConnections)
	return &CertificateClient{Certificate: pair.Leaf, Pair: pair, server: s, client: &http.Client{Transport: transport}}
}

// Thumbprint returns the SHA-256 thumbprint of the certificate.
func (c *CertificateClient) Thumbprint() string {
	sum := sha256.Sum256(c.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// KeySet returns a JWK Set with the certificate (x5c).
func (c *CertificateClient) KeySet() jose.JSONWebKeySet {
	return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: c.PublicKey, KeyID: "certificate", Certificates: []*x509.Certificate{c.Certificate}}}}
}

// Import imports a client with self_signed_tls_client_auth and this certificate, whose access tokens are
// bound to it. Members replace or add metadata.
func (c *CertificateClient) Import(id string, members Object) {
	s := c.server
	s.TB.Helper()
	all := Object{
		"client_id": id, "token_endpoint_auth_method": "self_signed_tls_client_auth", "redirect_uris": []string{RedirectURI},
		"grant_types": []string{"authorization_code", "refresh_token", "client_credentials"}, "scope": "openid profile email offline_access api",
		"skip_consent": true, "tls_client_certificate_bound_access_tokens": true,
	}
	if c.Certificate != nil {
		all["jwks"] = c.KeySet()
	}
	maps.Copy(all, members)
	text, err := json.Marshal(all)
	if err != nil {
		s.TB.Fatal(err)
	}
	s.ImportClient(string(text))
}

// PostForm posts a form with the certificate to a path of the listener for it, with header lines as
// pairs of names and values. The form has the client_id.
func (c *CertificateClient) PostForm(path string, form url.Values, header ...string) Response {
	c.server.TB.Helper()
	r, err := http.NewRequestWithContext(c.server.TB.Context(), http.MethodPost, c.server.MutualTLSURL+path, strings.NewReader(form.Encode()))
	if err != nil {
		c.server.TB.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.Send(r, header...)
}

// Userinfo sends a UserInfo request with the certificate and the access token as a bearer token.
func (c *CertificateClient) Userinfo(token any, header ...string) Response {
	c.server.TB.Helper()
	r, err := http.NewRequestWithContext(c.server.TB.Context(), http.MethodGet, c.server.MutualTLSURL+"/userinfo", nil)
	if err != nil {
		c.server.TB.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+Text(token))
	return c.Send(r, header...)
}

// Send sends a request with the certificate and header lines as pairs of names and values.
func (c *CertificateClient) Send(r *http.Request, header ...string) Response {
	c.server.TB.Helper()
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return Send(c.server.TB, c.client, r)
}
