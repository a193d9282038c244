package authorize

import (
	"bytes"
	"errors"
	"net/http"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/session"
)

// load returns a stored request of this browser and the session of the browser. It costs one
// statement. An expired request, or a request of another browser, is an error for a page.
func (h *Handler) load(r *http.Request, id string) (*authrequest.Request, browserSession, error) {
	bound, now := h.Cookies.BoundRequest(r, id), h.Now()
	stored, s, c, err := h.Store.Resume(r.Context(), id, session.Hash(h.Cookies.Session(r)), now)
	switch {
	case errors.Is(err, authrequest.ErrNotFound):
		return nil, browserSession{}, h.expired(r, id)
	case err != nil:
		return nil, browserSession{}, err
	case bound == nil && stored.JustBegun(now):
		return nil, browserSession{}, inWrongBrowser(h.expired(r, id))
	case !bytes.Equal(stored.BrowserHash, bound):
		return nil, browserSession{}, boundToOtherBrowser(h.expired(r, id))
	case stored.ClientID == "": // of a device whose code has not been entered
		return nil, browserSession{}, h.expired(r, id)
	}
	return stored, browserSession{s, c}, nil
}

// expired returns the error for a request that cannot be continued, with its client if the
// store still has it.
func (h *Handler) expired(r *http.Request, id string) error {
	ctx := r.Context()
	clientID, err := h.Store.RequestClient(ctx, id, h.Cookies.BoundRequest(r, id), session.Hash(h.Cookies.Session(r)))
	if errors.Is(err, authrequest.ErrNotFound) {
		return errExpired(expiredWords, nil)
	}
	if err != nil {
		return err
	}
	c, err := h.Clients.Client(ctx, clientID)
	if err != nil && !errors.Is(err, client.ErrNotFound) {
		return err
	}
	refusal.SetClient(ctx, clientID)
	return errExpired(expiredWords, c)
}

// destination returns where the user is sent with a request. It is called before the request
// is stored, and may set members of it.
type destination func(*authrequest.Request) string

// store stores a new request, binds it to the browser, and returns its destination.
func (h *Handler) store(w http.ResponseWriter, r *http.Request, a *AuthorizationRequest, to destination) (location string, err error) {
	now := h.Now()
	parameters, err := a.encode()
	if err != nil {
		return "", err
	}
	stored := &authrequest.Request{
		ID: authrequest.NewID(), ClientID: a.client.ID, Parameters: parameters,
		CreatedAt: now, ExpiresAt: now.Add(h.RequestLifetime),
		Grant: a.locator(h.Lifetimes, now),
	}
	if d := a.device; d != nil {
		stored.Device, stored.Grant = true, d.at
		if d.expiresAt.Before(stored.ExpiresAt) {
			stored.ExpiresAt = d.expiresAt
		}
	}
	location = to(stored)
	stored.BrowserHash = h.Cookies.BindRequest(w, r, stored.ID, h.RequestLifetime)
	return location, h.Store.InsertRequest(r.Context(), stored)
}
