package clientauth

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/clientcert"
	"github.com/ostiary/ostiary/internal/refusal"
)

// checkCertificate authenticates c with the client certificate of the request, by its registered
// method.
//
// Spec: RFC 8705 §2.
func (a *Authenticator) checkCertificate(ctx context.Context, c *client.Client, r *http.Request) error {
	cert := clientcert.Of(r)
	switch {
	case cert == nil:
		return failed("the request has no client certificate", refusal.CertificateMissing)
	case registered(c) == client.AuthTLS:
		return a.checkAuthority(c, cert)
	default:
		return a.checkRegistered(ctx, c, cert)
	}
}

// checkAuthority checks a certificate of an authority that the operator trusts, and that it has the
// one name that the client registered.
//
// Spec: RFC 8705 §2.1.
func (a *Authenticator) checkAuthority(c *client.Client, cert *clientcert.Certificate) error {
	if err := a.cfg.Anchors.Verify(cert, a.cfg.Now()); err != nil {
		return failed("the client certificate does not verify: "+err.Error(), refusal.CertificateUntrusted)
	}
	names := c.CertificateNames()
	if len(names) != 1 || !names[0].IsOf(cert) {
		return failed("the client certificate has another name than the client registered", refusal.CertificateMismatch,
			refusal.Received("received_subject", cert.Subject.String()))
	}
	return nil
}

// checkRegistered checks that the client registered the certificate, or its key. Its chain and its
// dates do not count: a certificate is valid while it is registered.
//
// Spec: RFC 8705 §2.2.
func (a *Authenticator) checkRegistered(ctx context.Context, c *client.Client, cert *clientcert.Certificate) error {
	// The second time, a key set at a jwks_uri may be fetched again: no key has this ID.
	for _, kid := range []string{"", cert.Thumbprint()} {
		keys, err := a.cfg.KeySets.Keys(ctx, c, kid)
		if errors.Is(err, client.ErrKeysUnavailable) {
			return failed(err.Error(), refusal.KeysUnavailable)
		}
		if err != nil {
			return fmt.Errorf("find keys of client: %w", err)
		}
		if slices.ContainsFunc(keys, func(key jose.JSONWebKey) bool { return registers(key, cert) }) {
			return nil
		}
	}
	return failed("the client certificate is not one that the client registered", refusal.CertificateMismatch)
}

// registers reports whether key allows the certificate: with x5c exactly that one, without it every
// certificate of its public key.
func registers(key jose.JSONWebKey, cert *clientcert.Certificate) bool {
	if len(key.Certificates) > 0 {
		return bytes.Equal(key.Certificates[0].Raw, cert.Raw)
	}
	public, ok := key.Key.(interface{ Equal(x crypto.PublicKey) bool })
	return ok && key.Use != "enc" && public.Equal(cert.PublicKey)
}
