// Package authorize serves the OAuth 2.0 endpoints: authorize, token, revoke and
// introspect.
//
// It is the only room that knows fosite. fosite is the engine and never the
// edge: requests are checked before it sees them, it reads and writes one grant
// through a [unit] of work, and answers and errors are written here. Everything
// the room needs from elsewhere it names as a small interface of its own, and
// cmd/server supplies it.
//
//	GET /oauth2/auth ── validate ── decide ──┬── 303 /login?request=ID ──┐
//	     ▲                                   ├── 303 /consent?request=ID ┤
//	     └────────── ?continue=ID ───────────┼───────────────────────────┘
//	                                         └── grant ── fosite ── answer
//
// Where the operator has a login or consent app, people go there in place of the
// pages and come back with a verifier in place of the request's id.
//
// A device, on which nobody signs in, has its person enter a code elsewhere. From there
// they go the same way, and the device asks meanwhile how it stands.
//
//	POST /oauth2/token ── authenticate ── fosite ── claim (one statement) ── mint ── answer
package authorize

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/ory/fosite"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/oauth2/assertion"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/scope"
	"github.com/ostiary/ostiary/internal/session"
)

// Clients finds registered clients, from a cache of bounded age.
type Clients interface {
	// Client returns client.ErrNotFound for an id that is not registered.
	Client(ctx context.Context, id string) (*client.Client, error)
}

// Authenticator establishes which client a request comes from.
type Authenticator interface {
	Authenticate(ctx context.Context, r *http.Request) (*client.Client, error)
}

// Grants reads and changes grants. Each method is one statement when it wins.
type Grants interface {
	InsertGrant(ctx context.Context, g *grant.Grant) error
	RedeemCode(ctx context.Context, s grant.CodeRedemption) (*grant.GrantWithAccount, error)
	RotateRefresh(ctx context.Context, r grant.RefreshRotation) (*grant.GrantWithAccount, error)
	LiveGrant(ctx context.Context, ref grant.Locator, jti string, now time.Time) (*grant.GrantWithAccount, error)
	LiveClient(ctx context.Context, clientID, jti string, issuedAt, now time.Time) error
	LiveAsserted(ctx context.Context, a grant.AssertedToken, now time.Time) error
	// WhyInactive returns why an access token with the ID jti under a grant is not active,
	// after LiveGrant has returned grant.ErrNotFound. It is nil if the token is active.
	WhyInactive(ctx context.Context, ref grant.Locator, jti string, now time.Time) (*refusal.Cause, error)
	RevokeGrant(ctx context.Context, ref grant.Locator, clientID string, why grant.RevocationReason, now time.Time) error
	DenyToken(ctx context.Context, jti string, until time.Time) error
}

// Sessions finds who is signed in in a browser, and keeps requests that wait for
// a person.
type Sessions interface {
	SessionAndConsent(ctx context.Context, cookie []byte, clientID string, now time.Time) (*session.Session, *consent.Consent, error)
	// JoinSession returns session.ErrNotFound if the session has ended. Unless it is
	// empty, knownAs is the client's name for the person.
	JoinSession(ctx context.Context, sessionID, clientID, knownAs string, now time.Time) error
	InsertRequest(ctx context.Context, r *authrequest.Request) error
	// Resume returns a request, and what SessionAndConsent does or nil.
	Resume(ctx context.Context, id string, cookie []byte, now time.Time) (*authrequest.Request, *session.Session, *consent.Consent, error)
	// RequestClient finds the client of a request of this browser, also of one that has run
	// out: authrequest.ErrNotFound for those of other browsers.
	RequestClient(ctx context.Context, id string, browser, cookie []byte) (clientID string, err error)
}

// RequestObjects turns a request that comes as a request object into plain
// parameters.
type RequestObjects interface {
	Open(ctx context.Context, c *client.Client, form url.Values) (url.Values, error)
}

// Keys signs tokens and verifies those it signed.
type Keys interface {
	SignClaims(ctx context.Context, alg jwks.Algorithm, typ string, claims any) (string, error)
	Verify(token string, typs ...string) (payload []byte, kid string, err error)
	// VerifyHint also accepts keys that have left the key set, and returns
	// jwks.ErrUnknownKey for one that is gone for good.
	VerifyHint(token string) (payload []byte, err error)
}

// Pages shows a person what cannot be said by a redirect.
type Pages interface {
	Error(w http.ResponseWriter, status int, v pages.Error)
	FormPost(w http.ResponseWriter, status int, v pages.FormPost)
	DeviceDone(w http.ResponseWriter, status int, v pages.DeviceDone)
}

// Lifetimes of what the room gives out.
type Lifetimes struct {
	Code            time.Duration // at most 60 s
	AccessToken     time.Duration
	IDToken         time.Duration
	LongestToken    time.Duration // what a client's own lifespan may make of either
	RefreshIdle     time.Duration // a refresh token ends when it is not used for so long
	RefreshAbsolute time.Duration // and with its grant
	RefreshGrace    time.Duration // in which the previous refresh token gets the current one again
	Request         time.Duration // an authorization request waits so long for a person
	Device          time.Duration // and a device so long; no longer than a request
	DeviceWait      time.Duration // between two of its polls
}

// Config is what a [Handler] is made from.
type Config struct {
	Issuer string
	// AuthorizeURL is the endpoint's own address.
	AuthorizeURL string
	// SignUp allows prompt=create.
	SignUp bool
	// DeviceURL is where people enter the codes of devices. DeviceDone is the operator's
	// own page where they end; empty for one of ours.
	DeviceURL, DeviceDone string

	Clients        Clients
	Authenticator  Authenticator
	Grants         Grants
	Sessions       Sessions
	SignIn         SignInProvider
	Consent        ConsentProvider
	LoginApp       LoginApp
	ConsentApp     ConsentApp
	SessionManager SessionManager
	Devices        Devices
	UserCodes      UserCodes
	Keys           Keys
	RequestObjects RequestObjects
	Assertions     *assertion.Reader // of trusted issuers
	Hooks          Hooks
	Pages          Pages
	Cookies        session.Cookies
	Subjects       client.Subjects
	Codec          *tokens.Codec
	Sealer         *tokens.Sealer
	Encrypter      Encrypter
	Scopes         scope.Source

	Lifetimes Lifetimes
	// MaxRedirectURL bounds the address of an answer to a client, in bytes.
	MaxRedirectURL int
	// LegacyResponseTypes allows the implicit and hybrid response types to clients
	// that registered them.
	LegacyResponseTypes bool
	OpaqueAccessToken   bool // the default; a client may differ
	MinimalIDToken      bool // the default; a client may differ
	AccessTokenAlg      jwks.Algorithm
	ClaimStyle          ClaimStyle             // of those that are signed
	Issued              func(grantType string) // counts an answer of the token endpoint
	Now                 func() time.Time
	Log                 *slog.Logger
}

// Handler serves the endpoints.
type Handler struct {
	Config
	engine *fosite.Fosite
}

// New returns a handler over c, all of whose members are set.
func New(c Config) *Handler {
	h := &Handler{Config: c}
	h.engine = newEngine(h)
	return h
}
