package login

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/devicecode"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/httpapi"
)

// sendToApp redirects to the operator's app, with a challenge that is bound to this browser
// and the code of the URL, if there is one.
func (h *Device) sendToApp(w http.ResponseWriter, r *http.Request, code string) {
	now := h.Now()
	request := &authrequest.Request{ID: authrequest.NewID(), Device: true, CreatedAt: now, ExpiresAt: now.Add(h.Lifetimes.Device)}
	request.Grant = grant.Locator{Partition: grant.PartitionAt(now, false), ID: grant.NewID(now)} // a placeholder until the app names the device
	request.BrowserHash = h.Cookies.BindRequest(w, r, request.ID, h.Lifetimes.Device)
	if err := h.DeviceRequests.InsertRequest(r.Context(), request); err != nil {
		h.flows.fail(w, r, err)
		return
	}
	parameters := url.Values{"device_challenge": {request.Challenge(authrequest.StepDevice)}}
	if parsed, ok := devicecode.ParseUserCode(code); ok {
		parameters.Set("user_code", devicecode.FormatUserCode(parsed))
	}
	httpapi.SeeOther(w, httpapi.AddQuery(h.DeviceApp, parameters.Encode()))
}

// returnFromApp continues the request of a user who returns from the app.
func (h *Device) returnFromApp(w http.ResponseWriter, r *http.Request, verifier string) {
	id, hash, ok := authrequest.ParseVerifier(verifier, authrequest.StepDevice)
	err := authrequest.ErrNotFound
	if ok {
		err = h.DeviceRequests.RedeemDevice(r.Context(), id, h.Cookies.BoundRequest(r, id), hash, h.Now())
	}
	if errors.Is(err, authrequest.ErrNotFound) {
		err = h.notRedeemed(r, id)
	}
	if err != nil {
		h.flows.fail(w, r, err)
		return
	}
	h.flows.resume(w, id)
}

// notRedeemed returns why the verifier of the device app is not accepted in this browser.
func (h *Device) notRedeemed(r *http.Request, id string) error {
	err := h.flows.expired("expired, used before, or of another browser", nil)
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
		return h.flows.begunElsewhere(err)
	default:
		return err
	}
}
