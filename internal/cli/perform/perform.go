// Package perform is a client in the terminal: it gets tokens with the usual flows, checks the
// responses as clients must, and prints them.
//
// It uses the same libraries as other clients, so that it meets the same problems, and nothing
// of the server.
package perform

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// Client is a registered client, and the server it asks.
type Client struct {
	Issuer       string
	ID           string
	Secret       string // empty for a public client
	SecretInForm bool   // client_secret_post rather than client_secret_basic
	Scopes       []string
	Audience     []string      // resources of the access token
	CA           []byte        // additional trusted certificates in PEM; nil for none
	Messages     io.Writer     // instructions for the user
	Timeout      time.Duration // maximum time for the user
}

// Tokens are the received tokens with their claims.
type Tokens struct {
	AccessToken   string          `json:"access_token"`
	TokenType     string          `json:"token_type"`
	ExpiresAt     time.Time       `json:"expires_at,omitzero"`
	RefreshToken  string          `json:"refresh_token,omitempty"`
	Scope         string          `json:"scope,omitempty"`
	IDToken       string          `json:"id_token,omitempty"`
	IDTokenClaims json.RawMessage `json:"id_token_claims,omitempty"`
}

// party is a client that has read what the server publishes.
type connection struct {
	*Client

	http     *http.Client
	provider *oidc.Provider
	oauth    oauth2.Config
	metadata struct {
		SaysIssuer bool   `json:"authorization_response_iss_parameter_supported"`
		Device     string `json:"device_authorization_endpoint"`
	}
}

// requestTimeout bounds each request to the server.
const requestTimeout = 30 * time.Second

// connect reads what the server publishes. The context it returns makes requests the
// way the client wants.
//
// Spec: OpenID Connect Discovery §4.
func (c *Client) connect(ctx context.Context) (context.Context, *connection, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if c.CA != nil {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(c.CA) {
			return nil, nil, errors.New("the file with certificates holds none")
		}
		transport.TLSClientConfig.RootCAs = pool
	}
	p := &connection{Client: c, http: &http.Client{Transport: transport, Timeout: requestTimeout}}
	ctx = oidc.ClientContext(ctx, p.http)
	var err error
	if p.provider, err = oidc.NewProvider(ctx, c.Issuer); err != nil {
		return nil, nil, fmt.Errorf("discover %s: %w", c.Issuer, err)
	}
	if err := p.provider.Claims(&p.metadata); err != nil {
		return nil, nil, fmt.Errorf("read metadata: %w", err)
	}
	p.oauth = oauth2.Config{ClientID: c.ID, ClientSecret: c.Secret, Endpoint: p.provider.Endpoint(), Scopes: c.Scopes}
	// Left to find out by trying, x/oauth2 would send a code twice when the first
	// answer is an error.
	p.oauth.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
	if c.SecretInForm || c.Secret == "" {
		p.oauth.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return ctx, p, nil
}

// ClientCredentials gets a token for the client itself.
//
// Spec: RFC 6749 §4.4.
func (c *Client) ClientCredentials(ctx context.Context) (*Tokens, error) {
	ctx, p, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	own := clientcredentials.Config{
		ClientID: c.ID, ClientSecret: c.Secret, TokenURL: p.oauth.Endpoint.TokenURL, Scopes: c.Scopes,
		EndpointParams: url.Values{"audience": c.Audience}, AuthStyle: p.oauth.Endpoint.AuthStyle,
	}
	token, err := own.Token(ctx)
	if err != nil {
		return nil, fmt.Errorf("get token: %w", responseError(err))
	}
	return p.tokens(ctx, token, "")
}

// tokens checks and describes a token response. The nonce is the one in the request, if any.
func (p *connection) tokens(ctx context.Context, token *oauth2.Token, nonce string) (*Tokens, error) {
	said := &Tokens{AccessToken: token.AccessToken, TokenType: token.TokenType, RefreshToken: token.RefreshToken}
	if !token.Expiry.IsZero() {
		said.ExpiresAt = token.Expiry.UTC().Truncate(time.Second)
	}
	said.Scope, _ = token.Extra("scope").(string)
	said.IDToken, _ = token.Extra("id_token").(string)
	if said.IDToken == "" {
		return said, nil
	}
	verified, err := p.provider.Verifier(&oidc.Config{ClientID: p.ID, SupportedSigningAlgs: algorithms()}).Verify(ctx, said.IDToken)
	if err != nil {
		return nil, fmt.Errorf("verify ID token: %w", err)
	}
	if verified.AccessTokenHash != "" {
		if err := verified.VerifyAccessToken(token.AccessToken); err != nil {
			return nil, fmt.Errorf("compare at_hash: %w", err)
		}
	}
	if verified.Nonce != nonce {
		return nil, errors.New("the ID token carries another nonce than was sent")
	}
	if err := verified.Claims(&said.IDTokenClaims); err != nil {
		return nil, fmt.Errorf("read claims: %w", err)
	}
	return said, nil
}

// algorithms returns the accepted algorithms of ID tokens.
func algorithms() []string { return []string{oidc.RS256, oidc.PS256, oidc.ES256, oidc.EdDSA} }

// refused returns the server's own words of a refusal.
func responseError(err error) error {
	said, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok || said.ErrorCode == "" {
		return err
	}
	return readResponse(said.ErrorCode, said.ErrorDescription)
}

func readResponse(code, description string) error {
	if description == "" {
		return fmt.Errorf("the server answered %s", code)
	}
	return fmt.Errorf("the server answered %s: %s", code, description)
}
