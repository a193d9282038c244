// Package authorize serves the authorization endpoint: it checks authorization requests,
// decides what they still need, and writes grants and authorization responses.
//
// A request is checked completely before the user signs in ([Requests]). Then the dispatcher
// compares it with the session and the consent of the browser, and sends the user to the
// login page, to the consent page, or back to the client with a response. The pages, or custom
// login and consent apps, note one thing on the stored request and send the user back to this
// endpoint: only the dispatcher decides the next step.
//
// The request of a device takes the same path. Its response is the grant itself.
package authorize

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/oauth2/engine"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/session"
)

// Clients finds registered clients.
type Clients interface {
	// Client returns [client.ErrNotFound] for an unknown ID.
	Client(ctx context.Context, id string) (*client.Client, error)
}

// Store reads the sessions of browsers, and keeps authorization requests that wait for their
// users. Each method is one statement.
type Store interface {
	session.Reader
	// JoinSession makes the client a logout participant of the session. It returns
	// [session.ErrNotFound] if the session has ended. knownAs is the client's name for the
	// user, empty for the default.
	JoinSession(ctx context.Context, sessionID, clientID, knownAs string, now time.Time) error
	InsertRequest(ctx context.Context, r *authrequest.Request) error
	// Resume returns a request, and the result of SessionAndConsent or nil.
	Resume(ctx context.Context, id string, cookie []byte, now time.Time) (*authrequest.Request, *session.Session, *consent.Consent, error)
	// RequestClient returns the client of a request of this browser, even of an expired one,
	// or [authrequest.ErrNotFound].
	RequestClient(ctx context.Context, id string, browser, cookie []byte) (clientID string, err error)
}

// Sessions moves the idle timeout of sessions, as [session.Manager] does.
type Sessions interface {
	Touch(r *http.Request, s *session.Session) error
}

// Grants stores grants.
type Grants interface {
	// InsertGrant returns [grant.ErrExists] if the request was answered before.
	InsertGrant(ctx context.Context, g *grant.Grant) error
}

// Devices stores the decisions of the users of devices.
type Devices interface {
	// AllowDevice returns [devicecode.ErrNotFound] for a device that does not wait.
	AllowDevice(ctx context.Context, g *grant.Grant, now time.Time) error
	DenyDevice(ctx context.Context, ref grant.Locator, now time.Time) error
}

// Engine makes the codes and tokens of authorization responses, as [engine.Engine] does.
type Engine interface {
	Authorize(ctx context.Context, a *engine.Authorization) (*engine.AuthorizationResponse, error)
}

// Pages shows errors and form_post responses to users.
type Pages interface {
	Error(w http.ResponseWriter, r *http.Request, status int, v pages.Error)
	FormPost(w http.ResponseWriter, r *http.Request, status int, v pages.FormPost)
	DeviceDone(w http.ResponseWriter, r *http.Request, status int, v pages.DeviceDone)
}

// Config holds the dependencies and settings of a [Handler]. All members except DeviceDone are
// required.
type Config struct {
	Issuer string
	// AuthorizeURL is the URL of the endpoint.
	AuthorizeURL string
	// HighestLevel returns the highest level that the credentials of an account reach.
	HighestLevel func(ctx context.Context, subject string) (string, error)
	// TermsVersion is the version of the terms that users have to have accepted; empty for none.
	TermsVersion string
	// PageURL returns the URL of a page of this server, given its path and query.
	PageURL func(path string) string
	// DeviceDone is the URL of a custom page after a device was allowed; empty for the default.
	DeviceDone string

	Requests   *Requests
	Clients    Clients
	Store      Store
	Pushed     PushedRequests
	Sessions   Sessions
	SignIn     SignInProvider
	Consent    ConsentProvider
	LoginApp   LoginApp
	ConsentApp ConsentApp
	Grants     Grants
	Devices    Devices
	Engine     Engine
	Signer     ResponseSigner
	Encrypter  oauth2.Encrypter
	Pages      Pages
	Cookies    session.Cookies
	Subjects   client.Subjects

	// Used notes that a user has signed in to a client.
	Used func(clientID string)

	Lifetimes       *tokens.Lifetimes
	RequestLifetime time.Duration // of a request that waits for its user
	MaxRedirectURL  int           // bounds the Location of a response, in bytes
	Now             func() time.Time
	Log             *slog.Logger
}

// Handler serves the authorization endpoint.
type Handler struct {
	Config
}

// New returns a handler over c.
func New(c Config) *Handler { return &Handler{c} }
