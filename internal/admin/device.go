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

// Devices takes down what an app says of the person at a device.
type Devices interface {
	// AnswerDevice takes nil for a refusal. It returns authrequest.ErrAlreadyDecided for a request
	// that was answered, and authrequest.ErrNotFound for one that is not there.
	AnswerDevice(ctx context.Context, id string, d *devicecode.Device, verifier []byte, now time.Time) error
	DenyDevice(ctx context.Context, ref grant.Locator, now time.Time) error
}

// UserCodes finds the device that shows a code, as devicecode.UserCodes does.
type UserCodes interface {
	Find(ctx context.Context, entered string, by []devicecode.AttemptLimit, now time.Time) (*devicecode.Device, error)
}

func (h *Handler) deviceOperations() []Operation {
	if !h.DeviceApp {
		return nil
	}
	const path = "/oauth2/auth/requests/device"
	asked := challengeParameters(deviceChallenge)
	about := append(challengeParameters(deviceChallenge),
		Parameter{Name: "user_code", Type: "string", Meaning: "The code that the person entered, or came with."})
	return []Operation{{
		ID: "getDeviceUserAuthRequest", Method: http.MethodGet, Path: path, Scope: apikey.RequestsRead,
		Summary: "What an app is asked that has people enter the code of their device, and with user_code for what that is.",
		Query:   about, Answers: map[int]any{http.StatusOK: deviceRequest{}, http.StatusGone: redirect{}},
		Do: h.deviceRequest,
	}, {
		ID: "acceptUserCodeRequest", Method: http.MethodPut, Path: path + "/accept", Scope: apikey.RequestsWrite,
		Summary: "The app says which code the person entered.", Query: asked, Body: acceptDevice{},
		Answers: map[int]any{http.StatusOK: redirect{}, http.StatusGone: redirect{}},
		Do:      h.acceptDevice,
	}, {
		ID: "rejectUserCodeRequest", Method: http.MethodPut, Path: path + "/reject", Scope: apikey.RequestsWrite,
		Summary: "The app says that the person has no such device. With user_code, that one hears of it.", Query: about,
		Answers: map[int]any{http.StatusNoContent: nil, http.StatusGone: redirect{}},
		Do:      h.rejectDevice,
	}}
}

// deviceRequest is what an app is told of a person who is to enter the code of their
// device. What the device asks for is known once the code is.
type deviceRequest struct {
	Challenge  string      `json:"challenge"`
	Scopes     []string    `json:"requested_scope"`
	Audience   []string    `json:"requested_access_token_audience"`
	Client     *clientView `json:"client,omitempty"`
	RequestURL string      `json:"request_url"`
}

// acceptDevice is what an app says of the person.
type acceptDevice struct {
	UserCode string `json:"user_code" need:"true"`
}

// deviceRequest serves GET /oauth2/auth/requests/device. With the parameter user_code it
// also says for what the code is, so that the app can show it before it accepts.
func (h *Handler) deviceRequest(c *Call) (*Reply, error) {
	id, err := h.waitingForDevice(c)
	if err != nil {
		return nil, err
	}
	said := &deviceRequest{
		Challenge: authrequest.StepDevice.Challenge(id), Scopes: []string{}, Audience: []string{}, RequestURL: h.DeviceURL,
	}
	code := c.URL.Query().Get("user_code")
	if code == "" {
		return ok(said), nil
	}
	d, err := h.showing(c, id, code)
	if err != nil {
		return nil, err
	}
	asks, err := h.Clients.Client(c.Context(), d.ClientID)
	if err != nil {
		return nil, err
	}
	said.Client = viewAsking(asks)
	said.Scopes, said.Audience = append(said.Scopes, d.Scopes...), append(said.Audience, d.Resources...)
	return ok(said), nil
}

// acceptDevice serves PUT /oauth2/auth/requests/device/accept.
//
// Spec: RFC 8628 §3.3, §5.1.
func (h *Handler) acceptDevice(c *Call) (*Reply, error) {
	id, err := h.waitingForDevice(c)
	if err != nil {
		return nil, err
	}
	var body acceptDevice
	if err := read(c.Request, &body); err != nil {
		return nil, err
	}
	d, err := h.showing(c, id, body.UserCode)
	if err != nil {
		return nil, err
	}
	verifier := authrequest.NewVerifier(authrequest.StepDevice.Challenge(id))
	if err := h.answerDevice(c, id, d, authrequest.HashVerifier(verifier)); err != nil {
		return nil, err
	}
	back := url.Values{"device_verifier": {verifier}, "client_id": {d.ClientID}}
	return ok(redirect{h.DeviceURL + "?" + back.Encode()}), nil
}

// rejectDevice serves PUT /oauth2/auth/requests/device/reject. The person stays with the
// app.
func (h *Handler) rejectDevice(c *Call) (*Reply, error) {
	id, err := h.waitingForDevice(c)
	if err != nil {
		return nil, err
	}
	if code := c.URL.Query().Get("user_code"); code != "" {
		d, err := h.showing(c, id, code)
		if err != nil {
			return nil, err
		}
		if err := h.Devices.DenyDevice(c.Context(), d.Grant, h.Now()); err != nil {
			return nil, err
		}
	}
	return done(), h.answerDevice(c, id, nil, nil)
}

// waitingForDevice returns the id of a request for which no code was accepted yet.
func (h *Handler) waitingForDevice(c *Call) (id string, err error) {
	id, err = challenge(c.Request, deviceChallenge, authrequest.StepDevice)
	if err != nil {
		return "", err
	}
	waiting, err := h.Requests.Request(c.Context(), id, h.Now())
	switch {
	case err != nil:
		return "", err
	case !waiting.Device:
		return "", authrequest.ErrNotFound
	case waiting.ClientID != "" || waiting.Decision != authrequest.Undecided:
		return "", &handledError{redirect{h.DeviceURL}}
	}
	return id, nil
}

// showing returns the device that shows the code. So many wrong ones are looked at for
// one challenge; there is a new one for each visit of a person.
func (h *Handler) showing(c *Call, id, code string) (*devicecode.Device, error) {
	by := []devicecode.AttemptLimit{{Key: "device challenge " + id, MaxAttempts: 5, Window: time.Hour}}
	return h.UserCodes.Find(c.Context(), code, by, h.Now())
}

func (h *Handler) answerDevice(c *Call, id string, d *devicecode.Device, verifier []byte) error {
	err := h.Devices.AnswerDevice(c.Context(), id, d, verifier, h.Now())
	if errors.Is(err, authrequest.ErrAlreadyDecided) {
		return &handledError{redirect{h.DeviceURL}}
	}
	if err == nil {
		h.Log.LogAttrs(c.Context(), slog.LevelInfo, "device app answered",
			slog.Bool("accepted", d != nil), slog.String("by", c.By.ID))
	}
	return err
}
