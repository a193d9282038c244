package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/session"
)

// Sessions lists live sessions.
type Sessions interface {
	// ListSessions returns those of one subject, or where it is empty of all.
	ListSessions(ctx context.Context, subject, after string, limit int, now time.Time) ([]*session.Session, error)
}

// SessionManager ends sessions with their grants and queues logout notices, as
// [session.Manager] does.
type SessionManager interface {
	End(ctx context.Context, id string) (clients []string, err error)
	EndAll(ctx context.Context, subject string) (count int, err error)
}

func (h *Handler) loginSessionOperations() []Operation {
	const path = "/oauth2/auth/sessions/login"
	return []Operation{{
		ID: "listOAuth2LoginSessions", Method: http.MethodGet, Path: path, Scope: apikey.SessionsRead,
		Summary: "The browsers that are signed in.",
		Query:   append([]Parameter{{Name: "subject", Type: "string", Meaning: "Only those of this person."}}, pageParameters()...),
		Answers: map[int]any{http.StatusOK: []loginSession{}}, Do: h.listSessions,
	}, {
		ID: "revokeOAuth2LoginSessions", Method: http.MethodDelete, Path: path, Scope: apikey.SessionsWrite, Action: "session.revoke",
		Summary: "Signs a person out, everywhere or in one session. What was given there ends, and clients are told.",
		Query: []Parameter{
			{Name: "subject", Type: "string", Meaning: "The person."},
			{Name: "sid", Type: "string", Meaning: "The session, instead of a person."},
		},
		Answers: map[int]any{http.StatusNoContent: nil}, Do: h.revokeSessions,
	}}
}

// loginSession is a browser that is signed in.
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
}

// listSessions serves GET /oauth2/auth/sessions/login, which Hydra has not.
func (h *Handler) listSessions(c *Call) (*Reply, error) {
	p, err := pageOf(c, "subject")
	if err != nil {
		return nil, err
	}
	list, err := h.Sessions.ListSessions(c.Context(), c.URL.Query().Get("subject"), p.After, p.Size, h.Now())
	if err != nil {
		return nil, err
	}
	views, last := make([]loginSession, len(list)), ""
	for i, n := range list {
		views[i] = loginSession{
			n.ID, n.Subject, n.Username, n.AuthTime.UTC(), n.ACR, full(n.AMR), n.Remembered,
			n.CreatedAt.UTC(), n.SeenAt.UTC(), n.IdleUntil.UTC(), n.EndsAt.UTC(), n.IdentityProviderSessionID,
		}
		last = n.ID
	}
	p.follow(len(list), last)
	return ok(views), nil
}

// revokeSessions serves DELETE /oauth2/auth/sessions/login. That there is none is no
// error.
func (h *Handler) revokeSessions(c *Call) (*Reply, error) {
	asked := c.URL.Query()
	subject, sid := asked.Get("subject"), asked.Get("sid")
	var err error
	switch {
	case (subject == "") == (sid == ""):
		return nil, invalid("Either subject names a person, or sid a session.")
	case sid != "":
		_, err = h.Manager.End(c.Context(), sid)
	default:
		_, err = h.Manager.EndAll(c.Context(), subject)
	}
	if err != nil {
		return nil, err
	}
	return done(), nil
}
