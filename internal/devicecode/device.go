// Package devicecode holds the device authorization requests of RFC 8628: the device
// that polls, and the user code that its user enters in a browser.
package devicecode

import (
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/grant"
)

var (
	// ErrNotFound reports a device that waits for nobody: its code is none of ours, or
	// was answered.
	ErrNotFound = errors.New("device not found")
	// ErrExpired reports a device whose code has run out.
	ErrExpired = errors.New("device code has expired")
)

// Device is a device that waits until a person has allowed or refused it somewhere
// else (RFC 8628). What they allow becomes a grant, whose place is fixed from the
// start, so that a device is allowed once; what they refuse is noted here.
type Device struct {
	Grant     grant.Locator // names the device, too
	ClientID  string
	UserCode  []byte // what the code is known by that the person enters
	Scopes    []string
	Resources []string
	Seed      []byte        // of the device code, and then of the grant
	Interval  time.Duration // between two polls, at least
	CreatedAt time.Time
	ExpiresAt time.Time

	PolledAt time.Time
	DeniedAt time.Time
}

// Poll asks how it stands with a device (RFC 8628 section 3.4).
type Poll struct {
	Ref      grant.Locator
	ClientID string
	Slack    time.Duration // by how much a poll may be early
	Penalty  time.Duration // by how much longer the device waits after one that is earlier still
	Now      time.Time
}

// PollResult is how it stands with a device that asks.
type PollResult struct {
	Device

	TooEarly bool
	Allowed  bool // the grant is there
}

// Request returns the authorization request that waits for the device's person. It
// does not outlast the device.
func (d *Device) Request(id string, now time.Time) *authrequest.Request {
	return &authrequest.Request{
		ID: id, ClientID: d.ClientID, Parameters: d.Parameters(), Grant: d.Grant, Device: true,
		CreatedAt: now, ExpiresAt: d.ExpiresAt,
	}
}

// Parameters are what the device asks for, as those of a request.
func (d *Device) Parameters() string {
	form := url.Values{
		"client_id": {d.ClientID}, "scope": {strings.Join(d.Scopes, " ")},
		authrequest.ConsentParameter: {strings.Join(d.Scopes, " ")},
	}
	if len(d.Resources) > 0 {
		form["resource"] = d.Resources
	}
	return form.Encode()
}
