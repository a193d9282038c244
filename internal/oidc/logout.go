package oidc

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/web"
)

// Verifier verifies tokens that we signed.
type Verifier interface {
	Verify(token string, typs ...string) (payload []byte, kid string, err error)
}

// Browser reads and clears the session cookie.
type Browser interface {
	Session(r *http.Request) (cookie string, ok bool)
	ClearSession(w http.ResponseWriter)
}

// Sessions is what signing out asks of the store.
type Sessions interface {
	SessionAndConsent(ctx context.Context, cookieHash []byte, clientID string, now time.Time) (*session.Session, *grant.Consent, error)
	// EndSession ends the session and the grants that were given in it.
	EndSession(ctx context.Context, id string, now time.Time) error
}

// Pages are what a person sees while signing out.
type Pages interface {
	SignOut(w http.ResponseWriter, status int, page web.SignOut)
	SignedOut(w http.ResponseWriter, status int, page web.SignedOut)
	Error(w http.ResponseWriter, status int, page web.Error)
}

// Logout serves the end-session endpoint.
type Logout struct {
	Issuer   string
	Path     string // of the endpoint itself, where its form posts to
	Key      []byte // MACs the confirmation
	Verifier Verifier
	Clients  Clients
	Sessions Sessions
	Browser  Browser
	Pages    Pages
	Now      func() time.Time
	Log      *slog.Logger
}

// ServeHTTP serves GET and POST /oauth2/sessions/logout.
func (l *Logout) ServeHTTP(w http.ResponseWriter, r *http.Request) {}
