package pages

import (
	"net/http"
	"time"
)

// Device asks for the code that a device shows. The form posts the field user_code.
type Device struct {
	// Action takes the form.
	Action string
	// Code is what was entered before.
	Code string
	// Fault is one sentence on what was wrong with it.
	Fault string
	// RetryAfter, if positive, is how long further tries are refused.
	RetryAfter time.Duration
}

// Device writes the page, and Retry-After if tries are refused.
//
// Spec: RFC 8628 section 3.3.
func (p *Pages) Device(w http.ResponseWriter, status int, v Device) {
	setRetryAfter(w, v.RetryAfter)
	p.render(w, status, "device", v)
}

// DeviceCheck asks whether the device that shows a code is the person's own. The form
// posts the fields user_code and decision ("continue" or "deny").
type DeviceCheck struct {
	Client Client
	// Action takes the form.
	Action string
	// Code is the device's, as it shows it.
	Code   string
	Scopes []Scope
}

// DeviceCheck writes the page.
//
// Spec: RFC 8628 sections 3.3.1 and 5.4.
func (p *Pages) DeviceCheck(w http.ResponseWriter, status int, v DeviceCheck) {
	p.render(w, status, "devicecheck", v)
}

// DeviceDone says that the device has its answer.
type DeviceDone struct {
	// Client runs on the device.
	Client *Client
	// Refused is whether the answer is no.
	Refused bool
}

// DeviceDone writes the page that ends the way of a device.
func (p *Pages) DeviceDone(w http.ResponseWriter, status int, v DeviceDone) {
	p.render(w, status, "devicedone", v)
}
