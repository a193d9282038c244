package login

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/session"
)

// visit is one look at a page: the request it is about, the client that asks,
// and who is signed in in this browser.
type visit struct {
	request *authrequest.Request
	asked   url.Values
	client  *client.Client
	session *session.Session // nil if nobody is
}

// visit reads what a page needs, if the request of that id is this browser's.
func (h *Handler) visit(r *http.Request, id string) (*visit, error) {
	ctx := r.Context()
	if id == "" {
		return nil, beginElsewhere()
	}
	request, err := h.Requests.Request(ctx, id, h.Now())
	if errors.Is(err, authrequest.ErrNotFound) {
		return nil, h.gone(r, id, "unknown or run out")
	}
	if err != nil {
		return nil, fmt.Errorf("read request: %w", err)
	}
	if bound := h.Cookies.BoundRequest(r, id); !bytes.Equal(request.BrowserHash, bound) {
		err := ofOtherBrowser(h.gone(r, id, "of another browser"))
		if bound == nil && request.JustBegun(h.Now()) {
			err = h.begunElsewhere(err)
		}
		return nil, err
	}
	v := &visit{request: request}
	if v.asked, err = url.ParseQuery(request.Parameters); err != nil {
		return nil, fmt.Errorf("parse stored request: %w", err)
	}
	refusal.Concerns(ctx, request.ClientID)
	v.client, err = h.Clients.Client(ctx, request.ClientID)
	if errors.Is(err, client.ErrNotFound) || err == nil && v.client.Disabled {
		return nil, unknownClient()
	}
	if err != nil {
		return nil, fmt.Errorf("read client: %w", err)
	}
	return v, h.recognise(r, v)
}

// gone returns the fault for a request that is over or another browser's. It names the
// client only if the request is or was this browser's: a link with somebody else's request
// must not show an application of that person's choice.
func (h *Handler) gone(r *http.Request, id, why string) error {
	ctx := r.Context()
	clientID, err := h.Requests.RequestClient(ctx, id, h.Cookies.BoundRequest(r, id), session.Hash(h.Cookies.Session(r)))
	if errors.Is(err, authrequest.ErrNotFound) {
		return h.expired(why, nil)
	}
	if err != nil {
		return fmt.Errorf("read request: %w", err)
	}
	refusal.Concerns(ctx, clientID)
	c, err := h.Clients.Client(ctx, clientID)
	if err != nil && !errors.Is(err, client.ErrNotFound) {
		return fmt.Errorf("read client: %w", err)
	}
	return h.expired(why, c)
}

// recognise finds out who is signed in in this browser.
func (h *Handler) recognise(r *http.Request, v *visit) error {
	cookie := h.Cookies.Session(r)
	if cookie == "" {
		return nil
	}
	s, _, err := h.Sessions.SessionAndConsent(r.Context(), session.Hash(cookie), v.client.ID, h.Now())
	if errors.Is(err, session.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read session: %w", err)
	}
	v.session = s
	return nil
}

// scopes returns what the person must agree to, as the authorization endpoint
// worked it out.
func (v *visit) scopes() []string { return strings.Fields(v.asked.Get(authrequest.ConsentParameter)) }

// prompts reports whether the request carries the value of prompt.
func (v *visit) prompts(value string) bool {
	return slices.Contains(strings.Fields(v.asked.Get("prompt")), value)
}

// back returns to the authorization endpoint, which decides the next step.
func (h *Handler) back(w http.ResponseWriter, v *visit) { h.goOn(w, v.request.ID) }

func (h *Handler) goOn(w http.ResponseWriter, id string) {
	pages.SeeOther(w, h.Issuer+"/oauth2/auth?continue="+url.QueryEscape(id))
}
