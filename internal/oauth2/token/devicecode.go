package token

import (
	"context"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/devicecode"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
	"github.com/ostiary/ostiary/internal/refusal"
)

// Devices finds devices that wait for their users.
type Devices interface {
	// PollDevice returns [devicecode.ErrExpired] or [grant.ErrNotFound].
	PollDevice(ctx context.Context, p grant.Poll) (*devicecode.PollResult, error)
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

// Spec returns the name of the grant type.
func (*DeviceCode) Spec() Spec {
	return Spec{Type: client.GrantDeviceCode, Credential: "device_code"}
}

// Check polls the device, and checks the decision of its user.
func (g *DeviceCode) Check(ctx context.Context, x *Exchange) (Candidate, error) {
	return g.polled().check(ctx, x, x.Form.Get("device_code"))
}

func (g *DeviceCode) polled() *polled {
	return &polled{
		codec: g.Codec, grants: g.Grants, issuer: g.Issuer, kind: tokens.Device,
		poll: func(ctx context.Context, p grant.Poll) (*grant.PollState, error) {
			d, err := g.Devices.PollDevice(ctx, p)
			if err != nil {
				return nil, err
			}
			return d.State(), nil
		},
		expired: devicecode.ErrExpired, expiry: "The device code has expired",
		malformed: refusal.DeviceCodeMalformed, replayed: refusal.DeviceCodeReplayed,
		denied: func(at time.Time) *refusal.Cause {
			return refusal.New(refusal.DeviceDenied, "the user or the operator's app denied the device", refusal.At("denied_at", at))
		},
	}
}
