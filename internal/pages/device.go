package pages

import (
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/pages/messages"
)

// Device is the page for a user code. The form posts the field user_code.
type Device struct {
	// Action is the URL of the form.
	Action string
	// Code is the previous input.
	Code string
	// Fault describes the error of the previous input.
	Fault messages.Message
	// RetryAfter, if positive, is the time until the next attempt is allowed.
	RetryAfter time.Duration
}

// Device writes the page, and Retry-After if attempts are blocked.
//
// Spec: RFC 8628 §3.3.
func (p *Pages) Device(w http.ResponseWriter, r *http.Request, status int, v Device) {
	setRetryAfter(w, v.RetryAfter)
	p.render(w, r, status, "device", v)
}

// DeviceCheck lets the user confirm that they own the device with the code. The form posts
// the fields user_code and decision ("continue" or "deny").
type DeviceCheck struct {
	Client Client
	// Action is the URL of the form.
	Action string
	// Code is the user code, formatted as on the device.
	Code   string
	Scopes []Scope
}

func (DeviceCheck) template() string { return "devicecheck" }

// DeviceDone is the last page of a device flow.
type DeviceDone struct {
	// Client is the application on the device.
	Client *Client
	// Refused reports that the user denied the device.
	Refused bool
}

// DeviceDone writes the page.
func (p *Pages) DeviceDone(w http.ResponseWriter, r *http.Request, status int, v DeviceDone) {
	p.render(w, r, status, "devicedone", v)
}
