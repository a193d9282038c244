package login

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/devicecode"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/pages"
)

// Devices finds devices that wait for a person, and takes down what the person says of
// them.
type Devices interface {
	DenyDevice(ctx context.Context, ref grant.Locator, now time.Time) error
	InsertRequest(ctx context.Context, r *authrequest.Request) error
	// SpendDevice is a compare-and-set: it returns authrequest.ErrNotFound to all who come
	// late, with another verifier, or from another browser.
	SpendDevice(ctx context.Context, id string, browser, verifier []byte, now time.Time) error
}

// UserCodes finds the device that shows a code, as devicecode.UserCodes does.
type UserCodes interface {
	Find(ctx context.Context, entered string, by []devicecode.AttemptLimit, now time.Time) (*devicecode.Device, error)
}

// codeLimits bound the wrong codes that come from one network. They grow slowly
// outwards: a site has networks enough to use up what all callers together may guess,
// and then no user could enter a code.
func (h *Handler) codeLimits(ctx context.Context) []devicecode.AttemptLimit {
	limits := h.networkLimits(ctx, "device address", 60, 2, time.Hour)
	guessers := make([]devicecode.AttemptLimit, len(limits))
	for i, l := range limits {
		guessers[i] = devicecode.AttemptLimit{Key: l.key, MaxAttempts: l.most, Window: l.window}
	}
	return guessers
}

// DevicePage serves GET /device: user_code is the code that the device shows, if it
// came with the address. It asks for the code or, once it has one, whether the device
// is the person's own: the address alone allows nothing.
//
// Spec: RFC 8628 §3.3, §3.3.1, §5.1, §5.4.
func (h *Handler) DevicePage(w http.ResponseWriter, r *http.Request) {
	verifier, code := r.Form.Get("device_verifier"), r.Form.Get("user_code")
	switch {
	case h.DeviceApp != "" && verifier != "":
		h.afterDevice(w, r, verifier)
	case h.DeviceApp != "":
		h.toDeviceApp(w, r, code)
	case code == "":
		h.Pages.Device(w, http.StatusOK, pages.Device{Action: h.deviceURL()})
	default:
		h.withDevice(w, r, code, h.checkDevice)
	}
}

// Device serves POST /device: the field user_code and, once the person has seen what it
// is for, a decision.
//
// Spec: RFC 8628 §3.3, §5.4.
func (h *Handler) Device(w http.ResponseWriter, r *http.Request) {
	next := h.checkDevice
	switch r.PostForm.Get("decision") {
	case "continue":
		next = h.beginDevice
	case "deny":
		next = h.denyDevice
	}
	h.withDevice(w, r, r.PostForm.Get("user_code"), next)
}

func (h *Handler) deviceURL() string { return h.Issuer + "/device" }

// withDevice goes on with the device that shows the code, or says what is wrong with it.
func (h *Handler) withDevice(w http.ResponseWriter, r *http.Request, code string, next func(http.ResponseWriter, *http.Request, *devicecode.Device, string) error) {
	d, err := h.UserCodes.Find(r.Context(), code, h.codeLimits(r.Context()), h.Now())
	page := pages.Device{Action: h.deviceURL(), Code: code}
	var tooMany *devicecode.TooManyAttemptsError
	switch {
	case errors.As(err, &tooMany):
		page.Fault, page.RetryAfter = "Too many wrong codes came from here.", tooMany.RetryAfter
		h.wrongCode(w, r, http.StatusTooManyRequests, page)
	case errors.Is(err, devicecode.ErrNotFound):
		page.Fault = "No device waits with this code. Compare it with the one that your device shows; it may have a new one by now."
		h.wrongCode(w, r, http.StatusBadRequest, page)
	default:
		if err == nil {
			parsed, _ := devicecode.ParseUserCode(code)
			err = next(w, r, d, devicecode.FormatUserCode(parsed))
		}
		if err != nil {
			h.fail(w, r, err)
		}
	}
}

func (h *Handler) wrongCode(w http.ResponseWriter, r *http.Request, status int, page pages.Device) {
	noteUserCode(r, status)
	h.Pages.Device(w, status, page)
}

// checkDevice shows for what the code is.
func (h *Handler) checkDevice(w http.ResponseWriter, r *http.Request, d *devicecode.Device, code string) error {
	c, err := h.Clients.Client(r.Context(), d.ClientID)
	if errors.Is(err, client.ErrNotFound) || err == nil && c.Disabled {
		return unknownClient()
	}
	if err != nil {
		return err
	}
	page := pages.DeviceCheck{Client: (&visit{client: c}).shownClient(), Action: h.deviceURL(), Code: code}
	if page.Scopes, err = h.describeScopes(r.Context(), d.Scopes); err != nil {
		return err
	}
	h.Pages.DeviceCheck(w, http.StatusOK, page)
	return nil
}

// beginDevice lets the person go the way of every request, for the device.
func (h *Handler) beginDevice(w http.ResponseWriter, r *http.Request, d *devicecode.Device, _ string) error {
	now := h.Now()
	request := d.Request(authrequest.NewID(), now)
	request.BrowserHash = h.Cookies.BindRequest(w, r, request.ID, d.ExpiresAt.Sub(now))
	if err := h.Devices.InsertRequest(r.Context(), request); err != nil {
		return err
	}
	h.goOn(w, request.ID)
	return nil
}

// denyDevice is for a code that somebody was sent. Whoever has it may end it.
func (h *Handler) denyDevice(w http.ResponseWriter, r *http.Request, d *devicecode.Device, _ string) error {
	if err := h.Devices.DenyDevice(r.Context(), d.Grant, h.Now()); err != nil {
		return err
	}
	h.Log.LogAttrs(r.Context(), slog.LevelInfo, "device denied", slog.String("client_id", d.ClientID))
	h.Pages.DeviceDone(w, http.StatusOK, pages.DeviceDone{Refused: true})
	return nil
}

// toDeviceApp sends the person to the operator's app, with a challenge that stands for
// this browser. A code that came with the address goes along.
func (h *Handler) toDeviceApp(w http.ResponseWriter, r *http.Request, code string) {
	now := h.Now()
	request := &authrequest.Request{ID: authrequest.NewID(), Device: true, CreatedAt: now, ExpiresAt: now.Add(h.Lifetimes.Device)}
	request.Grant = grant.Locator{Partition: grant.PartitionAt(now, false), ID: grant.NewID(now)} // until there is a device's
	request.BrowserHash = h.Cookies.BindRequest(w, r, request.ID, h.Lifetimes.Device)
	if err := h.Devices.InsertRequest(r.Context(), request); err != nil {
		h.fail(w, r, err)
		return
	}
	said := url.Values{"device_challenge": {request.Challenge(authrequest.StepDevice)}}
	if parsed, ok := devicecode.ParseUserCode(code); ok {
		said.Set("user_code", devicecode.FormatUserCode(parsed))
	}
	pages.SeeOther(w, pages.AddQuery(h.DeviceApp, said.Encode()))
}

// afterDevice goes on with a request whose person comes back from the app.
func (h *Handler) afterDevice(w http.ResponseWriter, r *http.Request, verifier string) {
	id, hash, ok := authrequest.ParseVerifier(verifier, authrequest.StepDevice)
	err := authrequest.ErrNotFound
	if ok {
		err = h.Devices.SpendDevice(r.Context(), id, h.Cookies.BoundRequest(r, id), hash, h.Now())
	}
	if errors.Is(err, authrequest.ErrNotFound) {
		err = h.notSpent(r, id)
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.goOn(w, id)
}

// notSpent returns why the answer of the device app is not accepted in this browser.
func (h *Handler) notSpent(r *http.Request, id string) error {
	err := h.expired("run out, used before, or of another browser", nil)
	if h.Cookies.BoundRequest(r, id) != nil {
		return err
	}
	request, failed := h.Requests.Request(r.Context(), id, h.Now())
	switch {
	case errors.Is(failed, authrequest.ErrNotFound):
		return err
	case failed != nil:
		return failed
	case request.HasUserCode():
		return h.begunElsewhere(err)
	default:
		return err
	}
}
