package oauth2

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/web"
)

// Authorize serves GET and POST /oauth2/auth: the dispatcher, to which every
// page returns and which alone decides the next step.
//
// Spec: RFC 6749 §3.1, §4.1; OpenID Connect Core §3.1.2, §6; RFC 9101; RFC 9207; RFC 9700 §2.1, §4.
func (h *Handler) Authorize(w http.ResponseWriter, r *http.Request) {
	if id := r.Form.Get("continue"); id != "" && !r.Form.Has("client_id") {
		h.resume(w, r, id)
		return
	}
	ctx := r.Context()
	a, err := h.open(ctx, r.Form)
	if err != nil {
		h.writeAuthorizeError(w, r, a, err)
		return
	}
	if r.Method == http.MethodPost {
		// A browser does not send its session's cookie with another site's POST. It
		// does with the GET that follows.
		h.later(w, r, a, h.AuthorizeURL+"?continue=")
		return
	}
	h.decide(w, r, a, nil)
}

// resume goes on with a request that waited for a person. It is validated again
// as if it came anew: its client may have changed meanwhile.
func (h *Handler) resume(w http.ResponseWriter, r *http.Request, id string) {
	ctx := r.Context()
	waiting, err := h.waiting(ctx, r, id)
	if err != nil {
		h.writeAuthorizeError(w, r, nil, err)
		return
	}
	form, err := url.ParseQuery(waiting.Parameters)
	if err != nil {
		h.writeAuthorizeError(w, r, nil, err)
		return
	}
	a, err := h.read(ctx, form)
	if err != nil {
		h.writeAuthorizeError(w, r, a, err)
		return
	}
	a.narrow(strings.Fields(form.Get(grant.ConsentParameter)))
	h.decide(w, r, a, waiting)
}

// waiting returns the request of that id, if it is this browser's.
func (h *Handler) waiting(ctx context.Context, r *http.Request, id string) (*grant.Request, error) {
	request, err := h.Sessions.Request(ctx, id, h.Now())
	switch {
	case errors.Is(err, grant.ErrNoRequest):
		return nil, h.gone(ctx, id)
	case err != nil:
		return nil, err //nolint:wrapcheck // told apart by the caller
	case !bytes.Equal(request.Browser, h.Cookies.Bound(r, id)):
		return nil, h.gone(ctx, id)
	}
	return request, nil
}

// over is why a person does not get on with a request: it is finished, has run
// out, or is not their browser's.
func over(description string, c *client.Client) *refusal {
	refused := refuse(codeInvalidRequest, description)
	refused.over, refused.client = true, c
	return refused
}

// gone finds out whose request it was, as long as that is to be had.
func (h *Handler) gone(ctx context.Context, id string) error {
	const words = "This sign-in has expired, or was begun in another browser"
	clientID, err := h.Sessions.RequestClient(ctx, id)
	if errors.Is(err, grant.ErrNoRequest) {
		return over(words, nil)
	}
	if err != nil {
		return err //nolint:wrapcheck // told apart by the caller
	}
	c, err := h.Clients.Client(ctx, clientID)
	if err != nil && !errors.Is(err, client.ErrNotFound) {
		return err //nolint:wrapcheck // told apart by the caller
	}
	return over(words, c)
}

// maxParameters is how many bytes of a request are kept, at most and before they
// are encoded: anybody can make one.
const maxParameters = 16 << 10

// later stores the request, binds it to the browser, and sends the person on to
// where, with its id appended.
func (h *Handler) later(w http.ResponseWriter, r *http.Request, a *asked, where string) {
	now := h.Now()
	if a.size() > maxParameters {
		h.writeAuthorizeError(w, r, a, refuse(codeInvalidRequest, "The request is too long"))
		return
	}
	request := &grant.Request{
		ID: rand.Text(), ClientID: a.client.ID, Parameters: a.parameters(),
		CreatedAt: now, ExpiresAt: now.Add(h.Lifetimes.Request),
		Grant: a.newRef(now),
	}
	request.Browser = h.Cookies.Bind(w, r, request.ID, h.Lifetimes.Request)
	if err := h.Sessions.InsertRequest(r.Context(), request); err != nil {
		h.writeAuthorizeError(w, r, a, err)
		return
	}
	web.SeeOther(w, where+request.ID)
}
