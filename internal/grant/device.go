package grant

import (
	"errors"
	"net/url"
	"strings"
	"time"
)

var (
	// ErrNoDevice reports a device that waits for nobody: its code is none of ours, or
	// was answered.
	ErrNoDevice = errors.New("device not found")
	// ErrDeviceLate reports a device whose code has run out.
	ErrDeviceLate = errors.New("device code has expired")
)

// Device is a device that waits until a person has allowed or refused it somewhere
// else (RFC 8628). What they allow becomes a grant, whose place is fixed from the
// start, so that a device is allowed once; what they refuse is noted here.
type Device struct {
	Grant     Ref // names the device, too
	ClientID  string
	UserCode  []byte // what the code is known by that the person enters
	Scopes    []string
	Resources []string
	Seed      []byte        // of the device code, and then of the grant
	Wait      time.Duration // between two polls, at least
	CreatedAt time.Time
	ExpiresAt time.Time

	PolledAt time.Time
	DeniedAt time.Time
}

// Polling asks how it stands with a device (RFC 8628 section 3.4).
type Polling struct {
	Ref      Ref
	ClientID string
	Slack    time.Duration // by how much a poll may be early
	Penalty  time.Duration // by how much longer the device waits after one that is earlier still
	Now      time.Time
}

// Polled is how it stands with a device that asks.
type Polled struct {
	Device

	Early   bool
	Allowed bool // the grant is there
}

// Request returns the authorization request that waits for the device's person. It
// does not outlast the device.
func (d *Device) Request(id string, now time.Time) *Request {
	return &Request{
		ID: id, ClientID: d.ClientID, Parameters: d.Parameters(), Grant: d.Grant, Device: true,
		CreatedAt: now, ExpiresAt: d.ExpiresAt,
	}
}

// Parameters are what the device asks for, as those of a request.
func (d *Device) Parameters() string {
	form := url.Values{
		"client_id": {d.ClientID}, "scope": {strings.Join(d.Scopes, " ")},
		ConsentParameter: {strings.Join(d.Scopes, " ")},
	}
	if len(d.Resources) > 0 {
		form["resource"] = d.Resources
	}
	return form.Encode()
}
