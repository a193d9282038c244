package admin

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/ciba"
	"github.com/ostiary/ostiary/internal/grant"
)

// BackchannelRequests reads the backchannel authentication requests that wait for a decision.
type BackchannelRequests interface {
	// OpenBackchannel returns ciba.ErrNotFound for a request that does not wait.
	OpenBackchannel(ctx context.Context, id grant.ID, now time.Time) (*ciba.Request, error)
	// ListBackchannel returns requests in the order of their expiry, after the request after.
	ListBackchannel(ctx context.Context, subject string, after *ciba.Request, limit int, now time.Time) ([]*ciba.Request, error)
}

// BackchannelDecisions stores decisions. Its methods return ciba.ErrNotFound for a request that was
// decided before.
type BackchannelDecisions interface {
	Allow(ctx context.Context, r *ciba.Request, by ciba.Approval) error
	Deny(ctx context.Context, r *ciba.Request) error
	// ID returns the ID of the request with an auth_req_id, or ciba.ErrNotFound.
	ID(authReqID string) (grant.ID, error)
}

// backchannelRequestHandler serves the backchannel authentication requests, for apps of the operator
// with which users decide.
type backchannelRequestHandler struct {
	requests  BackchannelRequests
	decisions BackchannelDecisions
	users     interface {
		Account(ctx context.Context, subject string) (*account.Account, error)
	}
	now func() time.Time
}

func (h *backchannelRequestHandler) operations() []Operation {
	const path = "/ciba"
	one := path + "/{auth_req_id}"
	return []Operation{{
		ID: "listBackchannelRequests", Method: http.MethodGet, Path: path, Scope: apikey.RequestsRead, ReadAction: listUsers,
		Summary:   "List backchannel authentication requests (CIBA) that wait for the decision of a user, ordered by expiry.",
		Query:     append([]Parameter{{Name: "subject", Type: "string", Description: "Only requests for this user."}}, pageParameters()...),
		Responses: map[int]any{http.StatusOK: []backchannelRequestView{}}, Do: h.list,
	}, {
		ID: "acceptBackchannelRequest", Method: http.MethodPost, Path: one + "/accept", Scope: apikey.RequestsWrite, Action: "ciba.accept",
		Summary: "Accept a backchannel authentication request in the name of its user. The path has its id or its auth_req_id; the body may be empty.",
		Body:    acceptBackchannel{}, OptionalBody: true, Target: h.target,
		Responses: map[int]any{http.StatusNoContent: nil}, Do: h.accept,
	}, {
		ID: "rejectBackchannelRequest", Method: http.MethodPost, Path: one + "/reject", Scope: apikey.RequestsWrite, Action: "ciba.reject",
		Summary: "Reject a backchannel authentication request: the client receives access_denied. The path has its id or its auth_req_id.",
		Target:  h.target, Responses: map[int]any{http.StatusNoContent: nil}, Do: h.reject,
	}}
}

// backchannelRequestView is a request as the API returns it. It has no auth_req_id, which is a credential
// of the client.
type backchannelRequestView struct {
	ID             string    `json:"id"`
	ClientID       string    `json:"client_id"`
	Subject        string    `json:"subject"`
	Scopes         []string  `json:"requested_scope"`
	Audience       []string  `json:"requested_access_token_audience"`
	BindingMessage string    `json:"binding_message,omitempty" doc:"which the client shows too"`
	ACRValues      []string  `json:"acr_values,omitempty"`
	Network        string    `json:"network,omitempty" doc:"from which the client sent the request"`
	CreatedAt      time.Time `json:"created_at"`
	ExpiresAt      time.Time `json:"expires_at"`
}

// acceptBackchannel is the body of an accepted request.
type acceptBackchannel struct {
	Scopes []string `json:"grant_scope" doc:"some of requested_scope, with openid; by default all"`
	ACR    string   `json:"acr" doc:"the level of the authentication"`
	AMR    []string `json:"amr" doc:"the methods of the authentication"`
}

// list serves GET /ciba.
func (h *backchannelRequestHandler) list(r *Request) (*Response, error) {
	p, err := pageFrom(r, "subject")
	if err != nil {
		return nil, err
	}
	var after *ciba.Request
	if p.After != "" {
		at, text, err := position(p.After)
		id, bad := grant.ParseID(text)
		if err != nil || bad != nil {
			return nil, errPageToken
		}
		after = &ciba.Request{ExpiresAt: at, Grant: grant.Locator{ID: id}}
	}
	list, err := h.requests.ListBackchannel(r.Context(), r.query().Get("subject"), after, p.Size, h.now())
	if err != nil {
		return nil, err
	}
	views, last := make([]backchannelRequestView, len(list)), ""
	for i, q := range list {
		views[i] = backchannelRequestView{
			q.ID(), q.ClientID, q.Subject, append([]string{}, q.Details.Scopes...), append([]string{}, q.Details.Resources...),
			q.Details.BindingMessage, q.Details.ACRValues, q.Details.Network, q.CreatedAt.UTC(), q.ExpiresAt.UTC(),
		}
		last = positionOf(q.ExpiresAt, q.ID())
	}
	p.linkNext(len(list), last)
	return ok(views), nil
}

// accept serves POST /ciba/{auth_req_id}/accept.
//
// Spec: CIBA Core §8.
func (h *backchannelRequestHandler) accept(r *Request) (*Response, error) {
	var body acceptBackchannel
	if r.HTTP.ContentLength != 0 {
		if err := r.decode(&body); err != nil {
			return nil, err
		}
	}
	q, err := h.open(r)
	if err != nil {
		return nil, err
	}
	if err := checkAuthentication(body.ACR, body.AMR); err != nil {
		return nil, err
	}
	if body.Scopes != nil {
		foreign := func(scope string) bool { return !slices.Contains(q.Details.Scopes, scope) }
		if slices.ContainsFunc(body.Scopes, foreign) || !slices.Contains(body.Scopes, "openid") {
			return nil, invalid("The member grant_scope must have openid, and only scopes of the request.")
		}
	}
	a, err := h.users.Account(r.Context(), q.Subject)
	if err != nil {
		return nil, err
	}
	if !a.DisabledAt.IsZero() {
		return nil, account.ErrDisabled
	}
	by := ciba.Approval{Scopes: body.Scopes, AuthTime: h.now(), ACR: body.ACR, AMR: body.AMR}
	return noContent(), h.decisions.Allow(r.Context(), q, by)
}

// reject serves POST /ciba/{auth_req_id}/reject.
func (h *backchannelRequestHandler) reject(r *Request) (*Response, error) {
	q, err := h.open(r)
	if err != nil {
		return nil, err
	}
	return noContent(), h.decisions.Deny(r.Context(), q)
}

// open returns the request of the path.
func (h *backchannelRequestHandler) open(r *Request) (*ciba.Request, error) {
	id, err := h.id(r.HTTP)
	if err != nil {
		return nil, err
	}
	q, err := h.requests.OpenBackchannel(r.Context(), id, h.now())
	if err == nil && q.Subject == "" {
		err = ciba.ErrNotFound // nobody can decide it
	}
	return q, err
}

func (h *backchannelRequestHandler) id(r *http.Request) (grant.ID, error) {
	text := pathValue(r, "auth_req_id")
	if id, err := grant.ParseID(text); err == nil {
		return id, nil
	}
	return h.decisions.ID(strings.TrimSpace(text))
}

// target returns the target of a call in the audit log: the ID, since the auth_req_id is a credential.
func (h *backchannelRequestHandler) target(r *http.Request) string {
	id, err := h.id(r)
	if err != nil {
		return ""
	}
	return id.String()
}
