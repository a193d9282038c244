package demo

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// provider discovers the OpenID provider, once.
type provider struct {
	cfg   Config
	known atomic.Pointer[connection]
}

// connection is the discovered provider.
type connection struct {
	oauth    oauth2.Config
	oidc     *oidc.Provider
	verifier *oidc.IDTokenVerifier
	endpoint struct {
		EndSession string `json:"end_session_endpoint"`
		Introspect string `json:"introspection_endpoint"`
		SaysIssuer bool   `json:"authorization_response_iss_parameter_supported"`
	}
}

// connect returns the provider and a context whose requests use the configured HTTP client. It
// retries a few times, since the provider may still be starting.
func (p *provider) connect(ctx context.Context) (context.Context, *connection, error) {
	ctx = oidc.ClientContext(ctx, p.cfg.HTTPClient)
	if c := p.known.Load(); c != nil {
		return ctx, c, nil
	}
	for wait := 100 * time.Millisecond; ; wait *= 2 {
		c, err := p.discover(ctx)
		if err == nil {
			p.known.Store(c)
			return ctx, c, nil
		}
		var mismatch *oidc.IssuerMismatchError
		if wait > 800*time.Millisecond || errors.As(err, &mismatch) {
			return nil, nil, p.unreachable(err)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, nil, p.unreachable(err)
		}
	}
}

func (p *provider) unreachable(err error) error {
	return &refusal{
		status: http.StatusServiceUnavailable,
		title:  "The identity provider does not respond",
		advice: "This app signs users in with " + p.cfg.Issuer + ", which is not reachable. Is it running?",
		err:    fmt.Errorf("discover: %w", err),
	}
}

// discover reads the provider's metadata.
//
// Spec: OpenID Connect Discovery §4.
func (p *provider) discover(ctx context.Context) (*connection, error) {
	found, err := oidc.NewProvider(ctx, p.cfg.Issuer)
	if err != nil {
		return nil, err
	}
	c := &connection{
		oidc:     found,
		verifier: found.Verifier(&oidc.Config{ClientID: p.cfg.ClientID, Now: p.cfg.Now}),
		oauth: oauth2.Config{
			ClientID:     p.cfg.ClientID,
			ClientSecret: p.cfg.ClientSecret,
			Endpoint:     found.Endpoint(),
			RedirectURL:  p.cfg.BaseURL + "/callback",
			Scopes:       strings.Fields(scope),
		},
	}
	// With automatic detection x/oauth2 would send a code twice if the first response is an
	// error, and a replayed code counts as stolen.
	c.oauth.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
	if err := found.Claims(&c.endpoint); err != nil {
		return nil, fmt.Errorf("read metadata: %w", err)
	}
	return c, nil
}

// identity is a verified ID token with its decoded header and claims.
type identity struct {
	*oidc.IDToken

	raw            string
	header, claims json.RawMessage
	more           struct {
		AuthTime int64    `json:"auth_time"`
		Methods  []string `json:"amr"`
	}
}

// verify checks the ID token of a token response: signature, issuer, audience, expiry and
// at_hash. The caller compares the nonce.
//
// Spec: OpenID Connect Core §3.1.3.7, §3.1.3.8.
func (c *connection) verify(ctx context.Context, token *oauth2.Token) (*identity, error) {
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return nil, errors.New("the token response has no ID token")
	}
	verified, err := c.verifier.Verify(ctx, raw)
	if err != nil {
		return nil, fmt.Errorf("verify ID token: %w", err)
	}
	if verified.AccessTokenHash != "" {
		if err := verified.VerifyAccessToken(token.AccessToken); err != nil {
			return nil, fmt.Errorf("compare at_hash: %w", err)
		}
	}
	id := &identity{IDToken: verified, raw: raw}
	if err := verified.Claims(&id.more); err != nil {
		return nil, fmt.Errorf("read ID token: %w", err)
	}
	if err := verified.Claims(&id.claims); err != nil {
		return nil, fmt.Errorf("read claims: %w", err)
	}
	first, _, _ := strings.Cut(raw, ".")
	if id.header, err = base64.RawURLEncoding.DecodeString(first); err != nil {
		return nil, fmt.Errorf("read header: %w", err)
	}
	return id, nil
}

// userinfo returns the userinfo response, or an error if it is for another subject.
//
// Spec: OpenID Connect Core §5.3.2, §5.3.4.
func (c *connection) userinfo(ctx context.Context, token *oauth2.Token, subject string) (json.RawMessage, error) {
	info, err := c.oidc.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return nil, fmt.Errorf("request userinfo: %w", err)
	}
	if info.Subject != subject {
		return nil, errors.New("the userinfo response is for another user than the ID token")
	}
	var answer json.RawMessage
	if err := info.Claims(&answer); err != nil {
		return nil, fmt.Errorf("read userinfo: %w", err)
	}
	return answer, nil
}
