package pages

import (
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/pages/messages"
)

// SignUp is the page for a new account. The form posts the fields request, username, name,
// email, password, repeat, terms, proof, and remember ("on") to stay signed in; or decision ("cancel").
type SignUp struct {
	// Client is the application that sent the user.
	Client Client
	// Action is the URL of the form.
	Action string
	// Request is the ID of the authorization request.
	Request               string
	Username, Name, Email string
	// Remember is the previous input of the checkbox.
	Remember bool
	// EmailRequired reports that the user has to enter an address.
	EmailRequired bool
	// MinLength is the minimum length of a password.
	MinLength int
	Terms     Terms
	// Proof is the proof of work that a script computes; nil for none.
	Proof *Proof
	// Fault describes the error of the previous attempt. Field is the name of the invalid field.
	Fault messages.Message
	Field string
	// RetryAfter, if positive, is the time until the next attempt is allowed.
	RetryAfter time.Duration
	// SignInURL is the sign-in page for an existing account.
	SignInURL string
}

// Proof is a challenge, and the number of zero bits with which the SHA-256 of its solution begins.
type Proof struct {
	Challenge string
	Bits      int
}

// SignUp writes the sign-up page, and Retry-After if attempts are blocked.
//
// Spec: Initiating User Registration via OpenID Connect §4.1.
func (p *Pages) SignUp(w http.ResponseWriter, r *http.Request, status int, v SignUp) {
	setRetryAfter(w, v.RetryAfter)
	p.render(w, r, status, "signup", v)
}
