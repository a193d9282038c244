package authorize

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/scope"
)

// userClaims returns what an ID token of the unit says about the user beside the
// protocol's own claims: those requested by name, and those of the scopes if the token
// comes from the token endpoint or nothing that leads to the userinfo endpoint goes out
// with it. An ID token that travels through the browser beside an access token or code
// stays minimal.
//
// Spec: OpenID Connect Core §5.4, §5.5.
func (h *Handler) userClaims(ctx context.Context, u *unit, alone bool) (map[string]any, error) {
	account, err := scope.AccountClaims(u.held)
	if err != nil {
		return nil, err
	}
	claims := map[string]any{}
	switch {
	case alone:
		claims = u.known.ByScope(account, u.access, scope.IDToken)
	case h.fullIDToken(u):
		claims = u.known.ByScope(account, u.access, scope.IDToken)
		h.leaveOut(ctx, u, "ID token", claims)
	}
	maps.Copy(claims, u.known.ByName(account, u.access, scope.IDToken))
	return claims, scope.AddExtra(claims, u.held)
}

// fullIDToken reports whether the unit's ID token carries the claims of the granted
// scopes.
func (h *Handler) fullIDToken(u *unit) bool {
	if u.way() == client.GrantImplicit {
		return false
	}
	switch u.client.IDTokenClaims {
	case client.IDTokenGranted:
		return true
	case client.IDTokenMinimal:
		return false
	default:
		return !h.MinimalIDToken
	}
}

// accessTokenClaims returns what an access token of the unit says about the user beside
// the protocol's own claims.
//
// Spec: RFC 9068 §2.2.2, §2.2.3.
func (h *Handler) accessTokenClaims(ctx context.Context, u *unit) (map[string]any, error) {
	if u.held == nil || !u.known.ReleasesIn(u.access, scope.AccessToken) {
		return nil, nil
	}
	account, err := scope.AccountClaims(u.held)
	if err != nil {
		return nil, err
	}
	claims := u.known.ByScope(account, u.access, scope.AccessToken)
	h.leaveOut(ctx, u, "access token", claims)
	return claims, nil
}

// leaveOut removes from the claims that scopes put into a token those that make it too
// long for headers and cookies, and says so, once for the token. They are still to be had
// from the userinfo endpoint or by introspection.
func (h *Handler) leaveOut(ctx context.Context, u *unit, token string, claims map[string]any) {
	left := scope.Shorten(claims)
	if len(left) == 0 {
		return
	}
	h.Log.LogAttrs(ctx, slog.LevelWarn, "claims left out of a token that would be too long", slog.String("token", token),
		slog.String("client_id", u.client.ID), slog.String("subject", u.held.Subject), slog.Any("claims", left))
}

// introspectionClaims returns what introspection says about the user of a grant, for a
// token with the scopes of held, as far as the token's client may still have it. It
// includes what JWT access tokens say themselves, since opaque ones cannot.
//
// Spec: RFC 7662 §2.2.
func (h *Handler) introspectionClaims(ctx context.Context, held *grant.GrantWithAccount) (map[string]any, error) {
	places := []scope.Destination{scope.Introspection, scope.AccessToken}
	known, err := h.Scopes.Scopes(ctx)
	if err != nil {
		return nil, fmt.Errorf("read scopes: %w", err)
	}
	access, err := scope.AccessOf(&held.Grant)
	if err != nil {
		return nil, err
	}
	if !known.ReleasesIn(access, places...) {
		return nil, nil
	}
	owner, err := h.Clients.Client(ctx, held.ClientID)
	if errors.Is(err, client.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	account, err := scope.AccountClaims(held)
	if err != nil {
		return nil, err
	}
	return known.ByScope(account, known.Downscope(access, known.LimitsOf(owner)), places...), nil
}
