package pages

import (
	"net/http"
	"time"
)

// SignUp asks for what an account is made of. The form posts the fields request,
// username, name, email, password, repeat, and remember ("on") if the person is to
// stay signed in; or decision ("cancel") if they would rather not.
type SignUp struct {
	// Client is who the person is signing up for.
	Client Client
	// Action takes the form.
	Action string
	// Request is the id of the authorization request.
	Request               string
	Username, Name, Email string
	// Remember is whether the person asked to stay signed in.
	Remember bool
	// MinLength is how long a password must be at least.
	MinLength int
	// Fault is a sentence or two on what was wrong with the last try, Field the
	// name of the field that it is about.
	Fault, Field string
	// RetryAfter, if positive, is how long further tries are refused.
	RetryAfter time.Duration
	// SignInURL leads to signing in with an account that there is.
	SignInURL string
}

// SignUp writes the sign-up page, and Retry-After if tries are refused.
//
// Spec: Initiating User Registration via OpenID Connect section 4.1.
func (p *Pages) SignUp(w http.ResponseWriter, status int, v SignUp) {
	setRetryAfter(w, v.RetryAfter)
	p.render(w, status, "signup", v)
}
