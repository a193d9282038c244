package admin

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/devicecode"
	"github.com/ostiary/ostiary/internal/grant"
)

const deviceChallenge = "device_challenge"

// DeviceRequests finds pending requests of the device verification page and stores the
// answers of the device app.
type DeviceRequests interface {
	AuthorizationRequests
	// AnswerDevice stores the device of the user code that the user entered; nil rejects the
	// request. It returns authrequest.ErrAlreadyDecided for a request that was answered, and
	// authrequest.ErrNotFound for an unknown or expired one.
	AnswerDevice(ctx context.Context, id string, d *devicecode.Device, verifier []byte, now time.Time) error
	// DenyDevice denies the authorization of a device.
	DenyDevice(ctx context.Context, ref grant.Locator, now time.Time) error
}

// UserCodes finds devices by user code, as [devicecode.UserCodes] does.
type UserCodes interface {
	Find(ctx context.Context, entered string, by []devicecode.AttemptLimit, now time.Time) (*devicecode.Device, error)
}

// deviceRequestHandler serves the operations of the operator's app for user codes.
type deviceRequestHandler struct {
	requests  DeviceRequests
	userCodes UserCodes
	clients   Clients
	deviceURL string
	now       func() time.Time
	log       *slog.Logger
}

func (h *deviceRequestHandler) operations() []Operation {
	const path = "/oauth2/auth/requests/device"
	parameters := challengeParameters(deviceChallenge)
	withCode := append(challengeParameters(deviceChallenge),
		Parameter{Name: "user_code", Type: "string", Description: "The user code that the user entered, or that was in the URL."})
	return []Operation{{
		ID: "getDeviceUserAuthRequest", Method: http.MethodGet, Path: path, Scope: apikey.RequestsRead,
		Summary: "Get a device request; with user_code, also the client and the scopes that the device requests.",
		Query:   withCode, Responses: map[int]any{http.StatusOK: deviceRequest{}, http.StatusGone: redirect{}},
		Do: h.get,
	}, {
		ID: "acceptUserCodeRequest", Method: http.MethodPut, Path: path + "/accept", Scope: apikey.RequestsWrite,
		Summary: "Accept a device request: the user entered a user code.", Query: parameters, Body: acceptDevice{},
		Responses: map[int]any{http.StatusOK: redirect{}, http.StatusGone: redirect{}},
		Do:        h.accept,
	}, {
		ID: "rejectUserCodeRequest", Method: http.MethodPut, Path: path + "/reject", Scope: apikey.RequestsWrite,
		Summary: "Reject a device request; with user_code, the device receives access_denied.", Query: withCode,
		Responses: map[int]any{http.StatusNoContent: nil, http.StatusGone: redirect{}},
		Do:        h.reject,
	}}
}

// deviceRequest is a device request as the API returns it. Scopes, audience and client are
// set if the call has a user code.
type deviceRequest struct {
	Challenge  string      `json:"challenge"`
	Scopes     []string    `json:"requested_scope"`
	Audience   []string    `json:"requested_access_token_audience"`
	Client     *clientView `json:"client,omitempty"`
	RequestURL string      `json:"request_url"`
}

// acceptDevice is the body of an accepted device request.
type acceptDevice struct {
	UserCode string `json:"user_code" need:"true"`
}

// get serves GET /oauth2/auth/requests/device. With the parameter user_code the response
// describes the authorization request of the device, so that the app can show it to the user
// before it accepts.
func (h *deviceRequestHandler) get(r *Request) (*Response, error) {
	id, err := h.pendingID(r)
	if err != nil {
		return nil, err
	}
	view := &deviceRequest{
		Challenge: authrequest.StepDevice.Challenge(id), Scopes: []string{}, Audience: []string{}, RequestURL: h.deviceURL,
	}
	code := r.query().Get("user_code")
	if code == "" {
		return ok(view), nil
	}
	d, err := h.findDevice(r, id, code)
	if err != nil {
		return nil, err
	}
	c, err := h.clients.Client(r.Context(), d.ClientID)
	if err != nil {
		return nil, err
	}
	view.Client = viewNestedClient(c)
	view.Scopes, view.Audience = append(view.Scopes, d.Scopes...), append(view.Audience, d.Resources...)
	return ok(view), nil
}

// accept serves PUT /oauth2/auth/requests/device/accept.
//
// Spec: RFC 8628 §3.3, §5.1.
func (h *deviceRequestHandler) accept(r *Request) (*Response, error) {
	id, err := h.pendingID(r)
	if err != nil {
		return nil, err
	}
	var body acceptDevice
	if err := r.decode(&body); err != nil {
		return nil, err
	}
	d, err := h.findDevice(r, id, body.UserCode)
	if err != nil {
		return nil, err
	}
	verifier := authrequest.NewVerifier(authrequest.StepDevice.Challenge(id))
	if err := h.answer(r, id, d, authrequest.HashVerifier(verifier)); err != nil {
		return nil, err
	}
	query := url.Values{"device_verifier": {verifier}, "client_id": {d.ClientID}}
	return ok(redirect{h.deviceURL + "?" + query.Encode()}), nil
}

// reject serves PUT /oauth2/auth/requests/device/reject. The browser stays at the app.
func (h *deviceRequestHandler) reject(r *Request) (*Response, error) {
	id, err := h.pendingID(r)
	if err != nil {
		return nil, err
	}
	if code := r.query().Get("user_code"); code != "" {
		d, err := h.findDevice(r, id, code)
		if err != nil {
			return nil, err
		}
		if err := h.requests.DenyDevice(r.Context(), d.Grant, h.now()); err != nil {
			return nil, err
		}
	}
	return noContent(), h.answer(r, id, nil, nil)
}

// pendingID returns the ID of the request, for which no user code has been accepted yet.
func (h *deviceRequestHandler) pendingID(r *Request) (id string, err error) {
	id, err = challenge(r, deviceChallenge, authrequest.StepDevice)
	if err != nil {
		return "", err
	}
	pending, err := h.requests.Request(r.Context(), id, h.now())
	switch {
	case err != nil:
		return "", err
	case !pending.Device:
		return "", authrequest.ErrNotFound
	case pending.ClientID != "" || pending.Decision != authrequest.Undecided:
		return "", &answeredError{redirect{h.deviceURL}}
	}
	return id, nil
}

// findDevice returns the device with the user code. It limits the number of wrong codes per
// challenge; each visit of the verification page has a new challenge.
func (h *deviceRequestHandler) findDevice(r *Request, id, code string) (*devicecode.Device, error) {
	by := []devicecode.AttemptLimit{{Key: "device challenge " + id, MaxAttempts: 5, Window: time.Hour}}
	return h.userCodes.Find(r.Context(), code, by, h.now())
}

func (h *deviceRequestHandler) answer(r *Request, id string, d *devicecode.Device, verifier []byte) error {
	err := h.requests.AnswerDevice(r.Context(), id, d, verifier, h.now())
	if errors.Is(err, authrequest.ErrAlreadyDecided) {
		return &answeredError{redirect{h.deviceURL}}
	}
	if err == nil {
		h.log.LogAttrs(r.Context(), slog.LevelInfo, "device app answered",
			slog.Bool("accepted", d != nil), slog.String("by", r.Actor.ID))
	}
	return err
}
