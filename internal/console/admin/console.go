// Package admin is the administrators' console: the pages below /console, on which operators see
// and change what the command line and the admin API do.
//
// The console is a relying party of this server, with the built-in client [client.ConsoleID]:
// signin.go gets a code for it, cookie.go keeps who signed in, and visit.go requires session,
// level, role and scope of each request. To add a page, write a file with its handlers, a row of
// the table in [Console.pages], and a template console-NAME.html with the struct of its content in
// package pages. A GET changes nothing. A POST calls the same function of package manage as the
// admin API, in [visit.change], and ends in [visit.done].
package admin

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/preset"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/session"
)

// Sessions reads sessions.
type Sessions interface {
	// Session returns the live session with an ID, or [session.ErrNotFound].
	Session(ctx context.Context, id string, now time.Time) (*session.Session, error)
	// ListSessions returns up to limit live sessions in the order of IDs, starting after the ID
	// after, for one subject unless it is empty.
	ListSessions(ctx context.Context, subject, after string, limit int, now time.Time) ([]*session.Session, error)
}

// Accounts reads accounts.
type Accounts interface {
	Account(ctx context.Context, subject string) (*account.Account, error)
}

// Keys reads signing keys.
type Keys interface {
	Records(ctx context.Context) ([]jwks.Record, error)
}

// Events reads the audit log.
type Events interface {
	// ListEvents returns the newest events that are older than the ID before.
	ListEvents(ctx context.Context, f audit.Filter, before string, limit int) ([]*audit.Event, error)
	// NewerEvents returns the oldest events that are newer than the ID after, the newest first.
	NewerEvents(ctx context.Context, f audit.Filter, after string, limit int) ([]*audit.Event, error)
}

// Refusals finds rejected requests.
type Refusals interface {
	// Refusal returns the newest record with the request ID, or [refusal.ErrNotFound].
	Refusal(ctx context.Context, requestID string) (*refusal.Record, error)
	// ListRefusals returns the newest records that are older than the ID before.
	ListRefusals(ctx context.Context, f refusal.Filter, before string, limit int) ([]*refusal.Record, error)
}

// Pages renders pages.
type Pages interface {
	Show(w http.ResponseWriter, r *http.Request, status int, page pages.Page)
	Error(w http.ResponseWriter, r *http.Request, status int, v pages.Error)
}

// Config has the dependencies of a [Console].
type Config struct {
	// Root is the URL of the console without a trailing slash, as a browser sees it, and Issuer the
	// issuer identifier.
	Root, Issuer string
	// AuthorizeURL is the authorization endpoint of the issuer, SignOutURL its sign-out page,
	// AccountURL the account console, empty if there is none.
	AuthorizeURL, SignOutURL, AccountURL string
	// Redeem exchanges an authorization code of the client for an ID token.
	Redeem func(ctx context.Context, code, verifier string) (*Identity, error)
	// HasMail reports that the server sends mail.
	HasMail bool
	// Sealer seals cookies.
	Sealer Sealer
	// API calls an operation of the admin API. Its errors are [httpapi.Error].
	API func(r *http.Request, c Call) (*Result, error)
	// Trials runs the flows of clients.
	Trials Trials
	// RoleScopes returns the scopes of a role of administrators.
	RoleScopes func(account.AdminRole) []string

	Sessions Sessions
	// Touch moves the idle timeout of a session that is used.
	Touch    func(r *http.Request, s *session.Session) error
	Accounts Accounts
	Keys     Keys
	Events   Events
	Refusals Refusals
	AuditLog manage.AuditLog
	Pages    Pages
	// Text returns a message in the language of the response.
	Text func(r *http.Request, m messages.Message) string
	// Address and RequestID return the address of the caller and the ID of the request.
	Address   func(context.Context) netip.Addr
	RequestID func(context.Context) string
	// PresetServer describes this server in the settings of applications.
	PresetServer preset.Server
	Version      string
	// RotateKeysEvery is the time for which a signing key signs, KeySetLifetime that for which clients may cache the
	// key set, and TokenLifetime the longest lifetime of a token.
	RotateKeysEvery, KeySetLifetime, TokenLifetime time.Duration
	// CertificateEnds returns the end of the TLS certificate, zero without one; nil if it is unknown.
	CertificateEnds func() time.Time
	Settings        []Setting
	Now             func() time.Time
	Log             *slog.Logger
}

// Console serves the administrators' console.
type Console struct{ *Config }

// New returns the console over c.
func New(c Config) *Console { return &Console{&c} }

// Route is a page for the router.
type Route struct {
	Path      string           // below the root of the console
	Get, Post http.HandlerFunc // each may be nil
	// Read and Write are the scopes that a role needs for them, empty for every role.
	Read, Write string
	// FileBytes is the maximum size of a form with a file, 0 for a page without one.
	FileBytes int64
	// FromOtherSites reports that the issuer redirects browsers to the page.
	FromOtherSites bool
}

// Routes returns the pages of the console.
func (c *Console) Routes() []Route {
	routes := []Route{
		{Path: callbackPath, Get: c.callback, FromOtherSites: true},
		{Path: tryCallbackPath, Get: c.tryCallback, FromOtherSites: true},
	}
	for _, p := range c.pages() {
		route := Route{Path: p.path, Get: c.serve(p, p.get), Read: p.read, Write: p.write, FileBytes: p.fileBytes}
		if p.post != nil {
			route.Post = c.serve(p, p.post)
		}
		routes = append(routes, route)
	}
	return routes
}
