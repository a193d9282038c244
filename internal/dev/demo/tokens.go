package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/oauth2"
)

// refresh serves POST /refresh.
//
// Spec: RFC 6749 §6; OpenID Connect Core §12.
func (a *app) refresh(w http.ResponseWriter, r *http.Request) error {
	v := a.session(r)
	if v == nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	ctx, conn, err := a.provider.connect(r.Context())
	if err != nil {
		return err
	}
	if err := a.renew(ctx, conn, v); err != nil {
		return &refusal{
			status: http.StatusBadGateway, title: "The tokens could not be refreshed",
			advice: "The refresh token may be revoked, or the session at the provider has ended. Sign in again for new tokens.",
			code:   protocolCode(err), err: err,
		}
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

func (a *app) renew(ctx context.Context, conn *connection, v *session) error {
	v.mu.Lock()
	defer v.mu.Unlock()

	if v.token.RefreshToken == "" {
		return errors.New("the token response has no refresh token")
	}
	token, err := conn.oauth.TokenSource(ctx, &oauth2.Token{RefreshToken: v.token.RefreshToken}).Token()
	if err != nil {
		return fmt.Errorf("refresh: %w", err)
	}
	id := v.id
	if token.Extra("id_token") != nil {
		if id, err = conn.verify(ctx, token); err != nil {
			return err
		}
		// A refreshed ID token need not repeat the nonce, but may not have another.
		if id.Subject != v.id.Subject || (id.Nonce != "" && id.Nonce != v.id.Nonce) {
			return errors.New("the new ID token is for another sign-in")
		}
	}
	info, err := conn.userinfo(ctx, token, id.Subject)
	if err != nil {
		return err
	}

	v.changed = changes(v.token, token)
	v.token, v.id, v.userinfo, v.inspected = token, id, info, nil
	v.refreshed = a.cfg.Now()
	return nil
}

// changes returns the names of the members that differ between two token responses.
func changes(before, after *oauth2.Token) map[string]bool {
	old := map[string]string{}
	for _, m := range members(before) {
		old[m.Name] = m.Value
	}
	changed := map[string]bool{}
	for _, m := range members(after) {
		if was, ok := old[m.Name]; !ok || was != m.Value {
			changed[m.Name] = true
		}
	}
	return changed
}

// member is a member of a token response.
type member struct {
	Name, Value string
	Secret      bool
}

// members lists a token response in the order of RFC 6749 §5.1.
func members(token *oauth2.Token) []member {
	list := []member{
		{Name: "access_token", Value: token.AccessToken, Secret: true},
		{Name: "token_type", Value: token.TokenType},
	}
	if token.ExpiresIn > 0 {
		list = append(list, member{Name: "expires_in", Value: strconv.FormatInt(token.ExpiresIn, 10)})
	}
	if token.RefreshToken != "" {
		list = append(list, member{Name: "refresh_token", Value: token.RefreshToken, Secret: true})
	}
	if granted, ok := token.Extra("scope").(string); ok {
		list = append(list, member{Name: "scope", Value: granted})
	}
	if raw, ok := token.Extra("id_token").(string); ok {
		list = append(list, member{Name: "id_token", Value: raw, Secret: true})
	}
	return list
}

// introspect serves POST /introspect.
//
// Spec: RFC 7662 §2.
func (a *app) introspect(w http.ResponseWriter, r *http.Request) error {
	v := a.session(r)
	if v == nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	ctx, conn, err := a.provider.connect(r.Context())
	if err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()

	answer, err := a.inspect(ctx, conn.endpoint.Introspect, v.token.AccessToken)
	if err != nil {
		return &refusal{
			status: http.StatusBadGateway, title: "Introspection failed",
			advice: "The provider returned no valid introspection response.", err: err,
		}
	}
	v.inspected = answer
	http.Redirect(w, r, "/#introspection", http.StatusSeeOther)
	return nil
}

func (a *app) inspect(ctx context.Context, endpoint, token string) (json.RawMessage, error) {
	form := url.Values{"token": {token}, "token_type_hint": {"access_token"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("introspect: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	// RFC 6749 §2.3.1 has both halves form-encoded before they are joined.
	req.SetBasicAuth(url.QueryEscape(a.cfg.ClientID), url.QueryEscape(a.cfg.ClientSecret))
	resp, err := a.cfg.HTTPClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("introspect: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()

	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("read introspection: %w", err)
	}
	if resp.StatusCode != http.StatusOK || !json.Valid(body) {
		return nil, fmt.Errorf("introspection returned %s", resp.Status)
	}
	return body, nil
}
