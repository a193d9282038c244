package token

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
	"github.com/ostiary/ostiary/internal/refusal"
)

const (
	// pollSlack is the time by which a poll may be early, since network delays vary.
	pollSlack = time.Second
	// pollPenalty is added to the interval after each poll that is earlier.
	//
	// Spec: RFC 8628 §3.5, CIBA Core §11.
	pollPenalty = 5 * time.Second
)

// polled is a credential that a client polls with while its user decides elsewhere: a device code or an
// auth_req_id.
type polled struct {
	codec  *tokens.Codec
	grants Codes
	issuer Issuer
	kind   tokens.Kind
	poll   func(ctx context.Context, p grant.Poll) (*grant.PollState, error)
	// expired is the error of poll for an expired credential, and expiry the description of its response.
	expired error
	expiry  string
	// malformed, denied and replayed explain what their names say.
	malformed, replayed refusal.Rule
	denied              func(at time.Time) *refusal.Cause
	// notified is set for confidential clients that may be notified of the decision while they poll: a
	// poll that came too early gets the decision, and a second redemption does not end the grant.
	notified bool
}

// check checks the MAC of the credential, its client, its end, the interval and the user's decision, in
// this order, so that a client cannot learn about requests of other clients.
func (c *polled) check(ctx context.Context, x *Exchange, credential string) (Candidate, error) {
	handle, err := c.codec.Parse(c.kind, credential)
	if err != nil {
		return Candidate{}, refusal.Wrap(grant.ErrNotFound, c.malformed, "it is not of this server, or its system secret was removed")
	}
	state, err := c.poll(ctx, grant.Poll{Ref: handle.Ref, ClientID: x.Client.ID, Slack: pollSlack, Penalty: pollPenalty, Now: x.Now})
	switch {
	case errors.Is(err, c.expired):
		return Candidate{}, oauth2.NewError(oauth2.CodeExpiredToken, c.expiry).Because(refusal.Of(err))
	case err != nil:
		return Candidate{}, err
	case !c.codec.Belongs(c.kind, handle, state.Seed):
		return Candidate{}, refusal.Wrap(grant.ErrNotFound, c.malformed, "it was made up: its signature is wrong")
	}
	if err := c.decision(state); err != nil {
		return Candidate{}, err
	}
	candidate := Candidate{Redeem: func(ctx context.Context) (Redeemed, error) { return c.redeem(ctx, x, handle) }}
	if x.HooksFollow {
		candidate.Grant, err = c.peekGrant(ctx, x, handle)
	}
	return candidate, err
}

// decision returns nil if the user has allowed the request.
//
// Spec: RFC 8628 §3.5, CIBA Core §11.
func (c *polled) decision(state *grant.PollState) error {
	decided := state.Allowed || !state.DeniedAt.IsZero()
	switch {
	case state.TooEarly && (!decided || !c.notified):
		return oauth2.NewError(oauth2.CodeSlowDown, "The client polls too often and must wait 5 seconds longer from now on")
	case !state.DeniedAt.IsZero():
		return oauth2.StandardError(oauth2.CodeAccessDenied).Because(c.denied(state.DeniedAt))
	case !state.Allowed:
		return &oauth2.Error{
			Status: http.StatusBadRequest, Code: oauth2.CodeAuthorizationPending, Description: "The user has not answered yet", Routine: true,
		}
	default:
		return nil
	}
}

// redeem redeems the credential, whose grant exists.
func (c *polled) redeem(ctx context.Context, x *Exchange, handle tokens.Handle) (Redeemed, error) {
	found, err := c.grants.RedeemCode(ctx, grant.CodeRedemption{
		Ref: handle.Ref, ClientID: x.Client.ID, Sender: x.Sender, BindRefresh: x.Client.IsPublic(), Authorization: x.Authorization, TokensUntil: x.AccessUntil, Now: x.Now,
	})
	if errors.Is(err, grant.ErrSpent) {
		if c.notified {
			return Redeemed{}, refusal.Wrap(grant.ErrNotFound, c.replayed, "it was redeemed before", refusal.At("redeemed_at", found.CodeRedeemedAt)).WithGrant(found.ID.String())
		}
		if err := c.grants.RevokeGrant(ctx, found.Locator, x.Client.ID, grant.RevokedForCodeReuse, x.Now); err != nil {
			return Redeemed{}, err
		}
		return Redeemed{}, reused(c.replayed, found).WithError(grant.ErrNotFound)
	}
	if err != nil {
		return Redeemed{}, err
	}
	return Redeemed{Grant: found, Refresh: RefreshIfOffline, Nonce: found.Authorization.Nonce, Issuer: c.issuer}, nil
}

// peekGrant returns the grant that the credential would redeem, or nil if redeeming it is bound to fail.
func (c *polled) peekGrant(ctx context.Context, x *Exchange, handle tokens.Handle) (*grant.WithAccount, error) {
	found, err := c.grants.LiveGrant(ctx, handle.Ref, "", x.Now)
	if errors.Is(err, grant.ErrNotFound) || err == nil && !found.CodeRedeemedAt.IsZero() {
		return nil, nil
	}
	return found, err
}
