package authorize

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/ory/fosite"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/devicecode"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
	"github.com/ostiary/ostiary/internal/refusal"
)

// deviceHandler redeems device codes. fosite has a handler of its own, which looks at
// the code before it knows whose it is, never says slow_down, and lets what a code gave
// live on when it comes again.
type deviceHandler struct{ *Handler }

var _ fosite.TokenEndpointHandler = deviceHandler{}

// CanHandleTokenEndpointRequest reports whether a device asks.
func (deviceHandler) CanHandleTokenEndpointRequest(_ context.Context, request fosite.AccessRequester) bool {
	return request.GetGrantTypes().ExactOne(client.GrantDeviceCode)
}

// CanSkipClientAuth reports that every client says who it is.
func (deviceHandler) CanSkipClientAuth(context.Context, fosite.AccessRequester) bool { return false }

// HandleTokenEndpointRequest finds out how it stands with the device, and claims its
// grant if its person has allowed it (RFC 8628 sections 3.4 and 3.5).
func (d deviceHandler) HandleTokenEndpointRequest(ctx context.Context, request fosite.AccessRequester) error {
	if !d.CanHandleTokenEndpointRequest(ctx, request) {
		return fosite.ErrUnknownRequest
	}
	u := unitOf(ctx)
	if err := d.redeemDevice(ctx, u); err != nil {
		return u.fail(err)
	}
	request.SetID(u.held.ID.String())
	request.SetSession(newEngineSession(u.held.Subject))
	for _, scope := range u.scopes {
		request.GrantScope(scope)
	}
	return nil
}

// PopulateTokenEndpointResponse hands out the tokens of a grant that was claimed.
func (d deviceHandler) PopulateTokenEndpointResponse(ctx context.Context, request fosite.AccessRequester, response fosite.AccessResponder) error {
	if !d.CanHandleTokenEndpointRequest(ctx, request) {
		return fosite.ErrUnknownRequest
	}
	u, s := unitOf(ctx), strategy(d)
	if err := s.issueUnderGrant(ctx, u, response, u.mayRefresh()); err != nil {
		return err
	}
	if !slices.Contains(u.scopes, oauth2.ScopeOpenID) {
		return nil
	}
	token, err := s.GenerateIDToken(ctx, 0, request)
	if err != nil {
		return err
	}
	response.SetExtra("id_token", token)
	return nil
}

const (
	// pollSlack is by how much a poll may be early: what travels a network does not
	// arrive as regularly as it was sent.
	pollSlack = time.Second
	// pollPenalty is added to the interval with each poll that is earlier (RFC 8628
	// section 3.5).
	pollPenalty = 5 * time.Second
)

// redeemDevice looks at the MAC of the code, its client, its end, the interval and the
// person's answer, in this order: nobody learns anything of another client's device.
func (h *Handler) redeemDevice(ctx context.Context, u *unit) error {
	handle, err := h.Codec.Parse(tokens.Device, u.form.Get("device_code"))
	if err != nil {
		return refusal.Wrap(grant.ErrNotFound, refusal.DeviceCodeMalformed, "the device code is none of this server's, or its system secret was removed")
	}
	polled, err := h.Devices.PollDevice(ctx, devicecode.Poll{
		Ref: handle.Ref, ClientID: u.client.ID, Slack: pollSlack, Penalty: pollPenalty, Now: u.now,
	})
	switch {
	case errors.Is(err, devicecode.ErrExpired):
		return oauth2.NewError(oauth2.CodeExpiredToken, "The device code has expired").Because(refusal.Of(err))
	case err != nil:
		return err
	case !h.Codec.Belongs(tokens.Device, handle, polled.Seed):
		return refusal.Wrap(grant.ErrNotFound, refusal.DeviceCodeMalformed, "the device code was made up: its signature is wrong")
	case polled.TooEarly:
		return oauth2.NewError(oauth2.CodeSlowDown, "The device asks too often and must wait 5 seconds longer from now on")
	case !polled.DeniedAt.IsZero():
		return oauth2.StandardError(oauth2.CodeAccessDenied).
			Because(refusal.New(refusal.DeviceDenied, "the user or the operator's app denied the device", refusal.At("denied_at", polled.DeniedAt)))
	case !polled.Allowed:
		return &oauth2.Error{
			Status: http.StatusBadRequest, Code: oauth2.CodeAuthorizationPending, Description: "The person has not answered yet", Routine: true,
		}
	}
	if err := h.askDevice(ctx, u, handle.Ref); err != nil {
		return err
	}
	held, err := h.Grants.RedeemCode(ctx, grant.CodeRedemption{Ref: handle.Ref, ClientID: u.client.ID, Authorization: u.detail, TokensUntil: h.tokensUntil(u), Now: u.now})
	if errors.Is(err, grant.ErrSpent) {
		if err := h.Grants.RevokeGrant(ctx, held.Locator, u.client.ID, grant.RevokedForCodeReuse, u.now); err != nil {
			return err
		}
		return replayedCode(refusal.DeviceCodeReplayed, held).WithError(grant.ErrNotFound)
	}
	if err != nil {
		return err
	}
	u.hold(held)
	access, err := u.narrow(held)
	u.take(access)
	return err
}
