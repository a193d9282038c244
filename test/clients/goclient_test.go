//go:build e2e

package clients

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

func TestGoOIDC(t *testing.T) {
	t.Parallel()
	library{
		methods: []string{"client_secret_basic", "client_secret_post", "none"},
		secret:  `all sorts: +%20&= "'\<>/?`,
		run:     runGoOIDC,
		errors: map[string]string{
			"state of another session":          "state",
			"nonce of another session":          "nonce",
			"code_challenge of another session": "invalid_grant",
			"iss of another server":             "", // the library does not implement RFC 9207
			"unknown code":                      "invalid_grant",
		},
	}.test(t)
}

// goApp is an application built on go-oidc and x/oauth2.
type goApp struct {
	*app

	issuer   string
	provider *oidc.Provider
	oauth    oauth2.Config
	// Members of the discovery document that go-oidc does not read.
	endpoints struct {
		Introspection string `json:"introspection_endpoint"`
		Revocation    string `json:"revocation_endpoint"`
		EndSession    string `json:"end_session_endpoint"`
	}
}

func runGoOIDC(t *testing.T, issuer string, a *app, b *browser) (*appView, error) {
	t.Helper()
	ctx := t.Context()
	provider, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		return nil, err
	}
	g := &goApp{app: a, issuer: issuer, provider: provider, oauth: oauth2.Config{
		ClientID:     a.ID,
		ClientSecret: a.Secret,
		RedirectURL:  a.RedirectURI,
		Endpoint:     provider.Endpoint(),
		Scopes:       strings.Fields(scope),
	}}
	// For the other methods x/oauth2 tries Basic first. A failed attempt must not use
	// up the code.
	if a.Method == "client_secret_basic" {
		g.oauth.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
	}
	if err := provider.Claims(&g.endpoints); err != nil {
		return nil, err
	}
	s := &appView{}
	tokens, err := g.signIn(ctx, b, s)
	if err != nil {
		return nil, err
	}
	if err := g.useAccessToken(ctx, tokens, s); err != nil {
		return nil, err
	}
	fresh, err := g.refresh(ctx, tokens, s)
	if err != nil {
		return nil, err
	}
	if err := g.revoke(ctx, fresh, s); err != nil {
		return nil, err
	}
	return s, g.signOut(ctx, b, fresh, s)
}

func (g *goApp) signIn(ctx context.Context, b *browser, s *appView) (*oauth2.Token, error) {
	state, nonce, verifier := oauth2.GenerateVerifier(), oauth2.GenerateVerifier(), oauth2.GenerateVerifier()
	callback, err := b.follow(ctx, g.oauth.AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier)))
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(callback)
	if err != nil {
		return nil, err
	}
	if u.Query().Get("state") != state {
		return nil, errors.New("the response has a different state")
	}
	tokens, err := g.oauth.Exchange(ctx, u.Query().Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		return nil, err
	}
	idToken, err := g.idToken(ctx, tokens)
	if err != nil {
		return nil, err
	}
	if idToken.Nonce != nonce {
		return nil, errors.New("the ID token has a different nonce")
	}
	s.IDTokenAlg = algorithm(tokens.Extra("id_token").(string))
	return tokens, idToken.Claims(&s.IDToken)
}

// idToken returns the verified ID token of a token response.
func (g *goApp) idToken(ctx context.Context, tokens *oauth2.Token) (*oidc.IDToken, error) {
	raw, ok := tokens.Extra("id_token").(string)
	if !ok {
		return nil, errors.New("the token response has no ID token")
	}
	token, err := g.provider.VerifierContext(ctx, &oidc.Config{ClientID: g.ID}).Verify(ctx, raw)
	if err != nil {
		return nil, err
	}
	return token, token.VerifyAccessToken(tokens.AccessToken)
}

func (g *goApp) useAccessToken(ctx context.Context, tokens *oauth2.Token, s *appView) error {
	userinfo, err := g.provider.UserInfo(ctx, oauth2.StaticTokenSource(tokens))
	if err != nil {
		return err
	}
	if err := userinfo.Claims(&s.Userinfo); err != nil {
		return err
	}
	// A resource server verifies the access token (RFC 9068).
	token, err := g.provider.VerifierContext(ctx, &oidc.Config{ClientID: g.issuer}).Verify(ctx, tokens.AccessToken)
	if err != nil {
		return err
	}
	return token.Claims(&s.AccessToken)
}

func (g *goApp) refresh(ctx context.Context, tokens *oauth2.Token, s *appView) (*oauth2.Token, error) {
	fresh, err := g.oauth.TokenSource(ctx, &oauth2.Token{RefreshToken: tokens.RefreshToken}).Token()
	if err != nil {
		return nil, err
	}
	if fresh.AccessToken == tokens.AccessToken || fresh.RefreshToken == tokens.RefreshToken {
		return nil, errors.New("the refresh returned the same tokens")
	}
	token, err := g.idToken(ctx, fresh)
	if err != nil {
		return nil, err
	}
	return fresh, token.Claims(&s.Refreshed)
}

func (g *goApp) revoke(ctx context.Context, tokens *oauth2.Token, s *appView) error {
	if g.Secret != "" {
		if err := g.postToken(ctx, g.endpoints.Introspection, tokens.AccessToken, &s.Introspection); err != nil {
			return err
		}
	}
	if err := g.postToken(ctx, g.endpoints.Revocation, tokens.RefreshToken, nil); err != nil {
		return err
	}
	if g.Secret != "" {
		if err := g.postToken(ctx, g.endpoints.Introspection, tokens.AccessToken, &s.RevokedIntrospection); err != nil {
			return err
		}
	}
	_, err := g.oauth.TokenSource(ctx, &oauth2.Token{RefreshToken: tokens.RefreshToken}).Token()
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		s.RevokedRefresh = refused.ErrorCode
	}
	return nil
}

// postToken sends a token to an endpoint that x/oauth2 does not support.
func (g *goApp) postToken(ctx context.Context, endpoint, token string, response any) error {
	form := url.Values{"token": {token}, "client_id": {g.ID}}
	if g.Method == "client_secret_post" {
		form.Set("client_secret", g.Secret)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if g.Method == "client_secret_basic" {
		req.SetBasicAuth(url.QueryEscape(g.ID), url.QueryEscape(g.Secret))
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s returned the status %s", endpoint, resp.Status)
	}
	if response == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(response)
}

func (g *goApp) signOut(ctx context.Context, b *browser, tokens *oauth2.Token, s *appView) error {
	state := oauth2.GenerateVerifier()
	back, err := b.follow(ctx, g.endpoints.EndSession+"?"+url.Values{
		"id_token_hint":            {tokens.Extra("id_token").(string)},
		"post_logout_redirect_uri": {g.postLogoutURI},
		"state":                    {state},
	}.Encode())
	s.SignedOut = back == g.postLogoutURI+"?state="+state
	return err
}

// algorithm returns the alg header of a token.
func algorithm(token string) string {
	first, _, _ := strings.Cut(token, ".")
	text, _ := base64.RawURLEncoding.DecodeString(first)
	var header struct{ Alg string }
	_ = json.Unmarshal(text, &header)
	return header.Alg
}
