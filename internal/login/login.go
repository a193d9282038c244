// Package login is the sign-in service: the pages on which users sign in, sign up,
// select an account, consent and enter a device's user code, and the setup page of the
// first administrator.
//
// The authorization endpoint redirects a user here with the ID of a stored authorization
// request. A page does one thing, records it on that request, and redirects back to the
// endpoint, which decides the next step; flow.go has that path. Every page follows three
// rules: a GET changes nothing, only the browser that began a request continues it, and a
// check that could not run is never reported as a failed check.
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
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/passkey"
	"github.com/ostiary/ostiary/internal/scope"
	"github.com/ostiary/ostiary/internal/secondfactor"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/signup"
)

// Accounts reads accounts and adds those of users who sign up.
type Accounts interface {
	// Account and AccountBySignInName return account.ErrNotFound for an unknown account.
	Account(ctx context.Context, subject string) (*account.Account, error)
	// AccountBySignInName finds an account by its username or a verified email address.
	AccountBySignInName(ctx context.Context, name string) (*account.Account, error)
	// InsertAccount returns account.ErrExists if the username is taken.
	InsertAccount(ctx context.Context, a *account.Account) error
	// RenewPasswordHash is a compare-and-set: it returns false if the hash of the account
	// is no longer old.
	RenewPasswordHash(ctx context.Context, subject, old, renewed string) (bool, error)
	HasAdministrator(ctx context.Context) (bool, error)
}

// Sources remembers the devices and networks that accounts sign in from.
type Sources interface {
	// KnownSource returns which devices and networks of source the account has signed in from.
	KnownSource(ctx context.Context, source account.SignInSource, now time.Time) (account.KnownSource, error)
}

// SessionManager begins and ends sessions and changes passwords, as [session.Manager] does.
type SessionManager interface {
	Begin(w http.ResponseWriter, r *http.Request, current *session.Session, a session.Authentication) (*session.Session, error)
	ReplacePassword(ctx context.Context, a *account.Account, hash, keep string) error
	// End ends a session, and returns the clients that participated in it.
	End(ctx context.Context, id string) (clients []string, err error)
}

// Requests reads authorization requests that wait for a user, and records what the user
// did. Unknown and expired requests are authrequest.ErrNotFound.
type Requests interface {
	Request(ctx context.Context, id string, now time.Time) (*authrequest.Request, error)
	// RequestClient returns the client of a request of this browser, even an expired one,
	// and authrequest.ErrNotFound for the requests of other browsers.
	RequestClient(ctx context.Context, id string, browser, cookie []byte) (clientID string, err error)
	RecordSignIn(ctx context.Context, id, sessionID string, at, now time.Time) error
	RecordChoice(ctx context.Context, id, sessionID string, now time.Time) error
	// RecordDecision returns authrequest.ErrAlreadyDecided if the subject has decided before.
	// RecordPartialConsent records an acceptance and the parameters with the accepted scopes.
	RecordPartialConsent(ctx context.Context, id, subject, parameters string, remember *consent.Consent, now time.Time) error
	RecordDecision(ctx context.Context, id string, d authrequest.Decision, subject string, remember *consent.Consent, now time.Time) error
}

// SignIns records the factors of sign-ins that are not complete, in their requests. Unknown and
// expired requests are authrequest.ErrNotFound.
type SignIns interface {
	RecordFirstFactor(ctx context.Context, id string, first *authrequest.FirstFactor, now time.Time) error
	RecordFactorDeclined(ctx context.Context, id, subject string, now time.Time) error
}

// SecondFactors verifies and enrols second factors, as [secondfactor.Service] does.
type SecondFactors interface {
	Enrolled(ctx context.Context, subject string) (secondfactor.FactorSet, error)
	VerifyTOTP(ctx context.Context, subject, code string, now time.Time) error
	VerifyRecoveryCode(ctx context.Context, subject, code string, now time.Time) (left int, err error)
	BeginTOTP(ctx context.Context, subject, issuer, username string, b secondfactor.Binding) (secondfactor.Enrolment, error)
	ConfirmTOTP(ctx context.Context, subject, code, label string, b secondfactor.Binding, now time.Time) (*secondfactor.Authenticator, error)
}

// TrustedDevices remembers the devices that need no second factor, as
// [secondfactor.TrustedDevices] does.
type TrustedDevices interface {
	Trust(w http.ResponseWriter, r *http.Request, a *account.Account, now time.Time) error
	Trusts(r *http.Request, subject string, now time.Time) (bool, error)
}

// Deadlines keeps when users must have enrolled a second factor.
type Deadlines interface {
	// EnrolmentDeadline returns the deadline of a user, which is first for a user without one.
	EnrolmentDeadline(ctx context.Context, subject string, first time.Time) (time.Time, error)
}

// Clients finds registered clients.
type Clients interface {
	// Client returns client.ErrNotFound for an unknown client ID.
	Client(ctx context.Context, id string) (*client.Client, error)
}

// Attempts counts attempts by key, for all replicas together.
type Attempts interface {
	// CountAttempt adds one attempt under key and returns how many there were since the
	// window began. An attempt after the window has ended begins the next one.
	CountAttempt(ctx context.Context, key string, window time.Duration, now time.Time) (count int, since time.Time, err error)
	// AttemptCount returns the count, 0 once the window has ended.
	AttemptCount(ctx context.Context, key string, now time.Time) (count int, since time.Time, err error)
	ResetAttempts(ctx context.Context, key string) error
	// FailuresInRow returns the failures that AddFailure has counted under key since
	// ResetFailures.
	FailuresInRow(ctx context.Context, key string) (int, error)
	AddFailure(ctx context.Context, key string, now time.Time) error
	ResetFailures(ctx context.Context, key string) error
}

// SetupLinks redeems the link that creates the first administrator.
type SetupLinks interface {
	// SetupLink returns account.ErrSetupLink unless the link with the hash is valid.
	SetupLink(ctx context.Context, hash []byte, now time.Time) error
	// RedeemSetupLink redeems the link and adds the account first, its passkey p, nil for none, and an
	// audit event with the address of the caller: all or nothing.
	RedeemSetupLink(ctx context.Context, hash []byte, first *account.Account, p *passkey.Passkey, address string, now time.Time) error
}

// Pages renders pages.
type Pages interface {
	SignIn(w http.ResponseWriter, r *http.Request, status int, v pages.SignIn)
	Show(w http.ResponseWriter, r *http.Request, status int, page pages.Page)
	SignUp(w http.ResponseWriter, r *http.Request, status int, v pages.SignUp)
	Choose(w http.ResponseWriter, r *http.Request, status int, v pages.Choose)
	Consent(w http.ResponseWriter, r *http.Request, status int, v pages.Consent)
	Device(w http.ResponseWriter, r *http.Request, status int, v pages.Device)
	DeviceDone(w http.ResponseWriter, r *http.Request, status int, v pages.DeviceDone)
	// Language returns the language of a page.
	Language(r *http.Request) string
	LanguageChoice(tag string, now time.Time) string
	Error(w http.ResponseWriter, r *http.Request, status int, v pages.Error)
}

// Lifetimes are the lifetimes that pages set or show.
type Lifetimes struct {
	Consent time.Duration // of a consent for all sessions
	Grant   time.Duration // of offline access, shown on the consent page
	Device  time.Duration // of a device code
}

// Config has the dependencies and settings of a [Service]. DeviceApp and AccountDigest may be
// empty.
type Config struct {
	Issuer string // without a trailing slash: the prefix of every URL on the pages
	// ConsoleURL is the administrators' console, where the first administrator arrives, and
	// AccountURL the account console, for one who cannot reach it; empty for none.
	ConsoleURL, AccountURL string
	Iss                    string // the issuer identifier, which may end with a slash

	Accounts       Accounts
	Sources        Sources
	Sessions       session.Reader
	SessionManager SessionManager
	Requests       Requests
	Clients        Clients
	Scopes         scope.Source
	Attempts       Attempts
	Failures       Failures
	SetupLinks     SetupLinks
	SignIns        SignIns
	Links          Links
	Outbox         Outbox
	SecondFactors  SecondFactors
	TrustedDevices TrustedDevices
	Deadlines      Deadlines
	FactorPolicy   FactorPolicy
	PasswordPolicy PasswordPolicy
	BreachChecks   BreachChecks
	Terms          Terms
	TermsStore     TermsStore
	Devices        Devices
	DeviceRequests DeviceRequests
	UserCodes      UserCodes
	// DeviceApp is the URL of the operator's app that takes user codes; empty for the
	// built-in page.
	DeviceApp    string
	Hasher       *credential.Hasher
	Passkeys     Passkeys
	SecurityKeys SecurityKeys
	// RelyingParty runs the ceremonies of passkeys; nil if passkeys are off.
	RelyingParty *passkey.RelyingParty
	Pages        Pages
	Cookies      session.Cookies

	Lifetimes Lifetimes
	// SignUp reports whether users may create accounts without an invitation, and
	// SignUpDomains, unless it is empty, with which domains of their address. SignUpVerify
	// reports that they confirm the address first.
	SignUp        bool
	SignUpDomains []string
	SignUpVerify  bool
	SignUps       SignUps
	// Proofs are the proofs of work of sign-ups; nil for none.
	Proofs     *signup.Proofs
	CodeKey    []byte // of the hashes of codes that confirm an address or sign in
	SignInCode bool   // whether users can sign in with a code that is mailed to them
	HasMail    bool   // whether the server sends mail
	LoginApp   bool   // whether users sign in with an app of the operator
	RateLimits bool
	Address    func(context.Context) netip.Addr
	// Networks returns the nested networks of an address, the narrowest first.
	Networks func(netip.Addr) []netip.Prefix
	Now      func() time.Time
	// AccountDigest returns a keyed digest of a username, which the log has instead; nil
	// for none.
	AccountDigest func(username string) string
	Log           *slog.Logger
}

// Service serves the pages. Middleware has checked the method, parsed the parameters
// into Form and PostForm, each at most once, and rejected posts of other sites.
type Service struct {
	SignIn       *SignIn
	Passkey      *PasskeySignIn
	Create       *PasskeyCreate
	Code         *CodeSignIn
	SecondFactor *SecondFactor
	SecurityKey  *SecurityKey
	Enrol        *Enrol
	NewPassword  *NewPassword
	AcceptTerms  *AcceptTerms
	SignUp       *SignUp
	Consent      *Consent
	Device       *Device
	Setup        *Setup
	Recover      *Recover
	Verify       *Verify
	Invitation   *Invitation
	Undo         *Undo
	NotMe        *NotMe
	Home         *Home
	Language     *Language
}

// New returns the service over c.
func New(c Config) *Service {
	flows, limits := &flows{&c}, &limiter{&c}
	passwords := &passwords{&c, limits}
	factors := &factors{&c, flows}
	second := &SecondFactor{&c, flows, passwords, factors}
	links := &links{&c, session.LinkCookies{Cookies: c.Cookies}}
	accounts := &newAccounts{&c, passwords}
	return &Service{
		SignIn:       &SignIn{&c, flows, passwords, factors, links},
		Passkey:      &PasskeySignIn{&c, flows, limits, links},
		Create:       &PasskeyCreate{&c, flows},
		Code:         &CodeSignIn{&c, flows, limits, passwords, factors, links},
		SecondFactor: second,
		SecurityKey:  &SecurityKey{&c, flows, second},
		Enrol:        &Enrol{&c, flows, second},
		NewPassword:  &NewPassword{&c, flows},
		AcceptTerms:  &AcceptTerms{&c, flows},
		SignUp:       &SignUp{&c, flows, limits, passwords, factors},
		Consent:      &Consent{&c, flows},
		Device:       &Device{&c, flows, limits},
		Setup:        &Setup{&c, flows, accounts},
		Recover:      &Recover{&c, flows, limits, passwords, factors, links},
		Verify:       &Verify{&c, flows, passwords, factors, links},
		Invitation:   &Invitation{&c, flows, factors, links, accounts},
		Undo:         &Undo{&c, flows, links},
		NotMe:        &NotMe{&c, flows, links},
		Home:         &Home{&c},
		Language:     &Language{&c, flows},
	}
}
