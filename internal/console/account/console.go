// Package account is the account console: the pages below /account, on which users see and
// change what belongs to their account.
//
// To add a page, write a file with its handlers, a row of the table in [Console.pages], and a
// template account-NAME.html with the struct of its content in package pages. A page of another
// package is an [AddedPage]. The frame (frame.go) requires the session of the user, a recent one
// for pages that change how users sign in, and writes menu, result and errors. A GET changes
// nothing. A POST ends in [visit.done], which redirects to the page that shows the result, or
// shows the form again with its errors. Middleware has rejected the posts of other sites and
// parsed the parameters, each at most once.
package account

import (
	"context"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/activity"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/detail"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/passwordpolicy"
	"github.com/ostiary/ostiary/internal/session"
)

// Sessions reads sessions.
type Sessions interface {
	RecentSessions(ctx context.Context, subject string, after *session.Session, limit int, now time.Time) ([]*session.Session, error)
	CountSessions(ctx context.Context, subject string, now time.Time) (int, error)
}

// SessionManager changes sessions, as [session.Manager] does.
type SessionManager interface {
	Begin(w http.ResponseWriter, r *http.Request, current *session.Session, a session.Authentication) (*session.Session, error)
	Touch(r *http.Request, s *session.Session) error
	EndOf(ctx context.Context, subject, id string) error
	EndAll(ctx context.Context, subject string) (count int, err error)
	EndOthers(ctx context.Context, subject, keep string) (count int, err error)
	ReplacePassword(ctx context.Context, a *account.Account, hash, keep string) error
}

// Accounts reads and changes accounts.
type Accounts interface {
	Account(ctx context.Context, subject string) (*account.Account, error)
	// ChangeAccount applies change, again after a concurrent change.
	ChangeAccount(ctx context.Context, subject string, now time.Time, change func(*account.Account) error) (*account.Account, error)
	// ChangeProfile is ChangeAccount, and records that the user changed the profile.
	ChangeProfile(ctx context.Context, subject string, now time.Time, change func(*account.Account) error) error
	// RequestDeletion disables an account, which the store deletes later. It returns
	// account.ErrLastOwner for the last owner.
	RequestDeletion(ctx context.Context, subject string, now time.Time) error
}

// Consents reads and ends what applications may do.
type Consents interface {
	Applications(ctx context.Context, subject string, now time.Time) ([]*consent.Application, error)
	// RevokeConsents ends the consents and the grants of a subject for a client.
	RevokeConsents(ctx context.Context, subject, clientID string, now time.Time) error
}

// Activity reads what happened to accounts.
type Activity interface {
	// ListActivity returns up to limit events, the newest first, before the event with the ID
	// before unless that is empty. Without kinds it returns those of all kinds.
	ListActivity(ctx context.Context, subject, before string, limit int, kinds ...activity.Kind) ([]*activity.Event, error)
}

// Attributes has the attributes that accounts may have.
type Attributes interface {
	ListAttributes(ctx context.Context) ([]*account.Attribute, error)
}

// Clients finds registered clients.
type Clients interface {
	Client(ctx context.Context, id string) (*client.Client, error)
}

// Passwords verifies the passwords of users.
type Passwords interface {
	// VerifyPassword returns the account of the username. It returns an [*httpapi.Error] with
	// status 403 if the password is wrong, and 429 with the time to wait after too many.
	VerifyPassword(r *http.Request, username, password string) (*account.Account, error)
	// NeedsSecondFactor reports whether the policy of the operator requires a second factor of
	// the user in addition to the password.
	NeedsSecondFactor(a *account.Account) bool
}

// Pages renders pages.
type Pages interface {
	Show(w http.ResponseWriter, r *http.Request, status int, page pages.Page)
	Error(w http.ResponseWriter, r *http.Request, status int, v pages.Error)
}

// PasswordPolicy decides which passwords users may choose.
type PasswordPolicy interface {
	// Check returns a [*passwordpolicy.Fault] for a password that the user may not set.
	Check(ctx context.Context, c passwordpolicy.Choice) error
}

// Texts describes clients and scopes to users.
type Texts interface {
	Client(c *client.Client) pages.Client
	Scopes(ctx context.Context, names []string) ([]pages.Scope, error)
	// Details leaves out details that cannot be put in words.
	Details(ctx context.Context, list detail.List) ([]pages.Detail, error)
	// Text and Label return a message and the name of a client in the language of the response.
	Text(r *http.Request, m messages.Message) string
	Label(r *http.Request, c pages.Client) string
}

// Config has the dependencies of a [Console].
type Config struct {
	Issuer string // without a trailing slash: the prefix of every URL on the pages
	Iss    string // the issuer identifier, which may end with a slash
	// SignOut is the URL of the sign-out page.
	SignOut string
	// LoginApp reports that users sign in with an app of the operator, which owns their passwords.
	LoginApp bool

	// Session returns the session of the user. A sensitive page requires that the user
	// authenticated a moment ago, at the highest level of the account. If there is no such
	// session, Session sends the user to sign in and back, and returns false.
	Session func(w http.ResponseWriter, r *http.Request, sensitive bool) (*session.Session, bool)
	// OfferUndo gives the browser a link to undo the deletion of an account, and returns the page.
	OfferUndo func(w http.ResponseWriter, r *http.Request, subject string) (page string, err error)
	// OfferNotMe gives the browser a link that ends all sessions of an account, and returns the page.
	OfferNotMe func(w http.ResponseWriter, r *http.Request, a *account.Account) (page string, err error)
	// PasskeyUser returns the relying party ID and the user handle of a user, for authenticators; nil
	// if passkeys are off.
	PasskeyUser func(subject string) (rpID, handle string)
	// Added are the pages of other packages.
	Added []AddedPage

	Sessions       Sessions
	SessionManager SessionManager
	Accounts       Accounts
	Attributes     Attributes
	Consents       Consents
	Activity       Activity
	DataFiles      DataFiles
	// Credentials returns all credentials without their secrets.
	Credentials    func(ctx context.Context, a *account.Account) ([]credential.Info, error)
	Clients        Clients
	Approvals      Approvals
	Decisions      Decisions
	Passwords      Passwords
	PasswordPolicy PasswordPolicy
	Hasher         *credential.Hasher
	Mail           Mail // nil if the server sends no mail
	Texts          Texts
	Pages          Pages
	Cookies        session.Cookies
	Now            func() time.Time
}

// Console serves the account console.
type Console struct{ *Config }

// New returns the console over c.
func New(c Config) *Console { return &Console{&c} }

// Route is a page for the router.
type Route struct {
	Path      string           // begins with /account
	Get, Post http.HandlerFunc // Post is nil if the page has no form
	// Hashes reports that a post computes a password hash.
	Hashes bool
}

// Routes returns the pages of the console.
func (c *Console) Routes() []Route {
	var routes []Route
	for _, p := range c.pages() {
		route := Route{Path: Root + p.path, Hashes: p.hashes}
		switch {
		case p.added != nil:
			route.Get, route.Post = c.framed(p, p.added.Get), c.framed(p, p.added.Post)
		case p.post != nil:
			route.Post = c.serve(p, p.post)
			fallthrough
		default:
			route.Get = c.serve(p, p.get)
		}
		routes = append(routes, route)
	}
	return routes
}
