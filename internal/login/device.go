package login

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/devicecode"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
)

// Devices records that users reject devices.
type Devices interface {
	DenyDevice(ctx context.Context, ref grant.Locator, now time.Time) error
}

// DeviceRequests stores authorization requests for devices.
type DeviceRequests interface {
	InsertRequest(ctx context.Context, r *authrequest.Request) error
	// RedeemDevice redeems the verifier of a device app's answer. It is a compare-and-set:
	// every later call, and a call with another verifier or from another browser, gets
	// authrequest.ErrNotFound.
	RedeemDevice(ctx context.Context, id string, browser, verifier []byte, now time.Time) error
}

// UserCodes finds the device that shows a code, as [devicecode.UserCodes] does.
type UserCodes interface {
	Find(ctx context.Context, entered string, by []devicecode.AttemptLimit, now time.Time) (*devicecode.Device, error)
}

// Device serves the page that takes the user code of a device.
type Device struct {
	*Config

	flows  *flows
	limits *limiter
}

// Page serves GET /device: user_code is the code that the device shows, if the URL has it.
// The page has a field for the code or, given a code, the question whether to connect the device:
// the URL alone allows nothing. With a device app the page redirects to it, and accepts its
// device_verifier.
//
// Spec: RFC 8628 §3.3, §3.3.1, §5.1, §5.4.
func (h *Device) Page(w http.ResponseWriter, r *http.Request) {
	verifier, code := r.Form.Get("device_verifier"), r.Form.Get("user_code")
	switch {
	case h.DeviceApp != "" && verifier != "":
		h.returnFromApp(w, r, verifier)
	case h.DeviceApp != "":
		h.sendToApp(w, r, code)
	case code == "":
		h.Pages.Device(w, r, http.StatusOK, pages.Device{Action: h.url()})
	default:
		h.find(w, r, code, h.confirm)
	}
}

// Submit serves POST /device: the field user_code and, after the confirmation page, a
// decision.
//
// Spec: RFC 8628 §3.3, §5.4.
func (h *Device) Submit(w http.ResponseWriter, r *http.Request) {
	next := h.confirm
	switch r.PostForm.Get("decision") {
	case "continue":
		next = h.begin
	case "deny":
		next = h.deny
	}
	h.find(w, r, r.PostForm.Get("user_code"), next)
}

func (h *Device) url() string { return h.Issuer + "/device" }

// codeLimits bound the wrong codes from one network. They grow slowly from network to
// wider network: a large site could otherwise use up the attempts of all callers together,
// and no user could enter a code.
func (h *Device) codeLimits(ctx context.Context) []devicecode.AttemptLimit {
	var limits []devicecode.AttemptLimit
	for _, limit := range h.limits.networkLimits(ctx, "device address", 60, 2, time.Hour) {
		limits = append(limits, devicecode.AttemptLimit(limit))
	}
	return limits
}

// find calls next with the device that shows the code, or shows why the code is wrong.
func (h *Device) find(w http.ResponseWriter, r *http.Request, code string, next func(http.ResponseWriter, *http.Request, *devicecode.Device, string) error) {
	d, err := h.UserCodes.Find(r.Context(), code, h.codeLimits(r.Context()), h.Now())
	page := pages.Device{Action: h.url(), Code: code}
	var tooMany *devicecode.TooManyAttemptsError
	switch {
	case errors.As(err, &tooMany):
		page.Fault, page.RetryAfter = messages.New("device.too-many-codes"), tooMany.RetryAfter
		h.reject(w, r, http.StatusTooManyRequests, page)
	case errors.Is(err, devicecode.ErrNotFound):
		page.Fault = messages.New("device.wrong-code")
		h.reject(w, r, http.StatusBadRequest, page)
	default:
		if err == nil {
			parsed, _ := devicecode.ParseUserCode(code)
			err = next(w, r, d, devicecode.FormatUserCode(parsed))
		}
		if err != nil {
			h.flows.fail(w, r, err)
		}
	}
}

func (h *Device) reject(w http.ResponseWriter, r *http.Request, status int, page pages.Device) {
	noteUserCode(r, status)
	h.Pages.Device(w, r, status, page)
}

// confirm shows which client the code connects.
func (h *Device) confirm(w http.ResponseWriter, r *http.Request, d *devicecode.Device, code string) error {
	c, err := h.Clients.Client(r.Context(), d.ClientID)
	if errors.Is(err, client.ErrNotFound) || err == nil && c.Disabled {
		return unknownClient()
	}
	if err != nil {
		return err
	}
	page := pages.DeviceCheck{Client: clientView(c, ""), Action: h.url(), Code: code}
	if page.Scopes, err = describeScopes(r.Context(), h.Scopes, d.Scopes); err != nil {
		return err
	}
	h.Pages.Show(w, r, http.StatusOK, page)
	return nil
}

// begin stores an authorization request for the device, and sends the user to the
// authorization endpoint with it.
func (h *Device) begin(w http.ResponseWriter, r *http.Request, d *devicecode.Device, _ string) error {
	now := h.Now()
	request := d.Request(authrequest.NewID(), now)
	request.BrowserHash = h.Cookies.BindRequest(w, r, request.ID, d.ExpiresAt.Sub(now))
	if err := h.DeviceRequests.InsertRequest(r.Context(), request); err != nil {
		return err
	}
	h.flows.resume(w, request.ID)
	return nil
}

// deny rejects the device, for a user who was sent its code. It needs no session.
func (h *Device) deny(w http.ResponseWriter, r *http.Request, d *devicecode.Device, _ string) error {
	if err := h.Devices.DenyDevice(r.Context(), d.Grant, h.Now()); err != nil {
		return err
	}
	h.Log.LogAttrs(r.Context(), slog.LevelInfo, "device denied", slog.String("client_id", d.ClientID))
	h.Pages.DeviceDone(w, r, http.StatusOK, pages.DeviceDone{Refused: true})
	return nil
}
