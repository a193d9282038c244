// Package login serves the pages a person sees on the way to a client:
// sign-in, sign-up, consent, the code of a device and the first administrator's set-up.
//
// The authorization endpoint sends a person here with the id of a stored
// request. A page does one thing, notes it on that request, and returns to the
// endpoint, which alone decides the next step. Three rules hold on every page:
// opening it changes nothing, only the browser that began a request goes on with
// it, and what could not be checked is never answered as if it had been wrong.
package login

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/scope"
	"github.com/ostiary/ostiary/internal/session"
)

// Accounts finds people, and takes in those who sign up.
type Accounts interface {
	// Both return account.ErrNotFound for who is not there.
	Account(ctx context.Context, subject string) (*account.Account, error)
	AccountByUsername(ctx context.Context, username string) (*account.Account, error)
	// InsertAccount returns account.ErrExists for a username that is taken.
	InsertAccount(ctx context.Context, a *account.Account) error
	// RenewPasswordHash is a compare-and-set: it reports false if old is not the
	// account's hash any more.
	RenewPasswordHash(ctx context.Context, subject, old, renewed string) (bool, error)
	// KnownSource returns which devices and networks of source the account has signed in from.
	KnownSource(ctx context.Context, source account.SignInSource, now time.Time) (account.KnownSource, error)
}

// Sessions finds the live session of a cookie, or returns session.ErrNotFound.
type Sessions interface {
	SessionAndConsent(ctx context.Context, cookie []byte, clientID string, now time.Time) (*session.Session, *consent.Consent, error)
}

// Manager begins sessions, as [session.Manager] does.
type Manager interface {
	Begin(w http.ResponseWriter, r *http.Request, current *session.Session, a session.Authentication) (*session.Session, error)
}

// Requests finds the authorization requests that wait for a person, and takes
// down what the person did.
type Requests interface {
	Request(ctx context.Context, id string, now time.Time) (*authrequest.Request, error)
	// RequestClient finds the client of a request of this browser, also of one that has run
	// out: authrequest.ErrNotFound for those of other browsers.
	RequestClient(ctx context.Context, id string, browser, cookie []byte) (clientID string, err error)
	RecordSignIn(ctx context.Context, id, sessionID string, at, now time.Time) error
	RecordChoice(ctx context.Context, id, sessionID string, now time.Time) error
	RecordDecision(ctx context.Context, id string, d authrequest.Decision, subject string, remember *consent.Consent, now time.Time) error
}

// Clients finds registered clients.
type Clients interface {
	Client(ctx context.Context, id string) (*client.Client, error)
}

// Guesses counts tries at passwords, and at making accounts, for all replicas
// together.
type Guesses interface {
	// CountGuess counts one more try under key and returns how many there were
	// since the window began. A window that has passed begins anew.
	CountGuess(ctx context.Context, key string, window time.Duration, now time.Time) (count int, since time.Time, err error)
	// GuessState reads what was counted, and zero once the window has passed.
	GuessState(ctx context.Context, key string, now time.Time) (count int, since time.Time, err error)
	ForgetGuesses(ctx context.Context, key string) error
}

// SetUp makes the first administrator, once.
type SetUp interface {
	HasAdministrator(ctx context.Context) (bool, error)
	SetupLink(ctx context.Context, hash []byte, now time.Time) error
	SpendSetupLink(ctx context.Context, hash []byte, first *account.Account, now time.Time) error
}

// Pages draws the pages.
type Pages interface {
	SignIn(w http.ResponseWriter, status int, v pages.SignIn)
	SignUp(w http.ResponseWriter, status int, v pages.SignUp)
	Choose(w http.ResponseWriter, status int, v pages.Choose)
	Consent(w http.ResponseWriter, status int, v pages.Consent)
	Device(w http.ResponseWriter, status int, v pages.Device)
	DeviceCheck(w http.ResponseWriter, status int, v pages.DeviceCheck)
	DeviceDone(w http.ResponseWriter, status int, v pages.DeviceDone)
	Setup(w http.ResponseWriter, status int, v pages.Setup)
	SetupDone(w http.ResponseWriter, status int, v pages.SetupDone)
	Home(w http.ResponseWriter, status int, v pages.Home)
	Error(w http.ResponseWriter, status int, v pages.Error)
}

// Lifetimes of what the pages give out, or speak of.
type Lifetimes struct {
	Consent time.Duration // of a consent that is remembered beyond its session
	Grant   time.Duration // what offline access lasts at most, for the consent page to say
	Device  time.Duration // of a device's code
}

// Config is what a [Handler] is made from.
type Config struct {
	Issuer string // every address the pages name begins with it
	Iss    string // the same as clients know it, which may end with a slash

	Accounts  Accounts
	Sessions  Sessions
	Manager   Manager
	Requests  Requests
	Clients   Clients
	Scopes    scope.Source
	Guesses   Guesses
	SetUp     SetUp
	Devices   Devices
	UserCodes UserCodes
	// DeviceApp is the operator's own, which asks for devices' codes; empty if there is
	// none.
	DeviceApp string
	Hasher    *account.Hasher
	Pages     Pages
	Cookies   session.Cookies

	Lifetimes Lifetimes
	Open      bool // whether people may make accounts for themselves
	Elsewhere bool // whether people sign in with an app of the operator's
	Throttle  bool
	Address   func(context.Context) netip.Addr
	// Networks returns the nested networks of an address, the narrowest first.
	Networks func(netip.Addr) []netip.Prefix
	Now      func() time.Time
	// AccountDigest returns what the log names instead of a user name: a keyed digest.
	AccountDigest func(username string) string
	Log           *slog.Logger
}

// Handler serves the pages. What comes to it has passed the middleware: its
// method is right, its parameters are parsed into Form and PostForm, each comes
// once, and no other site has posted it.
type Handler struct {
	Config
}

// New returns a handler over c, all of whose members are set.
func New(c Config) *Handler { return &Handler{Config: c} }
