package server

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/clientcert"
	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/middleware"
)

// MutualTLS returns the handler of the listener for clients with a certificate: the endpoints that
// clients call, and the metadata. Browsers never see it.
func (s *Server) MutualTLS() http.Handler {
	r := chi.NewRouter()
	r.Use(
		middleware.RequestID(s.Config.TrustedProxies),
		middleware.ClientAddress(s.Config.TrustedProxies),
		s.warnOfProxy,
		middleware.AccessLog(s.Log, s.Now, s.countRequests("mtls")),
		middleware.Refusals(s.reporter.Report),
		middleware.SecurityHeaders(s.Config.SendHSTS()),
		middleware.Recover(s.Log, middleware.JSON),
		forwardedCertificate(s.Config),
		middleware.IssuerPath{
			Path: s.Config.Path(), Stripped: s.Config.IssuerPath == config.PathStripped, Root: rootDocuments(), Inserted: []string{pathResourceMetadata}, NotFound: jsonNotFound,
		}.Handler,
		s.admission.publicBodies.Handler,
	)
	mountDocuments(s, r)
	mountClientEndpoints(s, r.With(middleware.Timeout(requestTimeout)))
	r.NotFound(jsonNotFound)
	r.MethodNotAllowed(methodNotAllowed)
	return r
}

func jsonNotFound(w http.ResponseWriter, r *http.Request) {
	recordNotFound(r)
	middleware.JSON(w, r, http.StatusNotFound, "not_found", "There is no such endpoint")
}

// forwardedCertificate is the middleware for certificates that proxies forward.
func forwardedCertificate(c *config.Config) func(http.Handler) http.Handler {
	return middleware.ForwardedCertificate(c.MutualTLS.Header, c.TrustedProxies)
}

// ListenMutualTLS opens the listener for clients with a certificate. The certificate of the server is
// the configured one.
func (s *Server) ListenMutualTLS(ctx context.Context) (net.Listener, error) {
	l, err := s.listen(ctx, s.Config.MutualTLS.Listen)
	if err != nil {
		return nil, err
	}
	return s.SecureMutualTLS(s.admission.publicConnections.Listen(l), s.Config.TLSCertFile, s.Config.TLSKeyFile)
}

// SecureMutualTLS adds TLS to a listener, with the certificate of the server in two files. It
// requests a certificate from clients and verifies that they have its key. The endpoints decide whether
// the certificate authenticates a client. There is no renegotiation, which Go never accepts from clients.
//
// Spec: RFC 8705 §2, §7.1, RFC 9325 §3.5.
func (s *Server) SecureMutualTLS(l net.Listener, certFile, keyFile string) (net.Listener, error) {
	cert, err := loadCertificate(certFile, keyFile, s.Log, s.Now)
	if err != nil {
		return nil, err
	}
	return tls.NewListener(l, mutualTLSConfig(cert.Get)), nil
}

func mutualTLSConfig(certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)) *tls.Config {
	c := middleware.TLSConfig(certificate)
	c.NextProtos = []string{"h2", "http/1.1"}
	c.ClientAuth = tls.RequestClientCert
	c.VerifyConnection = clientcert.CheckConnection
	return c
}

// newAnchors returns the authorities whose certificates authenticate clients, nil for none.
func newAnchors(c *config.Config) (*clientcert.Anchors, error) {
	if c.MutualTLS.CAFile == "" {
		return nil, nil
	}
	return clientcert.ReadAnchors(c.MutualTLS.CAFile)
}

// mutualTLSMethods returns the authentication methods by certificate that are on.
func mutualTLSMethods(c *config.Config) []string {
	switch {
	case !c.MutualTLS.IsOn():
		return nil
	case c.MutualTLS.CAFile == "":
		return []string{client.AuthSelfSignedTLS}
	default:
		return []string{client.AuthTLS, client.AuthSelfSignedTLS}
	}
}

// aliasOf returns the function that finds the URL of an endpoint for clients with a certificate, nil
// if mutual TLS is off.
func aliasOf(c *config.Config) func(endpoint string) string {
	if !c.MutualTLS.IsOn() {
		return nil
	}
	return func(endpoint string) string {
		path, ours := strings.CutPrefix(endpoint, c.URL(""))
		if !ours {
			return ""
		}
		return c.MutualTLSURL(path)
	}
}
