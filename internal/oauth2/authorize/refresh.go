package authorize

import (
	"context"
	"errors"
	"strings"

	"github.com/ory/fosite"
	fositeoauth2 "github.com/ory/fosite/handler/oauth2"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
	"github.com/ostiary/ostiary/internal/refusal"
)

// refreshHandler is fosite's, but for how a refresh token is redeemed: by one
// compare-and-set, for a narrower scope if asked, and with patience for answers
// that got lost.
type refreshHandler struct {
	*fositeoauth2.RefreshTokenGrantHandler

	handler *Handler
}

var _ fosite.TokenEndpointHandler = (*refreshHandler)(nil)

// HandleTokenEndpointRequest rotates the refresh token (RFC 6749 section 6,
// RFC 9700 section 4.14.2).
func (r *refreshHandler) HandleTokenEndpointRequest(ctx context.Context, request fosite.AccessRequester) error {
	if !r.CanHandleTokenEndpointRequest(ctx, request) {
		return fosite.ErrUnknownRequest
	}
	u := unitOf(ctx)
	if err := r.handler.rotate(ctx, u); err != nil {
		return u.fail(err)
	}
	request.SetID(u.held.ID.String())
	request.SetSession(newEngineSession(u.held.Subject))
	request.SetRequestedScopes(u.scopes)
	for _, scope := range u.scopes {
		request.GrantScope(scope)
	}
	return nil
}

// PopulateTokenEndpointResponse hands out the tokens of the next generation (RFC
// 6749 section 6).
func (r *refreshHandler) PopulateTokenEndpointResponse(ctx context.Context, request fosite.AccessRequester, response fosite.AccessResponder) error {
	if !r.CanHandleTokenEndpointRequest(ctx, request) {
		return fosite.ErrUnknownRequest
	}
	return strategy{r.handler}.issueUnderGrant(ctx, unitOf(ctx), response, true)
}

func (h *Handler) rotate(ctx context.Context, u *unit) error {
	handle, err := h.Codec.Parse(tokens.Refresh, u.form.Get("refresh_token"))
	if err != nil {
		return refusal.Wrap(grant.ErrNotFound, refusal.RefreshMalformed, "the refresh token is none of this server's, or its system secret was removed")
	}
	if err := h.checkNarrowing(ctx, u, handle); err != nil {
		return err
	}
	held, err := h.Grants.RotateRefresh(ctx, grant.RefreshRotation{
		Ref: handle.Ref, ClientID: u.client.ID, Generation: int64(handle.Generation),
		Authorization: u.detail, ExpiresAt: u.now.Add(h.refreshLifetime(u.client, client.GrantRefreshToken)),
		TokensUntil: h.tokensUntil(u), Now: u.now,
	})
	behind := errors.Is(err, grant.ErrStaleGeneration)
	if err != nil && !behind {
		return err
	}
	if !h.Codec.Belongs(tokens.Refresh, handle, held.Seed) {
		return refusal.Wrap(grant.ErrNotFound, refusal.RefreshMalformed, "the refresh token was made up: its signature is wrong")
	}
	if behind && !h.replay(u, handle, held) {
		if err := h.Grants.RevokeGrant(ctx, held.Locator, u.client.ID, grant.RevokedForRefreshReuse, u.now); err != nil {
			return err
		}
		return replayedRefresh(held, int64(handle.Generation))
	}
	if behind && u.detail != nil {
		// The rotation has written what the hook said then; this answer says what it says now.
		held.Authorization.ExtraClaims = u.detail.ExtraClaims
	}
	u.hold(held)
	access, err := u.narrow(held)
	u.take(access)
	return err
}

// replay reports whether an outdated token is only late: it is of the generation
// just before, rotated within the grace window. Its holder gets the current
// token again, so a lost answer or a second tab signs nobody out.
func (h *Handler) replay(u *unit, handle tokens.Handle, held *grant.GrantWithAccount) bool {
	return held.RefreshGeneration == int64(handle.Generation)+1 &&
		u.now.Sub(held.RefreshRotatedAt) <= h.Lifetimes.RefreshGrace
}

// checkNarrowing refuses a scope or resource that was not granted, before the
// token is rotated: a mistake in the request must not cost the client its token.
// Only requests that ask for less than everything pay the additional statement.
func (h *Handler) checkNarrowing(ctx context.Context, u *unit, handle tokens.Handle) error {
	if len(strings.Fields(u.form.Get("scope"))) == 0 && len(oauth2.Resources(u.form)) == 0 {
		return nil
	}
	held, err := h.Grants.LiveGrant(ctx, handle.Ref, "", u.now)
	if errors.Is(err, grant.ErrNotFound) || err == nil && held.ClientID != u.client.ID {
		return nil // the rotation fails, and says why
	}
	if err != nil {
		return err
	}
	_, err = u.narrow(held)
	return err
}
