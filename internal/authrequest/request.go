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

// Request is a validated authorization request that waits for a user. Each page does one
// step, stores its result here and returns to the authorization endpoint, which decides the
// next step.
type Request struct {
	ID          string // see [NewID]
	BrowserHash []byte // SHA-256 of the cookie that binds it to one browser
	ClientID    string
	Parameters  string // canonical and validated, as a query string
	CreatedAt   time.Time
	ExpiresAt   time.Time

	// Grant locates the grant that the response will create. It is chosen when the request
	// is created, so that a second response fails with [grant.ErrExists].
	Grant grant.Locator

	// Device reports that a device waits for the response. ClientID is empty until the user
	// has entered the user code.
	Device bool

	// SessionID is the session in which the user passed the sign-in page for this request.
	// SignedInAt is the time of that authentication, which prompt=login and max_age require;
	// zero if the user chose to continue with the existing session.
	SessionID  string
	SignedInAt time.Time

	// FirstFactor is the password of a user who has to prove a second factor before a session
	// begins; nil without one.
	FirstFactor *FirstFactor
	// FactorDeclinedBy is the subject of the user who declined a further factor, empty for
	// none.
	FactorDeclinedBy string

	Decision  Decision
	DecidedAt time.Time
	// DecidedFor is the subject of the user who decided. The decision is valid only for it.
	DecidedFor string

	// LoginSession is the ID of the session after the login app's answer: the existing
	// session of Subject if LoginSkip is true, else a new one. It is empty if no login app
	// is configured.
	LoginSession        string
	LoginSkip           bool
	Subject             string       // the session's subject, or the one that the login app named
	LoginAnswer         *LoginAnswer // nil until the login app has answered
	LoginVerifierUsedAt time.Time

	ConsentAnswer *ConsentAnswer // nil until the consent app has answered
	VerifierHash  []byte         // SHA-256 of the verifier of the last answer

	User User // read with the request, not part of it
}

// FirstFactor is a first factor that was proven for a request.
type FirstFactor struct {
	Subject  string    `json:"subject"`
	At       time.Time `json:"at"`
	AMR      []string  `json:"amr"` // RFC 8176
	Remember bool      `json:"remember,omitempty"`
}

// HasUserCode reports whether a device app has accepted a user code for the request and the
// browser has not returned yet. The user who entered the code may not be the one whose
// browser began the request.
func (r *Request) HasUserCode() bool {
	return r.Device && r.VerifierHash != nil && r.LoginAnswer == nil && r.ConsentAnswer == nil
}

// JustBegun reports whether the browser that began the request has not returned with it
// yet, either directly or from the login app.
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

// SubjectFor returns the sub of the user for the request's client: the forced subject if the
// login app chose one, else sub.
func (r *Request) SubjectFor(sub string) string {
	if r != nil && r.LoginAnswer != nil && r.LoginAnswer.ForcedSubject != "" {
		return r.LoginAnswer.ForcedSubject
	}
	return sub
}

// Remembers returns the scopes of granted that a remembered consent includes: the ones that
// the consent page listed, and none of a trial.
func (r *Request) Remembers(granted []string) []string {
	form, err := url.ParseQuery(r.Parameters)
	if err != nil || form.Has(TrialParameter) {
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

// ConsentParameter is the request parameter that lists the scopes for the consent page. The
// server sets it, and overwrites any value from the client.
const ConsentParameter = "ostiary_consent"

// PageParameter is the request parameter that stores which page of this server requires a
// session, as a path with its query. The server sets it.
const PageParameter = "ostiary_page"

// SubjectParameter is the request parameter that stores the subject of an id_token_hint in
// place of the token.
const SubjectParameter = "ostiary_subject"

// NoSubject is the subject of a decision by a user who was not signed in.
const NoSubject = ""

// Decision is the user's decision about a request.
type Decision string

// The decisions. Their values are stored.
const (
	Undecided Decision = ""
	Accepted  Decision = "accepted"
	Denied    Decision = "denied"
)
