// Package perform is a client in the terminal: it gets tokens with the usual flows, checks the
// responses as clients must, and prints them.
//
// It uses the same libraries as other clients and no code of the server, so that it finds the
// problems that other clients have.
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

// Client is a registered client and its issuer.
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

// connection is a client with the metadata of its issuer.
type connection struct {
	*Client

	http     *http.Client
	provider *oidc.Provider
	oauth    oauth2.Config
	metadata struct {
		SendsIssuer bool   `json:"authorization_response_iss_parameter_supported"`
		Device      string `json:"device_authorization_endpoint"`
	}
}

// requestTimeout bounds each request to the server.
const requestTimeout = 30 * time.Second

// connect reads the metadata of the issuer. Requests with the context that it returns use the
// certificates and the timeout of the client.
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
	// Without a style, x/oauth2 tries both, and sends a code twice if the first response is an
	// error.
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
	tokens := &Tokens{AccessToken: token.AccessToken, TokenType: token.TokenType, RefreshToken: token.RefreshToken}
	if !token.Expiry.IsZero() {
		tokens.ExpiresAt = token.Expiry.UTC().Truncate(time.Second)
	}
	tokens.Scope, _ = token.Extra("scope").(string)
	tokens.IDToken, _ = token.Extra("id_token").(string)
	if tokens.IDToken == "" {
		return tokens, nil
	}
	verified, err := p.provider.Verifier(&oidc.Config{ClientID: p.ID, SupportedSigningAlgs: algorithms()}).Verify(ctx, tokens.IDToken)
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
	if err := verified.Claims(&tokens.IDTokenClaims); err != nil {
		return nil, fmt.Errorf("read claims: %w", err)
	}
	return tokens, nil
}

// algorithms returns the accepted algorithms of ID tokens.
func algorithms() []string { return []string{oidc.RS256, oidc.PS256, oidc.ES256, oidc.EdDSA} }

// responseError returns the error code and description of the server, if err contains them.
func responseError(err error) error {
	response, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok || response.ErrorCode == "" {
		return err
	}
	return readResponse(response.ErrorCode, response.ErrorDescription)
}

func readResponse(code, description string) error {
	if description == "" {
		return fmt.Errorf("the server answered %s", code)
	}
	return fmt.Errorf("the server answered %s: %s", code, description)
}
