// Package admin serves the API by which the operator's own programs answer for
// people: a login app says who somebody is, a consent app what they allow.
//
// The models, statuses and errors are those of Ory Hydra, so that an app written
// for it works unchanged. Two rules hold throughout: what was answered once stays
// answered, and nothing that an app says takes the place of what the protocol
// itself says in a token.
//
//	/oauth2/auth ── 303 app?login_challenge ── GET request, PUT accept ── redirect_to
//	     ▲                                                                     │
//	     └────────────────────────── ?login_verifier ──────────────────────────┘
package admin

import (
	"context"
	"log/slog"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/session"
)

// Requests finds authorization requests that wait, and takes down what the apps
// say. All of them return grant.ErrNoRequest for one that does not.
type Requests interface {
	Request(ctx context.Context, id string, now time.Time) (*grant.Request, error)
	// ConsentRequest also returns the session that the person passed the sign-in in
	// and what they allowed the client before, or nil.
	ConsentRequest(ctx context.Context, id string, now time.Time) (*grant.Request, *session.Session, *grant.Consent, error)
	// AnswerLogin returns grant.ErrDecided for a request that was answered,
	// grant.ErrOtherSubject for another subject than the one offered to be skipped, and
	// account.ErrBarred for one who may not sign in.
	AnswerLogin(ctx context.Context, id, subject string, login *grant.Login, verifier []byte, now time.Time) error
	// AnswerConsent returns grant.ErrDecided for a request that was answered. What is
	// to be remembered is remembered for lasting.
	AnswerConsent(ctx context.Context, id string, agreement *grant.Agreement, verifier []byte, lasting time.Duration, now time.Time) error
}

// Clients finds registered clients, from a cache.
type Clients interface {
	Client(ctx context.Context, id string) (*client.Client, error)
}

// Config is what a [Handler] is made from.
type Config struct {
	AuthorizeURL string // where apps send people back to
	LogoutURL    string // and those whose sign-out it was
	Requests     Requests
	SignOuts     SignOuts
	Clients      Clients
	Keys         Keys
	Open         bool          // no key is asked for
	Consent      time.Duration // a remembered consent lasts so long unless the app says otherwise
	Now          func() time.Time
	Log          *slog.Logger
}

// Handler serves the API. What comes to it has passed the middleware: its method is
// right, its body is one JSON value, its query holds what is meant for it alone.
type Handler struct {
	Config

	known known
}

// New returns a handler over c, all of whose members are set.
func New(c Config) *Handler { return &Handler{Config: c} }
