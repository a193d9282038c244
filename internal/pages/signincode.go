package pages

import (
	"time"

	"github.com/ostiary/ostiary/internal/pages/messages"
)

// SignInCode asks for the email address to which a code to sign in is sent. The form posts the
// fields request and email.
type SignInCode struct {
	Client *Client // nil for the account console
	// Action is the URL of the form.
	Action string
	// Request is the ID of the authorization request.
	Request string
	Email   string
	// SignInURL is the sign-in page.
	SignInURL string
	// Fault describes the error of the previous attempt.
	Fault messages.Message
}

func (SignInCode) template() string { return "signincode" }

// EnterSignInCode asks for the code. The form posts the fields request, email, step
// ("code"), code and remember, or resend.
type EnterSignInCode struct {
	Client *Client // nil for the account console
	// Action is the URL of the form.
	Action string
	// Request is the ID of the authorization request.
	Request string
	// Email is the address that the code was sent to, if an account has it.
	Email    string
	Lifetime time.Duration // of the code
	Remember bool
	// SignInURL is the sign-in page.
	SignInURL string
	// Fault describes the error of the previous attempt.
	Fault messages.Message
	// RetryAfter, if positive, is the time until the next attempt is allowed.
	RetryAfter time.Duration
}

func (EnterSignInCode) template() string { return "entersignincode" }

func (v EnterSignInCode) retryAfter() time.Duration { return v.RetryAfter }
