package oauth2

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/scope"
)

// idTokenClaims returns what an ID token of the unit says about the user beside the
// protocol's own claims: those requested by name and, if nothing that leads to the
// userinfo endpoint goes out with it, those of the scopes.
//
// Spec: OpenID Connect Core §5.4, §5.5.
func idTokenClaims(u *unit, alone bool) (map[string]any, error) {
	account, err := scope.AccountClaims(u.held)
	if err != nil {
		return nil, err //nolint:wrapcheck // names itself
	}
	claims := u.known.ByName(account, u.access, scope.IDToken)
	if alone {
		maps.Copy(claims, u.known.ByScope(account, u.access, scope.IDToken))
	}
	return claims, scope.AddExtra(claims, u.held) //nolint:wrapcheck // names itself
}

// accessTokenClaims returns what an access token of the unit says about the user beside
// the protocol's own claims.
//
// Spec: RFC 9068 §2.2.2, §2.2.3.
func accessTokenClaims(u *unit) (map[string]any, error) {
	if u.held == nil || !u.known.ReleasesIn(u.access, scope.AccessToken) {
		return nil, nil
	}
	account, err := scope.AccountClaims(u.held)
	if err != nil {
		return nil, err //nolint:wrapcheck // names itself
	}
	return u.known.ByScope(account, u.access, scope.AccessToken), nil
}

// introspectionClaims returns what introspection says about the user of a grant, for a
// token with the scopes of held, as far as the token's client may still have it. It
// includes what JWT access tokens say themselves, since opaque ones cannot.
//
// Spec: RFC 7662 §2.2.
func (h *Handler) introspectionClaims(ctx context.Context, held *grant.Held) (map[string]any, error) {
	places := []scope.Place{scope.Introspection, scope.AccessToken}
	known, err := h.Scopes.Scopes(ctx)
	if err != nil {
		return nil, fmt.Errorf("read scopes: %w", err)
	}
	access, err := scope.AccessOf(&held.Grant)
	if err != nil {
		return nil, err //nolint:wrapcheck // names itself
	}
	if !known.ReleasesIn(access, places...) {
		return nil, nil
	}
	owner, err := h.Clients.Client(ctx, held.ClientID)
	if errors.Is(err, client.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err //nolint:wrapcheck // told apart by the caller
	}
	account, err := scope.AccountClaims(held)
	if err != nil {
		return nil, err //nolint:wrapcheck // names itself
	}
	return known.ByScope(account, known.Narrow(access, known.LimitsOf(owner)), places...), nil
}
