//go:build conformance

package conformance

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// identity is the key of a client, with a self-signed certificate.
type identity struct {
	key         *rsa.PrivateKey
	certificate *x509.Certificate
}

// newIdentity creates a key for the signatures and TLS connections of a client. It is an
// RSA key, since modules of FAPI 1.0 try signatures with RS256.
func newIdentity(name string) (*identity, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("create key: %w", err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(48 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("create certificate: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read certificate: %w", err)
	}
	return &identity{key, certificate}, nil
}

// jwks returns a set with the key, which is private or public.
func (i *identity) jwks(key any) jose.JSONWebKeySet {
	return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{
		Key: key, KeyID: i.certificate.Subject.CommonName, Algorithm: string(jose.PS256), Use: "sig",
		Certificates: []*x509.Certificate{i.certificate},
	}}}
}

// pair is a certificate and its key in PEM.
type pair struct {
	Cert string `json:"cert"`
	Key  string `json:"key"`
}

// pem returns the certificate and the key as the suite reads them.
func (i *identity) pem() (*pair, error) {
	key, err := x509.MarshalPKCS8PrivateKey(i.key)
	if err != nil {
		return nil, fmt.Errorf("write key: %w", err)
	}
	return &pair{
		Cert: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.certificate.Raw})),
		Key:  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})),
	}, nil
}

// everyScope is the scope of clients of OpenID plans.
const everyScope = "openid profile email address phone offline_access"

// responseTypes returns the response types of static clients.
func responseTypes() map[string][]string {
	return map[string][]string{
		"basic": {"code"}, "implicit": {"id_token", "id_token token"},
		"hybrid":    {"code", "code id_token", "code token", "code id_token token"},
		"certified": {"code"}, "leaving": {"code"}, "watching": {"code"}, "frontchannel": {"code"}, "backchannel": {"code"},
	}
}

// clients returns the metadata of the static clients of a plan.
func (s *site) clients(p plan) []map[string]any {
	switch {
	case p.static == "":
		return nil
	case strings.HasPrefix(p.name, "oidcc-"):
		return s.openIDClients(p.static)
	default:
		return s.fapiClients(p)
	}
}

// openIDClients returns the three clients of an OpenID plan. Only the clients of the
// logout plans receive logout notifications.
func (s *site) openIDClients(name string) []map[string]any {
	kind := strings.TrimPrefix(name, "formpost-")
	grants := []string{"authorization_code", "refresh_token"}
	switch kind {
	case "implicit":
		grants = []string{"implicit"}
	case "hybrid":
		grants = append(grants, "implicit")
	}
	var list []map[string]any
	home := s.callbacks + "a/ostiary-" + name
	for suffix, method := range map[string]string{"": "client_secret_basic", "-post": "client_secret_post", "-2": "client_secret_basic"} {
		c := map[string]any{
			"client_id": name + suffix, "client_secret": secretOf(name + suffix), "token_endpoint_auth_method": method,
			"client_name": "Conformance " + name + suffix, "redirect_uris": []string{home + "/callback"},
			"response_types": responseTypes()[kind], "grant_types": grants, "scope": everyScope,
			"post_logout_redirect_uris": []string{home + "/post_logout_redirect"},
		}
		if strings.HasSuffix(kind, "channel") {
			c[kind+"_logout_uri"], c[kind+"_logout_session_required"] = home+"/"+kind+"_logout", true
		}
		if kind == "certified" {
			who := s.identities[min(len(suffix), 1)]
			if suffix == "-post" {
				continue
			}
			delete(c, "client_secret")
			c["token_endpoint_auth_method"], c["jwks"] = "self_signed_tls_client_auth", who.jwks(who.key.Public())
		}
		list = append(list, c)
	}
	return list
}

func secretOf(client string) string { return client + "-0123456789abcdef0123456789abcdef" }

// scopeOf returns the scope that the clients of a FAPI plan request.
func scopeOf(p plan) string {
	switch {
	case p.is("fapi_client_credentials_grant"):
		return "accounts"
	case p.is("plain_oauth"):
		return "accounts offline_access"
	default:
		return everyScope
	}
}

// fapiClients returns the two clients of a FAPI plan.
func (s *site) fapiClients(p plan) []map[string]any {
	var list []map[string]any
	for i, who := range s.identities {
		c := map[string]any{
			"client_id": fmt.Sprintf("%s-%d", p.static, i+1), "client_name": fmt.Sprintf("Conformance %d", i+1),
			"jwks": who.jwks(who.key.Public()), "scope": scopeOf(p), "id_token_signed_response_alg": "PS256",
			"redirect_uris":  []string{s.callbacks + "a/" + p.static + "/callback" + []string{"", "?dummy1=lorem&dummy2=ipsum"}[i]},
			"response_types": []string{"code"}, "grant_types": []string{"authorization_code", "refresh_token"},
		}
		maps.Copy(c, s.membersOf(p))
		list = append(list, c)
	}
	return list
}

// profileOf returns the security profile of the clients of a FAPI plan. The clients of
// FAPI-CIBA follow FAPI 1.0.
func profileOf(p plan) string {
	switch {
	case !strings.HasPrefix(p.name, "fapi2-"):
		return "fapi1-advanced"
	case p.is("signed_non_repudiation") && p.is("jarm"):
		return "fapi2-message-signing"
	default:
		return "fapi2-security" // with one of the two signatures
	}
}

// membersOf returns the metadata that the variant of a FAPI plan requires.
func (s *site) membersOf(p plan) map[string]any {
	c := map[string]any{"token_endpoint_auth_method": "self_signed_tls_client_auth", "security_profile": profileOf(p)}
	if p.is("rar") {
		c["authorization_details_types"] = []string{detailType}
	}
	if p.variant["client_auth_type"] == "private_key_jwt" {
		c["token_endpoint_auth_method"], c["token_endpoint_auth_signing_alg"] = "private_key_jwt", "PS256"
	}
	if p.variant["sender_constrain"] == "dpop" {
		c["dpop_bound_access_tokens"] = true
	} else {
		c["tls_client_certificate_bound_access_tokens"] = true
	}
	if p.is("signed_non_repudiation", "by_value", "pushed") {
		c["require_signed_request_object"], c["request_object_signing_alg"] = true, "PS256"
	}
	if p.is("jarm") {
		c["authorization_signed_response_alg"] = "PS256"
	}
	switch {
	case p.is("fapi_client_credentials_grant"):
		c["redirect_uris"], c["response_types"], c["grant_types"] = []string{}, []string{}, []string{"client_credentials"}
	case strings.HasPrefix(p.name, "fapi2-"):
		c["require_pushed_authorization_requests"] = true
	case p.is("plain_response"):
		c["response_types"] = []string{"code id_token"}
		c["grant_types"] = []string{"authorization_code", "implicit", "refresh_token"}
	case p.variant["ciba_mode"] != "":
		c["redirect_uris"], c["response_types"] = []string{}, []string{}
		c["grant_types"] = []string{"urn:openid:params:grant-type:ciba", "refresh_token"}
		c["backchannel_token_delivery_mode"] = p.variant["ciba_mode"]
		c["backchannel_authentication_request_signing_alg"] = "PS256"
		if p.is("ping") {
			c["backchannel_client_notification_endpoint"] = s.callbacks + "a/" + p.static + "/ciba-notification-endpoint"
		}
	}
	return c
}
