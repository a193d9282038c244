package pages

import (
	"time"

	"github.com/ostiary/ostiary/internal/pages/messages"
)

// Recover asks for the email address to which a link for a new password is sent. The form posts
// the fields request and email.
type Recover struct {
	// Action is the URL of the form.
	Action string
	// Request is the ID of the authorization request that goes on afterwards; it may be empty.
	Request string
	Email   string
	// SignInURL is the sign-in page; empty hides the link.
	SignInURL string
	// Fault describes the error of the previous attempt.
	Fault messages.Message
}

func (Recover) template() string { return "recover" }

// RecoverSent tells that a link was sent if an account has the address.
type RecoverSent struct {
	Email     string
	Lifetime  time.Duration // of the link
	SignInURL string        // empty without an authorization request
}

func (RecoverSent) template() string { return "recoversent" }

// RecoverFactor asks for a second factor after a link was opened. The form posts the field code
// or recovery_code.
type RecoverFactor struct {
	// Action is the URL of the form.
	Action string
	// ByRecoveryCode shows the field for a recovery code.
	ByRecoveryCode bool
	// OtherURL is the page for the other kind of code; empty hides the link.
	OtherURL string
	// Fault describes the error of the previous attempt.
	Fault messages.Message
	// RetryAfter, if positive, is the time until the next attempt is allowed.
	RetryAfter time.Duration
}

func (RecoverFactor) template() string { return "recoverfactor" }

func (v RecoverFactor) retryAfter() time.Duration { return v.RetryAfter }

// RecoverPassword asks for a new password after a link was opened. The form posts the field
// password.
type RecoverPassword struct {
	// Action is the URL of the form.
	Action   string
	Username string
	// ResetsFactors reports that the passkeys, security keys, authenticator apps and recovery codes are removed.
	ResetsFactors bool
	// MinLength is the minimum length of a password.
	MinLength int
	// Fault describes the error of the previous attempt.
	Fault messages.Message
}

func (RecoverPassword) template() string { return "recoverpassword" }

// RecoverDone tells that the password was changed and the user is signed in.
type RecoverDone struct {
	Username string
	// ContinueURL is where the user goes on.
	ContinueURL string
}

func (RecoverDone) template() string { return "recoverdone" }
