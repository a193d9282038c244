// Package admin serves the administrators' API: what the operator's own programs
// call. A login app says who somebody is, a consent app what they allow, and others
// look after clients, sessions, tokens and keys.
//
// The models, statuses and errors are those of Ory Hydra, so that what was written for
// it works unchanged. Two rules hold throughout: what was answered once stays
// answered, and nothing that an app says takes the place of what the protocol
// itself says in a token.
//
//	/oauth2/auth ── 303 app?login_challenge ── GET request, PUT accept ── redirect_to
//	     ▲                                                                     │
//	     └────────────────────────── ?login_verifier ──────────────────────────┘
//
// All of it is one table of operations ([Handler.Operations]), from which come the
// routes, the OpenAPI document, who may use what, and what the audit log keeps. To add
// an endpoint, write a method func(*Call) (*Reply, error) and an entry beside it: in a
// list of your family's, which [Handler.table] joins to the others. Errors are
// returned; errors.go maps them to responses. An entry with an Action is a
// change: there is an event before Do runs, its target is what stands in the path, or
// what the operation puts into Call.Target. Lists that go from page to page use pageOf.
package admin

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/cache"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/keyset"
	"github.com/ostiary/ostiary/internal/session"
)

// Requests finds authorization requests that wait, and takes down what the apps
// say. All of them return authrequest.ErrNotFound for one that does not.
type Requests interface {
	Request(ctx context.Context, id string, now time.Time) (*authrequest.Request, error)
	// ConsentRequest also returns the session that the person passed the sign-in in
	// and what they allowed the client before, or nil.
	ConsentRequest(ctx context.Context, id string, now time.Time) (*authrequest.Request, *session.Session, *consent.Consent, error)
	// AnswerLogin returns authrequest.ErrAlreadyDecided for a request that was answered,
	// authrequest.ErrOtherSubject for another subject than the one offered to be skipped, and
	// account.ErrDisabled for one who may not sign in.
	AnswerLogin(ctx context.Context, id, subject string, login *authrequest.LoginAnswer, verifier []byte, now time.Time) error
	// AnswerConsent returns authrequest.ErrAlreadyDecided for a request that was answered. What is
	// to be remembered is remembered for lasting.
	AnswerConsent(ctx context.Context, id string, agreement *authrequest.ConsentAnswer, verifier []byte, lasting time.Duration, now time.Time) error
}

// Clients finds registered clients, from a cache.
type Clients interface {
	Client(ctx context.Context, id string) (*client.Client, error)
}

// Config is what a [Handler] is made from.
type Config struct {
	AuthorizeURL string // where apps send people back to
	LogoutURL    string // and those whose sign-out it was
	DeviceURL    string // and those with a device
	Requests     Requests
	SignOuts     SignOuts
	Devices      Devices
	UserCodes    UserCodes
	Clients      Clients
	Consents     Consents
	Sessions     Sessions
	Manager      SessionManager
	Tokens       Tokens
	Registry     Registry
	Scopes       Scopes
	Policy       client.Policy // of what the operator says of clients
	Documents    client.Documents
	Keeper       client.SecretStore
	RotatedFor   time.Duration // how long a rotated secret stays valid by default
	Keys         Keys
	Changes      cache.Changes
	KeySets      KeySets
	SigningKeys  SigningKeys
	Vault        keyset.Sealer // seals what is private in the keys of sets
	Audit        Audit
	Refusals     Refusals
	Issuers      Issuers
	Open         bool          // no key is asked for
	LoginApp     bool          // people sign in with an app of the operator's
	ConsentApp   bool          // and agree with one
	LogoutApp    bool          // and sign out with one
	DeviceApp    bool          // and enter the codes of their devices at one
	Consent      time.Duration // a remembered consent lasts so long unless the app says otherwise
	Version      string
	Address      func(context.Context) netip.Addr // of the caller
	RequestID    func(context.Context) string
	Now          func() time.Time
	Log          *slog.Logger
}

// Handler serves the API. What comes to it has passed the middleware: its method is
// right, its body is one JSON value, its query holds what is meant for it alone.
type Handler struct {
	Config

	errors     *httpapi.Errors
	keyCache   *cache.Cache[string, *apikey.Key]
	operations []Operation
}

// New returns a handler over c, all of whose members are set.
func New(c Config) *Handler {
	h := &Handler{Config: c, errors: newErrors(), keyCache: newKeyCache(&c)}
	h.operations = h.table()
	return h
}
