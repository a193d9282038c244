package grant

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"
)

// ErrRequestNotFound reports an authorization request that is unknown, too old, or of
// another browser.
var ErrRequestNotFound = errors.New("authorization request not found")

// ErrAlreadyDecided reports a decision about a request that was decided before.
var ErrAlreadyDecided = errors.New("authorization request already decided")

// TooManyWaitingError reports that the requests of one network that wait for an answer
// are too many.
type TooManyWaitingError struct{ RetryAfter time.Duration }

// Error says so.
func (e *TooManyWaitingError) Error() string { return "too many requests of the network wait" }

// Unavailable reports that it is a fault of the moment.
func (e *TooManyWaitingError) Unavailable() bool { return true }

// Request is an authorization request that waits for a person: the pages do one
// thing each, note it here, and return to the authorization endpoint, which
// alone decides the next step.
type Request struct {
	ID          string // see NewRequestID
	BrowserHash []byte // SHA-256 of the cookie that binds it to one browser
	ClientID    string
	Parameters  string // canonical and validated, as a query string
	CreatedAt   time.Time
	ExpiresAt   time.Time

	// Grant is where the answer will be written. It is fixed from the start, so a
	// request that is answered twice meets its own grant.
	Grant Locator

	// Device says that the answer is for a device, which waits for it. Until its person
	// has said for which, it has no client.
	Device bool

	// SessionID is the session that somebody passed the sign-in page in, for this
	// very request. SignedInAt is when they proved who they are, which prompt=login
	// and max_age ask for; zero if they chose to go on as who they were.
	SessionID  string
	SignedInAt time.Time

	Decision  Decision
	DecidedAt time.Time
	// DecidedFor is the subject who decided: nobody else's answer counts.
	DecidedFor string

	// LoginSession is the session that the answer of a login app leads to: the one in
	// which Subject may go on without signing in if LoginSkip says so, and otherwise
	// one that is yet to begin. It is empty where no login app is asked.
	LoginSession        string
	LoginSkip           bool
	Subject             string       // also whom the login app named
	LoginAnswer         *LoginAnswer // nil until the app has answered
	LoginVerifierUsedAt time.Time

	ConsentAnswer *ConsentAnswer // of a consent app; nil until it has answered
	VerifierHash  []byte         // what the last answer of an app is known by

	User RequestedUser // read with the request, not part of it
}

// HasUserCode reports whether a device app has said for which device the request is, and
// its person has not come back from it yet. Whoever's browser the challenge is of may
// have sent somebody else to the app, to enter the code of a device of theirs.
func (r *Request) HasUserCode() bool {
	return r.Device && r.VerifierHash != nil && r.LoginAnswer == nil && r.ConsentAnswer == nil
}

// JustBegun reports whether the browser that began the request has not come back with it
// yet. It comes back at once, or from the operator's login app.
func (r *Request) JustBegun(now time.Time) bool {
	switch {
	case r.Decision != Undecided || r.ConsentAnswer != nil:
		return false
	case r.LoginAnswer != nil:
		return r.LoginVerifierUsedAt.IsZero()
	default:
		return r.SessionID == "" && now.Sub(r.CreatedAt) < time.Minute
	}
}

// SubjectFor returns the name under which the request's client knows the person: name,
// unless the login app chose another one.
func (r *Request) SubjectFor(name string) string {
	if r != nil && r.LoginAnswer != nil && r.LoginAnswer.ForcedSubject != "" {
		return r.LoginAnswer.ForcedSubject
	}
	return name
}

// Remembers returns the scopes that a consent to granted is remembered for: those that
// the user was asked to agree to.
func (r *Request) Remembers(granted []string) []string {
	form, err := url.ParseQuery(r.Parameters)
	if err != nil {
		return nil
	}
	var c Consent
	for scope := range strings.FieldsSeq(form.Get(ConsentParameter)) {
		if slices.Contains(granted, scope) {
			c.Add([]string{scope})
		}
	}
	return c.Scopes
}

// ConsentParameter is the member of a request's parameters that lists what the
// person must agree to. It is written over whatever the client sent by that name.
const ConsentParameter = "ostiary_consent"

// SubjectParameter is the member that keeps the subject of an id_token_hint over a
// detour, in place of the token.
const SubjectParameter = "ostiary_subject"

// NoSubject is the subject of a decision by somebody who did not sign in.
const NoSubject = ""

// Decision is what a person said about a request.
type Decision string

// The decisions. Their texts are stored.
const (
	Undecided Decision = ""
	Accepted  Decision = "accepted"
	Denied    Decision = "denied"
)

// Consent is a decision that is remembered: the person need not be asked again
// about these scopes. It holds for one session, or where SessionID is empty for
// all of the person's.
type Consent struct {
	Subject     string
	ClientID    string
	SessionID   string
	Scopes      []string
	GivenAt     time.Time
	ExpiresAt   time.Time
	ExtraClaims ExtraClaims // what goes into tokens that come of it without asking the app again
}

// Covers reports whether the consent includes all of scopes.
func (c *Consent) Covers(scopes []string) bool {
	if c == nil {
		return false
	}
	return !slices.ContainsFunc(scopes, func(scope string) bool { return !slices.Contains(c.Scopes, scope) })
}

// Add includes scopes in the consent, each once.
func (c *Consent) Add(scopes []string) {
	for _, scope := range scopes {
		if !slices.Contains(c.Scopes, scope) {
			c.Scopes = append(c.Scopes, scope)
		}
	}
}
