// Package par serves the pushed authorization request endpoint: a client sends the parameters of an
// authorization request itself, authenticated, and the browser of its user carries only a reference.
//
// Spec: RFC 9126.
package par

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"time"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/onetime"
)

// Authenticator authenticates the client of a request.
type Authenticator interface {
	Authenticate(ctx context.Context, r *http.Request) (*client.Client, error)
}

// Checks checks authorization requests.
type Checks interface {
	// CheckPushed checks a request of c completely. jkt is the thumbprint of the key to which its code
	// is bound, empty for none. It returns the parameters, from which the request can be checked again,
	// and the locator of the grant to which it leads.
	CheckPushed(ctx context.Context, c *client.Client, form url.Values, jkt string, now time.Time) (parameters string, at grant.Locator, err error)
}

// Store stores requests.
type Store interface {
	// InsertPushed stores a request and claims the one-time values of its push, all of them or none.
	InsertPushed(ctx context.Context, p *authrequest.Pushed, values ...onetime.Value) error
	// ClaimAll claims values without a request.
	ClaimAll(ctx context.Context, now time.Time, values ...onetime.Value) error
}

// Proofs verifies DPoP proofs, as [clientauth.Proofs] does.
type Proofs interface {
	// Prove returns the thumbprint of the key of the proof, empty if there is none.
	Prove(ctx context.Context, w http.ResponseWriter, r *http.Request, c *client.Client) (thumbprint string, err error)
}

// Handler serves the endpoint. All of its members are set.
type Handler struct {
	Authenticator Authenticator
	Checks        Checks
	Store         Store
	Proofs        Proofs
	Lifetime      time.Duration // of a pushed request
	Now           func() time.Time
}

// Response is the response to a pushed authorization request.
//
// Spec: RFC 9126 §2.2.
type Response struct {
	RequestURI string `json:"request_uri"`
	ExpiresIn  int64  `json:"expires_in"` // seconds
}

// ServeHTTP serves POST /oauth2/par.
//
// Spec: RFC 9126 §2, RFC 9449 §10.1.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	response, err := h.push(w, r)
	if err != nil {
		oauth2.WriteError(w, r, err)
		return
	}
	httpapi.JSON(w, http.StatusCreated, response)
}

// push checks and stores a request. It uses up the client's assertion, its request object and its proof even
// if the request is rejected.
func (h *Handler) push(w http.ResponseWriter, r *http.Request) (*Response, error) {
	now := h.Now()
	ctx, once := onetime.Collect(r.Context())
	pushed, err := h.check(ctx, w, r, now)
	if err != nil {
		if used := h.Store.ClaimAll(ctx, now, once.Take()...); used != nil {
			return nil, used
		}
		return nil, err
	}
	if err := h.Store.InsertPushed(ctx, pushed, once.Take()...); err != nil {
		return nil, err
	}
	return &Response{RequestURI: pushed.RequestURI(), ExpiresIn: int64(h.Lifetime.Seconds())}, nil
}

// check authenticates the client and returns its request, which passes every check of an authorization
// request.
func (h *Handler) check(ctx context.Context, w http.ResponseWriter, r *http.Request, now time.Time) (*authrequest.Pushed, error) {
	c, err := h.Authenticator.Authenticate(ctx, r)
	if err != nil {
		return nil, err
	}
	if r.PostForm.Has("request_uri") {
		return nil, oauth2.InvalidRequest("The parameter request_uri must not be pushed")
	}
	jkt, err := h.Proofs.Prove(ctx, w, r, c)
	if err != nil {
		return nil, err
	}
	pushed := &authrequest.Pushed{ID: authrequest.NewPushedID(), ClientID: c.ID, CreatedAt: now, ExpiresAt: now.Add(h.Lifetime)}
	pushed.Parameters, pushed.Grant, err = h.Checks.CheckPushed(ctx, c, parameters(r.PostForm, c), jkt, now)
	return pushed, err
}

// parameters returns the parameters of the authorization request: those of the form without the
// credentials of the client, and with its client_id.
//
// Spec: RFC 9126 §2.1.
func parameters(form url.Values, c *client.Client) url.Values {
	form = maps.Clone(form)
	for _, credential := range []string{"client_secret", "client_assertion", "client_assertion_type"} {
		form.Del(credential)
	}
	form.Set("client_id", c.ID)
	return form
}
