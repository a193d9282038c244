// Package oidc serves what OpenID Connect adds to OAuth 2.0: discovery, userinfo,
// the claims and RP-initiated logout.
package oidc

import "net/http"

// Capabilities is what is wired, and so what discovery may say. Endpoints are
// paths under the issuer; one that is empty is not there.
type Capabilities struct {
	Issuer string

	Authorization, Token, Userinfo, JWKS            string
	Introspection, Revocation, EndSession           string
	Registration                                    string
	Scopes                                          []string
	GrantTypes, ResponseTypes, ResponseModes        []string
	AuthMethods, AuthSigningAlgs                    []string // of the token endpoint
	SigningAlgs                                     []string // of ID tokens and userinfo
	ACRValues, Prompts, UILocales, SubjectTypes     []string
	IntrospectionAuthMethods, RevocationAuthMethods []string
}

// Discovery serves one document.
type Discovery struct{}

// NewDiscovery builds the document.
func NewDiscovery(c Capabilities) (*Discovery, error) { return &Discovery{}, nil }

// ServeHTTP serves GET /.well-known/openid-configuration and GET
// /.well-known/oauth-authorization-server.
func (d *Discovery) ServeHTTP(w http.ResponseWriter, r *http.Request) {}
