// Package deviceauth serves the device authorization endpoint. The user answers the request
// at the authorization endpoint, and the device gets its tokens at the token endpoint.
package deviceauth

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/devicecode"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
	"github.com/ostiary/ostiary/internal/scope"
)

// Authenticator authenticates the client of a request.
type Authenticator interface {
	Authenticate(ctx context.Context, r *http.Request) (*client.Client, error)
}

// Checks checks the parameters of authorization requests.
type Checks interface {
	// CheckDevice returns the access of the client if the user agrees, and the locator of the
	// grant, for a device code that lives from now until expiresAt.
	CheckDevice(ctx context.Context, c *client.Client, form url.Values, now, expiresAt time.Time) (scope.Access, grant.Locator, error)
}

// Devices stores devices.
type Devices interface {
	// InsertDevice returns [grant.ErrExists] if another device has the user code.
	InsertDevice(ctx context.Context, d *devicecode.Device) error
}

// UserCodes computes the keyed hashes by which the store finds user codes.
type UserCodes interface{ Hash(code string) []byte }

// Handler serves the endpoint. All of its members are set.
type Handler struct {
	Authenticator Authenticator
	Checks        Checks
	Devices       Devices
	UserCodes     UserCodes
	Codec         *tokens.Codec

	VerificationURI string        // of the page on which users enter user codes
	Lifetime        time.Duration // of a device code; no longer than that of an authorization request
	Interval        time.Duration // minimum time between two polls
	Now             func() time.Time
}

// Response is a device authorization response.
//
// Spec: RFC 8628 §3.2.
type Response struct {
	DeviceCode              string `json:"device_code"`
	UserCode                string `json:"user_code"`
	VerificationURI         string `json:"verification_uri"`
	VerificationURIComplete string `json:"verification_uri_complete"`
	ExpiresIn               int64  `json:"expires_in"` // seconds
	Interval                int64  `json:"interval"`   // seconds
}

// ServeHTTP serves POST /oauth2/device/auth.
//
// Spec: RFC 8628 §3.1, §3.2, §5.2, §6.1; RFC 8707 §2; RFC 9396 §3.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	response, err := h.authorize(r)
	if err != nil {
		oauth2.WriteError(w, r, err)
		return
	}
	httpapi.JSON(w, http.StatusOK, response)
}

func (h *Handler) authorize(r *http.Request) (*Response, error) {
	ctx, now := r.Context(), h.Now()
	c, err := h.Authenticator.Authenticate(ctx, r)
	if err != nil {
		return nil, err
	}
	if !c.AllowsGrantType(client.GrantDeviceCode) {
		return nil, oauth2.StandardError(oauth2.CodeUnauthorizedClient)
	}
	expiresAt := now.Add(h.Lifetime)
	access, at, err := h.Checks.CheckDevice(ctx, c, r.PostForm, now, expiresAt)
	if err != nil {
		return nil, err
	}
	d := &devicecode.Device{
		Grant: at, ClientID: c.ID, Scopes: access.Scopes, Resources: access.Resources, Details: access.Details, Seed: make([]byte, 32),
		Interval: h.Interval, CreatedAt: now, ExpiresAt: expiresAt,
	}
	_, _ = rand.Read(d.Seed) // never fails: crypto/rand ends the process instead
	userCode, err := h.store(ctx, d)
	if err != nil {
		return nil, err
	}
	return &Response{
		DeviceCode: h.Codec.Make(tokens.Device, d.Grant, 0, d.Seed), UserCode: userCode,
		VerificationURI:         h.VerificationURI,
		VerificationURIComplete: httpapi.AddQuery(h.VerificationURI, "user_code="+url.QueryEscape(userCode)),
		ExpiresIn:               int64(h.Lifetime.Seconds()), Interval: int64(h.Interval.Seconds()),
	}, nil
}

// store stores the device under a user code that no other device has, and returns the code.
func (h *Handler) store(ctx context.Context, d *devicecode.Device) (userCode string, err error) {
	for range 3 { // a code is taken once in millions of tries
		userCode = devicecode.NewUserCode()
		d.UserCode = h.UserCodes.Hash(userCode)
		if err = h.Devices.InsertDevice(ctx, d); !errors.Is(err, grant.ErrExists) {
			break
		}
	}
	return userCode, err
}
