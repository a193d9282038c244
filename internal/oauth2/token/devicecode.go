package token

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/devicecode"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
	"github.com/ostiary/ostiary/internal/refusal"
)

// Devices finds devices that wait for their users.
type Devices interface {
	// PollDevice returns [devicecode.ErrExpired] or [grant.ErrNotFound].
	PollDevice(ctx context.Context, p devicecode.Poll) (*devicecode.PollResult, error)
}

// DeviceCode is the grant type urn:ietf:params:oauth:grant-type:device_code. fosite has a
// handler for it, which looks up the code before it knows its client, never returns slow_down,
// and does not revoke the grant of a code that is used twice.
//
// Spec: RFC 8628 §3.4, §3.5.
type DeviceCode struct {
	Codec   *tokens.Codec
	Devices Devices
	Grants  Codes
	Issuer  Issuer
}

const (
	// pollSlack is the time by which a poll may be early, since network delays vary.
	pollSlack = time.Second
	// pollPenalty is added to the interval after each poll that is earlier.
	//
	// Spec: RFC 8628 §3.5.
	pollPenalty = 5 * time.Second
)

// Spec returns the name of the grant type.
func (*DeviceCode) Spec() Spec {
	return Spec{Type: client.GrantDeviceCode, Credential: "device_code"}
}

// Check polls the device: it checks the MAC of the code, its client, its end, the interval and
// the user's decision, in this order, so that a client cannot learn about devices of other
// clients.
func (g *DeviceCode) Check(ctx context.Context, x *Exchange) (Candidate, error) {
	handle, err := g.Codec.Parse(tokens.Device, x.Form.Get("device_code"))
	if err != nil {
		return Candidate{}, refusal.Wrap(grant.ErrNotFound, refusal.DeviceCodeMalformed, "the device code is not one of this server, or its system secret was removed")
	}
	polled, err := g.Devices.PollDevice(ctx, devicecode.Poll{
		Ref: handle.Ref, ClientID: x.Client.ID, Slack: pollSlack, Penalty: pollPenalty, Now: x.Now,
	})
	switch {
	case errors.Is(err, devicecode.ErrExpired):
		return Candidate{}, oauth2.NewError(oauth2.CodeExpiredToken, "The device code has expired").Because(refusal.Of(err))
	case err != nil:
		return Candidate{}, err
	case !g.Codec.Belongs(tokens.Device, handle, polled.Seed):
		return Candidate{}, refusal.Wrap(grant.ErrNotFound, refusal.DeviceCodeMalformed, "the device code was made up: its signature is wrong")
	}
	if err := decision(polled); err != nil {
		return Candidate{}, err
	}
	candidate := Candidate{Redeem: func(ctx context.Context) (Redeemed, error) { return g.redeem(ctx, x, handle) }}
	if x.HooksFollow {
		candidate.Grant, err = g.peekGrant(ctx, x, handle)
	}
	return candidate, err
}

// decision returns nil if the user has allowed the device.
//
// Spec: RFC 8628 §3.5.
func decision(polled *devicecode.PollResult) error {
	switch {
	case polled.TooEarly:
		return oauth2.NewError(oauth2.CodeSlowDown, "The device polls too often and must wait 5 seconds longer from now on")
	case !polled.DeniedAt.IsZero():
		return oauth2.StandardError(oauth2.CodeAccessDenied).
			Because(refusal.New(refusal.DeviceDenied, "the user or the operator's app denied the device", refusal.At("denied_at", polled.DeniedAt)))
	case !polled.Allowed:
		return &oauth2.Error{
			Status: http.StatusBadRequest, Code: oauth2.CodeAuthorizationPending, Description: "The user has not answered yet", Routine: true,
		}
	default:
		return nil
	}
}

// redeem redeems the device code, whose grant exists.
func (g *DeviceCode) redeem(ctx context.Context, x *Exchange, handle tokens.Handle) (Redeemed, error) {
	found, err := g.Grants.RedeemCode(ctx, grant.CodeRedemption{
		Ref: handle.Ref, ClientID: x.Client.ID, Sender: x.Sender, BindRefresh: x.Client.IsPublic(), Authorization: x.Authorization, TokensUntil: x.AccessUntil, Now: x.Now,
	})
	if errors.Is(err, grant.ErrSpent) {
		if err := g.Grants.RevokeGrant(ctx, found.Locator, x.Client.ID, grant.RevokedForCodeReuse, x.Now); err != nil {
			return Redeemed{}, err
		}
		return Redeemed{}, reused(refusal.DeviceCodeReplayed, found).WithError(grant.ErrNotFound)
	}
	if err != nil {
		return Redeemed{}, err
	}
	return Redeemed{Grant: found, Refresh: RefreshIfOffline, Nonce: found.Authorization.Nonce, Issuer: g.Issuer}, nil
}

// peekGrant returns the grant that the device code would redeem, or nil if redeeming it is
// bound to fail.
func (g *DeviceCode) peekGrant(ctx context.Context, x *Exchange, handle tokens.Handle) (*grant.WithAccount, error) {
	found, err := g.Grants.LiveGrant(ctx, handle.Ref, "", x.Now)
	if errors.Is(err, grant.ErrNotFound) || err == nil && !found.CodeRedeemedAt.IsZero() {
		return nil, nil
	}
	return found, err
}
