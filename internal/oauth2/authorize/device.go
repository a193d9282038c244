package authorize

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"time"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/devicecode"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
	"github.com/ostiary/ostiary/internal/pages"
)

// Devices keeps those that wait for a person. Each method is one statement when it
// wins.
type Devices interface {
	// InsertDevice returns grant.ErrExists if another one has its user code.
	InsertDevice(ctx context.Context, d *devicecode.Device) error
	// PollDevice returns devicecode.ErrExpired or grant.ErrNotFound.
	PollDevice(ctx context.Context, p devicecode.Poll) (*devicecode.PollResult, error)
	// AllowDevice returns devicecode.ErrNotFound for one that waits no more.
	AllowDevice(ctx context.Context, g *grant.Grant, now time.Time) error
	DenyDevice(ctx context.Context, ref grant.Locator, now time.Time) error
}

// UserCodes makes what the store knows user codes by.
type UserCodes interface{ Hash(code string) []byte }

// device is what an authorization request is for where it is not for its client's own
// page.
type device struct {
	ref   grant.Locator
	until time.Time
}

// bind lets a request wait for the device's person, and no longer than the device does.
func (d *device) bind(q *authrequest.Request) {
	if d == nil {
		return
	}
	q.Device, q.Grant = true, d.ref
	if d.until.Before(q.ExpiresAt) {
		q.ExpiresAt = d.until
	}
}

// deviceAnswer says how the person gets to the device (RFC 8628 section 3.2).
type deviceAnswer struct {
	DeviceCode string `json:"device_code"`
	UserCode   string `json:"user_code"`
	URI        string `json:"verification_uri"`
	Complete   string `json:"verification_uri_complete"`
	ExpiresIn  int64  `json:"expires_in"` // seconds
	Interval   int64  `json:"interval"`   // seconds
}

// AuthorizeDevice serves POST /oauth2/device/auth.
//
// Spec: RFC 8628 §3.1, §3.2, §5.2, §6.1; RFC 8707 §2.
func (h *Handler) AuthorizeDevice(w http.ResponseWriter, r *http.Request) {
	answer, err := h.authorizeDevice(r)
	if err != nil {
		oauth2.WriteError(w, r, err)
		return
	}
	pages.JSON(w, http.StatusOK, answer)
}

func (h *Handler) authorizeDevice(r *http.Request) (*deviceAnswer, error) {
	ctx, now := r.Context(), h.Now()
	c, err := h.Authenticator.Authenticate(ctx, r)
	if err != nil {
		return nil, err
	}
	if !c.AllowsGrantType(client.GrantDeviceCode) {
		return nil, oauth2.StandardError(oauth2.CodeUnauthorizedClient)
	}
	known, err := h.Scopes.Scopes(ctx)
	if err != nil {
		return nil, err
	}
	form := maps.Clone(r.PostForm)
	form.Del("claims") // RFC 8628 has no claims parameter
	a := &asked{client: c, known: known, form: form, answers: answerCode, device: &device{until: now.Add(h.Lifetimes.Device)}}
	if err := readAccess(a); err != nil {
		return nil, err
	}
	if a.size() > maxParameters || len(a.parameters()) > maxEncoded {
		return nil, oauth2.NewError(oauth2.CodeInvalidRequest, "The request is too long")
	}
	d := &devicecode.Device{
		Grant: h.newRef(a, now), ClientID: c.ID, Scopes: a.access.Scopes, Resources: a.access.Resources, Seed: newSeed(),
		Interval: h.Lifetimes.DeviceWait, CreatedAt: now, ExpiresAt: a.device.until,
	}
	code, err := h.keepDevice(ctx, d)
	if err != nil {
		return nil, err
	}
	return &deviceAnswer{
		DeviceCode: h.Codec.Make(tokens.Device, d.Grant, 0, d.Seed),
		UserCode:   code, URI: h.DeviceURL, Complete: link(h.DeviceURL, "user_code", code),
		ExpiresIn: int64(h.Lifetimes.Device.Seconds()), Interval: int64(h.Lifetimes.DeviceWait.Seconds()),
	}, nil
}

// keepDevice writes the device under a user code that no other one has.
func (h *Handler) keepDevice(ctx context.Context, d *devicecode.Device) (code string, err error) {
	for range 3 { // one is taken once in millions of times
		code = devicecode.NewUserCode()
		d.UserCode = h.UserCodes.Hash(code)
		if err = h.Devices.InsertDevice(ctx, d); !errors.Is(err, grant.ErrExists) {
			break
		}
	}
	return code, err
}

// readDevice validates what a device asked for, as its client may have it now.
func (h *Handler) readDevice(waiting *authrequest.Request) func(context.Context, url.Values) (*asked, error) {
	return func(ctx context.Context, form url.Values) (*asked, error) {
		c, err := h.sender(ctx, form)
		if err != nil {
			return nil, err
		}
		a := &asked{client: c, form: form, answers: answerCode, device: &device{waiting.Grant, waiting.ExpiresAt}}
		if a.known, err = h.Scopes.Scopes(ctx); err != nil {
			return a, err
		}
		if !c.AllowsGrantType(client.GrantDeviceCode) {
			return a, oauth2.StandardError(oauth2.CodeUnauthorizedClient)
		}
		for _, step := range []func(*asked) error{readAccess, readMaxAge} {
			if err := step(a); err != nil {
				return a, err
			}
		}
		return a, nil
	}
}

// allowDevice writes the grant, with which the device is answered when it asks next.
// It does not belong to the session that it was given in: who signs out of this browser
// does not mean the device.
func (h *Handler) allowDevice(w http.ResponseWriter, r *http.Request, a *asked, here present, waiting *authrequest.Request, now time.Time) {
	held := h.newGrant(a, here, waiting, now)
	held.Kind, held.SessionID = grant.KindDevice, ""
	err := h.Devices.AllowDevice(r.Context(), &held.Grant, now)
	if errors.Is(err, devicecode.ErrNotFound) {
		err = errExpired("This device was answered already, or its code has expired", nil)
	}
	if err != nil {
		h.writeAuthorizeError(w, r, nil, err)
		return
	}
	h.Cookies.UnbindRequest(w, waiting.ID)
	noteDropped(r.Context(), a.dropped(), a.client, &held.ID)
	if h.DeviceDone != "" {
		pages.SeeOther(w, h.DeviceDone)
		return
	}
	h.Pages.DeviceDone(w, http.StatusOK, pages.DeviceDone{Client: &pages.Client{Name: a.client.Name()}})
}

// refuseDevice lets the device hear that it was refused, and tells the person why.
func (h *Handler) refuseDevice(w http.ResponseWriter, r *http.Request, a *asked, refused *oauth2.Error) {
	if err := h.Devices.DenyDevice(r.Context(), a.device.ref, h.Now()); err != nil {
		h.writeAuthorizeError(w, r, nil, err)
		return
	}
	if refused.Code == oauth2.CodeAccessDenied {
		h.Pages.DeviceDone(w, http.StatusOK, pages.DeviceDone{Client: &pages.Client{Name: a.client.Name()}, Refused: true})
		return
	}
	h.Pages.Error(w, refused.Status, h.errorPage(refused, refused, w.Header().Get("X-Request-Id")))
}
