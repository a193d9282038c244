package admin

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/activity"
	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/consent"
)

// UserConsents reads and ends the access of applications to the accounts of users.
type UserConsents interface {
	// Applications returns the clients that may use the account of a subject.
	Applications(ctx context.Context, subject string, now time.Time) ([]*consent.Application, error)
	// RevokeConsents deletes the consents of a subject for a client, and revokes the grants.
	RevokeConsents(ctx context.Context, subject, clientID string, now time.Time) error
}

// Activity lists what happened to accounts.
type Activity interface {
	// ListActivity returns the newest events that are older than the ID before.
	ListActivity(ctx context.Context, subject, before string, limit int, kinds ...activity.Kind) ([]*activity.Event, error)
}

// userAccessHandler serves the operations on the applications that may use the account of a user, and
// on what happened to it.
type userAccessHandler struct {
	*userCases

	consents UserConsents
	clients  Clients
	activity Activity
}

func (h *userAccessHandler) operations() []Operation {
	const path = userPath + "/applications"
	return []Operation{{
		ID: "listUserApplications", Method: http.MethodGet, Path: path, Scope: apikey.UsersRead, ReadAction: readUser,
		Summary:   "List the clients that may use the account of a user, by a remembered consent or by grants.",
		Responses: map[int]any{http.StatusOK: []userApplication{}}, Do: h.listApplications,
	}, {
		ID: "endUserApplication", Method: http.MethodDelete, Path: path + "/{client_id}", Scope: apikey.UsersWrite, Action: "consent.revoke",
		Summary:   "Revoke the consents of a user for a client, and the grants and tokens of the client for the user.",
		Responses: map[int]any{http.StatusNoContent: nil}, Do: h.endApplication,
	}, {
		ID: "listUserActivity", Method: http.MethodGet, Path: userPath + "/activity", Scope: apikey.UsersRead, ReadAction: readUser,
		Summary: "List what happened to the account of a user, the newest event first.", Query: pageParameters(),
		Responses: map[int]any{http.StatusOK: []userEvent{}}, Do: h.listActivity,
	}}
}

// userApplication is a client that may use the account of a user.
type userApplication struct {
	ClientID   string    `json:"client_id"`
	ClientName string    `json:"client_name,omitempty"`
	Scopes     []string  `json:"scopes" doc:"of all consents and grants"`
	Grants     int       `json:"grants" doc:"the number of valid grants"`
	Since      time.Time `json:"since"`
	LastUsedAt time.Time `json:"last_used_at,omitzero" doc:"the last sign-in or refresh; absent without a valid grant"`
}

// userEvent is an event of an account.
type userEvent struct {
	ID      string        `json:"id"`
	Kind    activity.Kind `json:"kind" doc:"such as signed_in, sign_in_failed or credential_added"`
	At      time.Time     `json:"at"`
	LastAt  time.Time     `json:"last_at" doc:"of several failures in one event"`
	Count   int           `json:"count"`
	Browser string        `json:"browser,omitempty"`
	System  string        `json:"system,omitempty"`
	Network string        `json:"network,omitempty"`
	Detail  string        `json:"detail,omitempty" doc:"the object of the event, such as a client_id, an email address or the kind of a credential"`
}

// listApplications serves GET /users/{subject}/applications.
func (h *userAccessHandler) listApplications(r *Request) (*Response, error) {
	a, err := h.store.Account(r.Context(), r.pathValue("subject"))
	if err != nil {
		return nil, err
	}
	list, err := h.consents.Applications(r.Context(), a.Subject, h.now())
	if err != nil {
		return nil, err
	}
	views := make([]userApplication, len(list))
	for i, one := range list {
		views[i] = userApplication{one.ClientID, "", full(one.Scopes), one.Grants, one.Since.UTC(), one.LastUsedAt.UTC()}
		known, err := h.clients.Client(r.Context(), one.ClientID)
		switch {
		case err == nil:
			views[i].ClientName = known.ClientName
		case !errors.Is(err, client.ErrNotFound): // it was deleted a moment ago
			return nil, err
		}
	}
	return ok(views), nil
}

// endApplication serves DELETE /users/{subject}/applications/{client_id}. It may be repeated.
func (h *userAccessHandler) endApplication(r *Request) (*Response, error) {
	_, a, err := h.permitted(r)
	if err != nil {
		return nil, err
	}
	if err := h.consents.RevokeConsents(r.Context(), a.Subject, r.pathValue("client_id"), h.now()); err != nil {
		return nil, err
	}
	return noContent(), nil
}

// listActivity serves GET /users/{subject}/activity.
func (h *userAccessHandler) listActivity(r *Request) (*Response, error) {
	p, err := pageFrom(r)
	if err != nil {
		return nil, err
	}
	a, err := h.store.Account(r.Context(), r.pathValue("subject"))
	if err != nil {
		return nil, err
	}
	list, err := h.activity.ListActivity(r.Context(), a.Subject, p.After, p.Size)
	if err != nil {
		return nil, err
	}
	views, last := make([]userEvent, len(list)), ""
	for i, e := range list {
		views[i] = userEvent{e.ID, e.Kind, e.At.UTC(), e.LastAt.UTC(), e.Count, e.Browser, e.System, e.Network, e.Detail}
		last = e.ID
	}
	p.linkNext(len(list), last)
	return ok(views), nil
}
