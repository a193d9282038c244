package token

import (
	"context"
	"time"

	"github.com/ostiary/ostiary/internal/ciba"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
	"github.com/ostiary/ostiary/internal/refusal"
)

// BackchannelRequests finds backchannel authentication requests that wait for their users.
type BackchannelRequests interface {
	// PollBackchannel returns [ciba.ErrExpired] or [grant.ErrNotFound].
	PollBackchannel(ctx context.Context, p grant.Poll) (*grant.PollState, error)
}

// CIBA is the grant type urn:openid:params:grant-type:ciba.
//
// Spec: CIBA Core §10.1, §11.
type CIBA struct {
	Codec    *tokens.Codec
	Requests BackchannelRequests
	Grants   Codes
	Issuer   Issuer
}

const authReqID = "auth_req_id"

// Spec returns the name of the grant type.
func (*CIBA) Spec() Spec { return Spec{Type: client.GrantCIBA, Credential: authReqID} }

// Check polls the request, and checks the decision of its user.
func (g *CIBA) Check(ctx context.Context, x *Exchange) (Candidate, error) {
	candidate, err := g.polled().check(ctx, x, x.Form.Get(authReqID))
	if err != nil {
		return Candidate{}, err
	}
	redeem := candidate.Redeem
	candidate.Redeem = func(ctx context.Context) (Redeemed, error) {
		redeemed, err := redeem(ctx)
		redeemed.AuthReqID = x.Form.Get(authReqID)
		return redeemed, err
	}
	return candidate, nil
}

func (g *CIBA) polled() *polled {
	p := &polled{
		codec: g.Codec, grants: g.Grants, issuer: g.Issuer, kind: tokens.AuthReqID,
		expired: ciba.ErrExpired, expiry: "The auth_req_id has expired",
		malformed: refusal.AuthReqIDMalformed, replayed: refusal.AuthReqIDReplayed,
		denied: func(at time.Time) *refusal.Cause {
			return refusal.New(refusal.BackchannelDenied, "the user or the operator's app denied the request, or the user blocks the client", refusal.At("denied_at", at))
		},
		notified: true,
	}
	p.poll = func(ctx context.Context, poll grant.Poll) (*grant.PollState, error) {
		return g.Requests.PollBackchannel(ctx, poll)
	}
	return p
}
