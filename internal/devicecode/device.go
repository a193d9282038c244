// Package devicecode holds the device authorization requests of RFC 8628: the device
// that polls, and the user code that its user enters in a browser.
package devicecode

import (
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/detail"
	"github.com/ostiary/ostiary/internal/grant"
)

var (
	// ErrNotFound reports a code that is unknown or whose device has been answered.
	ErrNotFound = errors.New("device not found")
	// ErrExpired reports a device whose code has expired.
	ErrExpired = errors.New("device code has expired")
)

// Device is a device authorization that waits for a user to allow or deny it in a browser.
// Allowing it creates a grant at a locator that is chosen here, so that it succeeds once.
// Denying it sets DeniedAt.
//
// Spec: RFC 8628 §3.
type Device struct {
	Grant     grant.Locator // also identifies the device
	ClientID  string
	UserCode  []byte // the keyed hash of the user code
	Scopes    []string
	Resources []string
	Details   detail.List
	Seed      []byte        // of the device code, and later of the grant
	Interval  time.Duration // minimum time between two polls
	CreatedAt time.Time
	ExpiresAt time.Time

	PolledAt time.Time
	DeniedAt time.Time
}

// PollResult is the state of a polled device.
type PollResult struct {
	Device

	TooEarly bool
	Allowed  bool // the grant exists
}

// State returns the part of the result that decides about tokens.
func (p *PollResult) State() *grant.PollState {
	return &grant.PollState{Seed: p.Seed, DeniedAt: p.DeniedAt, TooEarly: p.TooEarly, Allowed: p.Allowed}
}

// Request returns a new authorization request with the given ID for the user of the device.
// It expires with the device.
func (d *Device) Request(id string, now time.Time) *authrequest.Request {
	return &authrequest.Request{
		ID: id, ClientID: d.ClientID, Parameters: d.Parameters(), Grant: d.Grant, Device: true,
		CreatedAt: now, ExpiresAt: d.ExpiresAt,
	}
}

// Parameters returns the device's request as the query string of an authorization request.
func (d *Device) Parameters() string {
	form := url.Values{
		"client_id": {d.ClientID}, "scope": {strings.Join(d.Scopes, " ")},
		authrequest.ConsentParameter: {strings.Join(d.Scopes, " ")},
	}
	if len(d.Resources) > 0 {
		form["audience"] = d.Resources // also those that are no URIs
	}
	if details := d.Details.Text(); details != "" {
		form.Set(detail.Parameter, details)
	}
	return form.Encode()
}
