package authorize

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/scope"
	"github.com/ostiary/ostiary/internal/session"
)

// Authorize serves GET and POST /oauth2/auth: the dispatcher, to which every page
// and every app returns and which alone decides the next step.
//
// Spec: RFC 6749 §3.1, §4.1; OpenID Connect Core §3.1.2, §6; RFC 9101; RFC 9207; RFC 9700 §2.1, §4.
func (h *Handler) Authorize(w http.ResponseWriter, r *http.Request) {
	switch form := r.Form; {
	case form.Has("client_id"):
	case form.Has("continue"):
		h.resume(w, r, form.Get("continue"))
		return
	case form.Has("login_verifier"):
		h.afterLogin(w, r, form.Get("login_verifier"))
		return
	case form.Has("consent_verifier"):
		h.afterConsent(w, r, form.Get("consent_verifier"))
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
		h.later(w, r, a, func(q *authrequest.Request) string { return link(h.AuthorizeURL, "continue", q.ID) })
		return
	}
	here, err := h.present(r, a.client.ID, h.Now())
	if err != nil {
		h.writeAuthorizeError(w, r, a, err)
		return
	}
	h.decide(w, r, a, here, nil)
}

// resume goes on with a request that waited for a person. What a device app or a
// consent app has said of it takes a verifier to come back with.
func (h *Handler) resume(w http.ResponseWriter, r *http.Request, id string) {
	waiting, here, err := h.waiting(r.Context(), r, id)
	if err == nil && (waiting.ConsentAnswer != nil || waiting.HasUserCode()) {
		err = h.gone(r, id)
	}
	if err != nil {
		h.writeAuthorizeError(w, r, nil, err)
		return
	}
	h.goOn(w, r, waiting, here)
}

func (h *Handler) goOn(w http.ResponseWriter, r *http.Request, waiting *authrequest.Request, here present) {
	a, err := h.reread(r.Context(), waiting)
	if err != nil {
		h.writeAuthorizeError(w, r, a, err)
		return
	}
	h.decide(w, r, a, here, waiting)
}

// reread validates a stored request again as if it came anew: its client may have
// changed meanwhile.
func (h *Handler) reread(ctx context.Context, waiting *authrequest.Request) (*asked, error) {
	form, err := url.ParseQuery(waiting.Parameters)
	if err != nil {
		return nil, err
	}
	read := h.read
	if waiting.Device {
		read = h.readDevice(waiting)
	}
	a, err := read(ctx, form)
	if err != nil {
		return a, err
	}
	a.narrow(scope.Limits{Scopes: strings.Fields(form.Get(authrequest.ConsentParameter)), Resources: a.access.Resources})
	return a, nil
}

// waiting returns the request of that id, if it is this browser's, and who is
// signed in there: one statement.
func (h *Handler) waiting(ctx context.Context, r *http.Request, id string) (*authrequest.Request, present, error) {
	bound := h.Cookies.BoundRequest(r, id)
	request, s, consent, err := h.Sessions.Resume(ctx, id, session.Hash(h.Cookies.Session(r)), h.Now())
	switch {
	case errors.Is(err, authrequest.ErrNotFound):
		return nil, present{}, h.gone(r, id)
	case err != nil:
		return nil, present{}, err
	case bound == nil && request.JustBegun(h.Now()):
		return nil, present{}, inWrongBrowser(h.gone(r, id))
	case !bytes.Equal(request.BrowserHash, bound):
		return nil, present{}, boundToOtherBrowser(h.gone(r, id))
	case request.ClientID == "": // of a device that nobody named
		return nil, present{}, h.gone(r, id)
	}
	return request, present{s, consent}, nil
}

// gone finds out whose request it was, as long as that is to be had.
func (h *Handler) gone(r *http.Request, id string) error {
	ctx := r.Context()
	clientID, err := h.Sessions.RequestClient(ctx, id, h.Cookies.BoundRequest(r, id), session.Hash(h.Cookies.Session(r)))
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

// maxParameters and maxEncoded are how many bytes of a request are kept at most, before
// and after they are encoded: anybody can make one.
const (
	maxParameters = 16 << 10
	maxEncoded    = 24 << 10
)

// place is where a person is sent with a request. It is told of the request before
// that is stored, and may note on it what for.
type place func(*authrequest.Request) string

// later stores the request, binds it to the browser, and sends the person on.
func (h *Handler) later(w http.ResponseWriter, r *http.Request, a *asked, where place) {
	now := h.Now()
	parameters := a.parameters()
	if a.size() > maxParameters || len(parameters) > maxEncoded {
		h.writeAuthorizeError(w, r, a, oauth2.NewError(oauth2.CodeInvalidRequest, "The request is too long"))
		return
	}
	request := &authrequest.Request{
		ID: authrequest.NewID(), ClientID: a.client.ID, Parameters: parameters,
		CreatedAt: now, ExpiresAt: now.Add(h.Lifetimes.Request),
		Grant: h.newRef(a, now),
	}
	a.device.bind(request)
	address := where(request)
	request.BrowserHash = h.Cookies.BindRequest(w, r, request.ID, h.Lifetimes.Request)
	if err := h.Sessions.InsertRequest(r.Context(), request); err != nil {
		h.writeAuthorizeError(w, r, a, err)
		return
	}
	pages.SeeOther(w, address)
}
