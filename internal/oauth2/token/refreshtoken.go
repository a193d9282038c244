package token

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/apiresource"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/detail"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
	"github.com/ostiary/ostiary/internal/refusal"
)

// RefreshRotator rotates refresh tokens. Each method is one statement.
type RefreshRotator interface {
	LiveGrants
	// RotateRefresh returns [grant.ErrNotFound] for an invalid refresh token, and
	// [grant.ErrStaleGeneration] with the grant for a token that was rotated before.
	RotateRefresh(ctx context.Context, r grant.RefreshRotation) (*grant.WithAccount, error)
	RevokeGrant(ctx context.Context, ref grant.Locator, clientID string, why grant.RevocationReason, now time.Time) error
}

// RefreshToken is the grant type refresh_token. Each use rotates the token, unless the client authenticates
// and its access tokens are bound to a key: then the token stays the same. The previous
// token returns the current token again for GracePeriod, so that no user is signed out by a lost
// response or a second tab; after that its use revokes the grant.
//
// Spec: RFC 6749 §6, RFC 9700 §4.14.2, OpenID Connect Core §12.
type RefreshToken struct {
	Codec       *tokens.Codec
	Grants      RefreshRotator
	Lifetimes   *tokens.Lifetimes
	GracePeriod time.Duration
	Issuer      Issuer
}

// Spec returns the name of the grant type.
func (*RefreshToken) Spec() Spec {
	return Spec{Type: client.GrantRefreshToken, Credential: "refresh_token", RefreshHook: true}
}

// Check refuses a scope, resource or detail that was not granted. It finds the grant of the token only
// where the request names one, or where hooks need the grant, since that costs a statement.
func (g *RefreshToken) Check(ctx context.Context, x *Exchange) (Candidate, error) {
	handle, err := g.Codec.Parse(tokens.Refresh, x.Form.Get("refresh_token"))
	if err != nil {
		return Candidate{}, refusal.Wrap(grant.ErrNotFound, refusal.RefreshMalformed, "the refresh token is not one of this server, or its system secret was removed")
	}
	candidate := Candidate{Redeem: func(ctx context.Context) (Redeemed, error) { return g.rotate(ctx, x, handle) }}
	candidate.RequestedScopes = strings.Fields(x.Form.Get("scope"))
	isNarrower := len(candidate.RequestedScopes) > 0 || len(apiresource.Requested(x.Form)) > 0 || x.Form.Has(detail.Parameter)
	if !isNarrower && !x.HooksFollow {
		return candidate, nil
	}
	found, err := g.Grants.LiveGrant(ctx, handle.Ref, "", x.Now)
	if errors.Is(err, grant.ErrNotFound) || err == nil && found.ClientID != x.Client.ID {
		return candidate, nil // Redeem returns the reason
	}
	if err != nil {
		return Candidate{}, err
	}
	candidate.Grant = found
	if isNarrower {
		if _, _, err := x.downscope(&candidate.Basis); err != nil {
			return Candidate{}, err
		}
	}
	if !g.isRefreshable(x, handle, found) {
		candidate.Grant = nil
	}
	return candidate, nil
}

// isRefreshable reports whether the token can be rotated now, or is within its grace period.
func (g *RefreshToken) isRefreshable(x *Exchange, handle tokens.Handle, found *grant.WithAccount) bool {
	isCurrent := found.RefreshGeneration == int64(handle.Generation)
	return g.Codec.Belongs(tokens.Refresh, handle, found.Seed) && found.BoundTo().AllowsSender(x.Sender) && x.Now.Before(found.ExpiresAt) &&
		(isCurrent || g.isInGracePeriod(x, handle, found))
}

// rotate rotates the refresh token.
func (g *RefreshToken) rotate(ctx context.Context, x *Exchange, handle tokens.Handle) (Redeemed, error) {
	rotated, err := g.Grants.RotateRefresh(ctx, grant.RefreshRotation{
		AllowedGroups: x.Client.AllowedGroups, Ref: handle.Ref, ClientID: x.Client.ID, Sender: x.Sender, BindRefresh: x.Client.IsPublic(), KeepGeneration: x.keepsRefreshToken(), Generation: int64(handle.Generation), Authorization: x.Authorization,
		ExpiresAt: x.Now.Add(g.Lifetimes.Refresh(x.Client, client.GrantRefreshToken)), TokensUntil: x.AccessUntil, Now: x.Now,
	})
	isStale := errors.Is(err, grant.ErrStaleGeneration)
	if err != nil && !isStale {
		return Redeemed{}, err
	}
	if !g.Codec.Belongs(tokens.Refresh, handle, rotated.Seed) {
		return Redeemed{}, refusal.Wrap(grant.ErrNotFound, refusal.RefreshMalformed, "the refresh token was made up: its signature is wrong")
	}
	if isStale && !g.isInGracePeriod(x, handle, rotated) {
		if err := g.Grants.RevokeGrant(ctx, rotated.Locator, x.Client.ID, grant.RevokedForRefreshReuse, x.Now); err != nil {
			return Redeemed{}, err
		}
		return Redeemed{}, replayed(rotated, int64(handle.Generation))
	}
	if isStale && x.Authorization != nil {
		// The rotation has stored what the hook returned then; these tokens have what it
		// returned now.
		rotated.Authorization.ExtraClaims = x.Authorization.ExtraClaims
	}
	return Redeemed{Grant: rotated, Refresh: AlwaysRefresh, Issuer: g.Issuer}, nil
}

// isInGracePeriod reports whether the token is of the previous generation and was rotated a
// moment ago.
func (g *RefreshToken) isInGracePeriod(x *Exchange, handle tokens.Handle, found *grant.WithAccount) bool {
	return found.RefreshGeneration == int64(handle.Generation)+1 && x.Now.Sub(found.RefreshRotatedAt) <= g.GracePeriod
}

// replayed explains that a refresh token was rotated before, which revokes its grant.
func replayed(g *grant.WithAccount, presented int64) error {
	return refusal.Wrap(grant.ErrNotFound, refusal.RefreshReplayed, "the refresh token was rotated before; the grant is revoked",
		refusal.At("last_rotated_at", g.RefreshRotatedAt),
		refusal.Number("presented_generation", presented), refusal.Number("current_generation", g.RefreshGeneration),
	).WithGrant(g.ID.String()).AsWarning()
}
