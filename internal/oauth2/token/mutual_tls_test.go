package token_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// clientCredentials returns a client credentials request of a client that authenticates with its certificate.
func clientCredentials(id string) url.Values {
	return url.Values{"grant_type": {"client_credentials"}, "client_id": {id}}
}

// cnf returns the certificate to which claims or an introspection response say that a token is bound.
func cnf(claims map[string]any) any {
	members, _ := claims["cnf"].(map[string]any)
	return members["x5t#S256"]
}

func TestTokensAreBoundToTheCertificate(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, servertest.MutualTLSSettings())
		one, two, none := servertest.NewCertificateClient(s), servertest.NewCertificateClient(s), servertest.WithoutCertificate(s)
		one.Import("one", nil)
		two.Import("two", servertest.Object{"access_token_strategy": "opaque"})

		code := s.NewBrowser().Code(servertest.AuthorizationRequest("client_id", "one"))
		exchange := func(c *servertest.CertificateClient, changes ...string) servertest.Response {
			return c.PostForm("/oauth2/token", servertest.CodeExchange(code, append([]string{"client_id", "one"}, changes...)...))
		}
		servertest.WantError(t, exchange(two), http.StatusUnauthorized, "invalid_client")
		servertest.WantError(t, exchange(none), http.StatusUnauthorized, "invalid_client")
		p := exchange(one)
		if p.Status != http.StatusOK {
			t.Fatalf("exchange: %d %s", p.Status, p.Body)
		}
		issued := p.JSON(t)
		if got := cnf(servertest.Claims(t, issued["access_token"])); got != one.Thumbprint() || issued["token_type"] != "Bearer" {
			t.Errorf("token of type %v is bound to %v, want Bearer and %s", issued["token_type"], got, one.Thumbprint())
		}

		for name, tc := range map[string]struct {
			response servertest.Response
			status   int
		}{
			"with its certificate":   {one.Userinfo(issued["access_token"]), http.StatusOK},
			"with another one":       {two.Userinfo(issued["access_token"]), http.StatusUnauthorized},
			"without a certificate":  {none.Userinfo(issued["access_token"]), http.StatusUnauthorized},
			"at the public listener": {s.Userinfo(issued["access_token"]), http.StatusUnauthorized},
		} {
			if tc.response.Status != tc.status {
				t.Errorf("%s: userinfo %d %s, want %d", name, tc.response.Status, tc.response.Body, tc.status)
			}
		}
		p = one.PostForm("/oauth2/introspect", url.Values{"client_id": {"one"}, "token": {servertest.Text(issued["access_token"])}})
		if got := cnf(p.JSON(t)); got != one.Thumbprint() || p.JSON(t)["token_type"] != "Bearer" {
			t.Errorf("introspection %v, want cnf %s", p.JSON(t), one.Thumbprint())
		}

		opaque := two.PostForm("/oauth2/token", clientCredentials("two")).JSON(t)["access_token"]
		p = two.PostForm("/oauth2/introspect", url.Values{"client_id": {"two"}, "token": {servertest.Text(opaque)}})
		if got := cnf(p.JSON(t)); got != two.Thumbprint() {
			t.Errorf("introspection of an opaque token %v, want cnf %s", p.JSON(t), two.Thumbprint())
		}

		// The refresh token of a confidential client is bound to its authentication: the client may renew its
		// certificate.
		next := servertest.NewCertificateClient(s)
		next.Import("one", nil)
		refresh := url.Values{"grant_type": {"refresh_token"}, "client_id": {"one"}, "refresh_token": {servertest.Text(issued["refresh_token"])}}
		servertest.WantError(t, one.PostForm("/oauth2/token", refresh), http.StatusUnauthorized, "invalid_client")
		p = next.PostForm("/oauth2/token", refresh)
		if got := cnf(servertest.Claims(t, p.JSON(t)["access_token"])); got != next.Thumbprint() {
			t.Errorf("the refreshed token is bound to %v, want %s", got, next.Thumbprint())
		}
	})
}

func TestPublicClientsAreBoundToTheirCertificate(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, servertest.MutualTLSSettings())
		mine, theirs, none := servertest.NewCertificateClient(s), servertest.NewCertificateClient(s), servertest.WithoutCertificate(s)
		none.Import("public", servertest.Object{
			"token_endpoint_auth_method": "none", "grant_types": []string{"authorization_code", "refresh_token"},
		})
		code := s.NewBrowser().Code(servertest.AuthorizationRequest("client_id", "public"))
		exchange := servertest.CodeExchange(code, "client_id", "public")
		servertest.WantError(t, none.PostForm("/oauth2/token", exchange), http.StatusBadRequest, "invalid_request")
		servertest.WantError(t, s.PostForm("/oauth2/token", exchange), http.StatusBadRequest, "invalid_request")
		proof := servertest.NewDPoPKey(s).Proof(http.MethodPost, "/oauth2/token", "")
		servertest.WantError(t, mine.PostForm("/oauth2/token", exchange, "DPoP", proof), http.StatusBadRequest, "invalid_request")
		issued := mine.PostForm("/oauth2/token", exchange).JSON(t)

		refresh := func(c *servertest.CertificateClient) servertest.Response {
			return c.PostForm("/oauth2/token", url.Values{"grant_type": {"refresh_token"}, "client_id": {"public"}, "refresh_token": {servertest.Text(issued["refresh_token"])}})
		}
		servertest.WantError(t, refresh(theirs), http.StatusBadRequest, "invalid_grant")
		servertest.WantError(t, refresh(none), http.StatusBadRequest, "invalid_request")
		p := refresh(mine)
		if p.Status != http.StatusOK {
			t.Fatalf("refresh: %d %s", p.Status, p.Body)
		}
		issued = p.JSON(t)
		servertest.WantError(t, refresh(theirs), http.StatusBadRequest, "invalid_grant")
	})
}

// A client that authenticates with a certificate may have tokens that are bound to a DPoP key, and the
// htu of its proofs may be the alias of the endpoint.
func TestCertificateWithDPoP(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), servertest.MutualTLSSettings())
	c, key := servertest.NewCertificateClient(s), servertest.NewDPoPKey(s)
	c.Import("one", servertest.Object{"tls_client_certificate_bound_access_tokens": false, "dpop_bound_access_tokens": true})
	for _, htu := range []string{s.MutualTLSURL + "/oauth2/token", s.URL + "/oauth2/token"} {
		proof := key.Proof(http.MethodPost, "/oauth2/token", "", servertest.Object{"htu": htu})
		p := c.PostForm("/oauth2/token", clientCredentials("one"), "DPoP", proof)
		if p.Status != http.StatusOK || p.JSON(t)["token_type"] != "DPoP" {
			t.Fatalf("%s: %d %s", htu, p.Status, p.Body)
		}
		members, _ := servertest.Claims(t, p.JSON(t)["access_token"])["cnf"].(map[string]any)
		if members["jkt"] != key.Thumbprint() || len(members) != 1 {
			t.Errorf("bound to %v, want only %s", members, key.Thumbprint())
		}
	}
	s.ImportClient(`{"client_id": "app", "token_endpoint_auth_method": "none", "redirect_uris": ["` + servertest.RedirectURI + `"], "scope": "openid", "skip_consent": true}`)
	exchange := servertest.CodeExchange(s.NewBrowser().Code(servertest.AuthorizationRequest("client_id", "app", "scope", "openid")), "client_id", "app")
	token := servertest.Text(key.PostForm("/oauth2/token", exchange).JSON(t)["access_token"])
	for path, want := range map[string]int{"/userinfo": http.StatusOK, "/oauth2/token": http.StatusUnauthorized} {
		proof := key.Proof(http.MethodGet, "/userinfo", token, servertest.Object{"htu": s.MutualTLSURL + path})
		if p := servertest.UserinfoWith(s, "DPoP "+token, proof); p.Status != want {
			t.Errorf("userinfo with the htu of the alias of %s: %d %s, want %d", path, p.Status, p.Body, want)
		}
	}
	proof := key.Proof(http.MethodPost, "/oauth2/token", "", servertest.Object{"htu": s.MutualTLSURL + "/oauth2/par"})
	servertest.WantError(t, c.PostForm("/oauth2/token", clientCredentials("one"), "DPoP", proof), http.StatusBadRequest, "invalid_dpop_proof")
}

func TestCertificatesOfAnAuthority(t *testing.T) {
	t.Parallel()
	ca, other := servertest.NewAuthority(t), servertest.NewAuthority(t)
	s := servertest.Start(t, storetest.New(t), servertest.MutualTLSSettings("mtls_ca_file", ca.File))
	right := func(c *x509.Certificate) { c.DNSNames = []string{"client.example"} }
	servertest.WithoutCertificate(s).Import("one", servertest.Object{
		"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_dns": "client.example",
	})
	also := func(change func(*x509.Certificate)) func(*x509.Certificate) {
		return func(c *x509.Certificate) { right(c); change(c) }
	}
	for name, tc := range map[string]struct {
		client *servertest.CertificateClient
		ok     bool
	}{
		"the registered name":          {ca.Issue(s, right), true},
		"an intermediate authority":    {ca.Intermediate(t).Issue(s, right), true},
		"another name":                 {ca.Issue(s, func(c *x509.Certificate) { c.DNSNames = []string{"other.example"} }), false},
		"a wildcard":                   {ca.Issue(s, func(c *x509.Certificate) { c.DNSNames = []string{"*.example"} }), false},
		"no certificate":               {servertest.WithoutCertificate(s), false},
		"self-signed":                  {servertest.NewCertificateClient(s), false},
		"another authority":            {other.Issue(s, right), false},
		"an authority below another":   {other.Intermediate(t).Issue(s, right), false},
		"expired":                      {ca.Issue(s, also(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Hour) })), false},
		"not yet valid":                {ca.Issue(s, also(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) })), false},
		"for servers":                  {ca.Issue(s, also(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })), false},
		"with a critical extension":    {ca.Issue(s, also(criticalExtension)), false},
		"the name only in the subject": {ca.Issue(s, func(c *x509.Certificate) { c.Subject.CommonName = "client.example" }), false},
	} {
		p := tc.client.PostForm("/oauth2/token", clientCredentials("one"))
		if !tc.ok {
			servertest.WantError(t, p, http.StatusUnauthorized, "invalid_client")
		} else if p.Status != http.StatusOK {
			t.Errorf("%s: %d %s", name, p.Status, p.Body)
		}
		if t.Failed() {
			t.Fatalf("certificate: %s", name)
		}
	}
}

// criticalExtension adds an extension that no verifier knows.
func criticalExtension(c *x509.Certificate) {
	c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 99999, 1}, Critical: true, Value: []byte{5, 0}}}
}
