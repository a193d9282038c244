package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/session"
)

// Sessions lists active sessions.
type Sessions interface {
	// Session returns the live session with an ID, or session.ErrNotFound.
	Session(ctx context.Context, id string, now time.Time) (*session.Session, error)
	// ListSessions returns the sessions of one subject, or of all if subject is empty, that
	// follow the ID after.
	ListSessions(ctx context.Context, subject, after string, limit int, now time.Time) ([]*session.Session, error)
}

// SessionManager ends sessions, revokes their grants and queues logout notices, as
// [session.Manager] does.
type SessionManager interface {
	End(ctx context.Context, id string) (clients []string, err error)
	// EndOf returns session.ErrNotFound if the subject has no such session.
	EndOf(ctx context.Context, subject, id string) error
	EndAll(ctx context.Context, subject string) (count int, err error)
}

// sessionHandler serves the operations on the sessions of users.
type sessionHandler struct {
	guard    *userGuard
	sessions Sessions
	manager  SessionManager
	now      func() time.Time
}

func (h *sessionHandler) operations() []Operation {
	const path = "/oauth2/auth/sessions/login"
	return []Operation{{
		ID: "listOAuth2LoginSessions", Method: http.MethodGet, Path: path, Scope: apikey.SessionsRead, ReadAction: listUsers,
		Summary:   "List active sessions.",
		Query:     append([]Parameter{{Name: "subject", Type: "string", Description: "List only sessions of this subject."}}, pageParameters()...),
		Responses: map[int]any{http.StatusOK: []loginSession{}}, Do: h.list,
	}, {
		ID: "revokeOAuth2LoginSessions", Method: http.MethodDelete, Path: path, Scope: apikey.SessionsWrite, Action: "session.revoke",
		Summary: "End one session or all sessions of a user, revoke their grants and send logout notices to clients.",
		Query: []Parameter{
			{Name: "subject", Type: "string", Description: "The subject whose sessions end."},
			{Name: "sid", Type: "string", Description: "The ID of the session; excludes subject."},
		},
		Responses: map[int]any{http.StatusNoContent: nil}, Do: h.revoke,
	}}
}

// loginSession is a session as the API returns it.
type loginSession struct {
	ID              string    `json:"sid"`
	Subject         string    `json:"subject"`
	Username        string    `json:"username,omitempty"`
	AuthTime        time.Time `json:"authenticated_at"`
	ACR             string    `json:"acr"`
	AMR             []string  `json:"amr"`
	Remembered      bool      `json:"remembered"`
	CreatedAt       time.Time `json:"created_at"`
	SeenAt          time.Time `json:"last_seen_at"`
	IdleUntil       time.Time `json:"idle_until"`
	EndsAt          time.Time `json:"expires_at"`
	ProviderSession string    `json:"identity_provider_session_id,omitempty"`
	Browser         string    `json:"browser,omitempty"`
	System          string    `json:"system,omitempty" doc:"the operating system"`
	Network         string    `json:"network,omitempty"`
}

// list serves GET /oauth2/auth/sessions/login, which Ory Hydra does not have.
func (h *sessionHandler) list(r *Request) (*Response, error) {
	return listSessions(r, h.sessions, r.query().Get("subject"), h.now())
}

// listSessions returns a page of the active sessions of a subject, or of all if it is empty.
func listSessions(r *Request, from Sessions, subject string, now time.Time) (*Response, error) {
	p, err := pageFrom(r, "subject")
	if err != nil {
		return nil, err
	}
	list, err := from.ListSessions(r.Context(), subject, p.After, p.Size, now)
	if err != nil {
		return nil, err
	}
	views, last := make([]loginSession, len(list)), ""
	for i, n := range list {
		views[i] = loginSession{
			n.ID, n.Subject, n.Username, n.AuthTime.UTC(), n.ACR, full(n.AMR), n.Remembered,
			n.CreatedAt.UTC(), n.SeenAt.UTC(), n.IdleUntil.UTC(), n.EndsAt.UTC(), n.IdentityProviderSessionID,
			n.Origin.Browser, n.Origin.System, n.Origin.Network,
		}
		last = n.ID
	}
	p.linkNext(len(list), last)
	return ok(views), nil
}

// revoke serves DELETE /oauth2/auth/sessions/login. It returns no error if there is no such
// session.
func (h *sessionHandler) revoke(r *Request) (*Response, error) {
	query := r.query()
	subject, sid := query.Get("subject"), query.Get("sid")
	var err error
	switch {
	case (subject == "") == (sid == ""):
		return nil, invalid("Exactly one of the parameters subject and sid is required.")
	case sid != "":
		if err = h.guard.session(r, sid); err == nil {
			_, err = h.manager.End(r.Context(), sid)
		}
	default:
		if err = h.guard.subject(r, subject); err == nil {
			_, err = h.manager.EndAll(r.Context(), subject)
		}
	}
	if err != nil {
		return nil, err
	}
	return noContent(), nil
}
