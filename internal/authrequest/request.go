// Package authrequest holds authorization requests that wait for a user, and the
// answers that pages and the operator's apps give to them.
package authrequest

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/grant"
)

// ErrNotFound reports an authorization request that is unknown, expired or bound to
// another browser.
var ErrNotFound = errors.New("authorization request not found")

// ErrAlreadyDecided reports a second decision about the same request.
var ErrAlreadyDecided = errors.New("authorization request already decided")

// TooManyPendingError reports that too many requests from one network wait for a user.
// RetryAfter is how long the client must wait before the next one.
type TooManyPendingError struct{ RetryAfter time.Duration }

// Error implements error.
func (e *TooManyPendingError) Error() string { return "too many requests of the network wait" }

// Unavailable marks the error as temporary: the response is 503 with Retry-After.
func (e *TooManyPendingError) Unavailable() bool { return true }

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
	Grant grant.Locator

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

	User User // read with the request, not part of it
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
	var c consent.Consent
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
