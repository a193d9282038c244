// Package revocation serves the revocation endpoint, and revokes tokens for operators.
package revocation

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
)

// Authenticator authenticates the client of a request.
type Authenticator interface {
	Authenticate(ctx context.Context, r *http.Request) (*client.Client, error)
}

// AccessTokens reads access tokens, as [tokens.Reader] does.
type AccessTokens interface {
	// Read returns [tokens.ErrInactive] for an invalid or expired token.
	Read(token string, now time.Time) (*tokens.AccessClaims, error)
}

// Grants revokes grants and access tokens.
type Grants interface {
	// RevokeGrant does nothing to a grant of another client, unless clientID is empty.
	RevokeGrant(ctx context.Context, ref grant.Locator, clientID string, why grant.RevocationReason, now time.Time) error
	// DenyToken makes an access token inactive, of which a record is kept until its end.
	DenyToken(ctx context.Context, jti string, until time.Time) error
}

// Handler serves the endpoint. All of its members are set.
type Handler struct {
	Authenticator Authenticator
	AccessTokens  AccessTokens
	Codec         *tokens.Codec
	Grants        Grants
	Now           func() time.Time
}

// ServeHTTP serves POST /oauth2/revoke. A refresh token is revoked with its grant and all
// access tokens under it, an access token alone. The response to an unknown token, or one of
// another client, is that of a revoked token.
//
// Spec: RFC 7009 §2.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := h.serve(r); err != nil {
		oauth2.WriteError(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
}

func (h *Handler) serve(r *http.Request) error {
	ctx := r.Context()
	c, err := h.Authenticator.Authenticate(ctx, r)
	if err != nil {
		return err
	}
	token := r.PostForm.Get("token")
	if token == "" {
		return oauth2.InvalidRequest("The parameter token is missing")
	}
	_, err = h.revoke(ctx, token, c.ID, grant.RevokedByClient)
	return err
}

// RevokeAny revokes a token of any client for an operator. It reports false for a token that
// this server did not issue or that has expired.
func (h *Handler) RevokeAny(ctx context.Context, token string) (known bool, err error) {
	return h.revoke(ctx, token, "", grant.RevokedByOperator)
}

// revoke revokes a token of the client with the ID owner, or of any client if that is empty.
// It needs no token_type_hint, since the kinds of tokens differ in their form. The first MAC
// of a refresh token suffices: only the holder of the system secret can compute it.
func (h *Handler) revoke(ctx context.Context, token, owner string, why grant.RevocationReason) (known bool, err error) {
	now := h.Now()
	if handle, err := h.Codec.Parse(tokens.Refresh, token); err == nil {
		return true, h.Grants.RevokeGrant(ctx, handle.Ref, owner, why, now)
	}
	claims, err := h.AccessTokens.Read(token, now)
	if errors.Is(err, tokens.ErrInactive) || err == nil && owner != "" && claims.ClientID != owner {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, h.Grants.DenyToken(ctx, claims.ID, time.Unix(claims.Expiry, 0))
}
