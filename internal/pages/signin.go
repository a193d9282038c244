package pages

import (
	"net/http"
	"strconv"
	"time"
)

// SignIn asks for a user name and a password. The form posts the fields request,
// username, password, and remember ("on") if the person is to stay signed in; or
// decision ("cancel") if they would rather not.
type SignIn struct {
	// Client is who the person is signing in for; nil if nobody asked.
	Client *Client
	// Action takes the form.
	Action string
	// Request is the id of the authorization request.
	Request  string
	Username string
	// Remember is whether the person asked to stay signed in.
	Remember bool
	// Fault is one sentence on what was wrong with the last try.
	Fault string
	// RetryAfter, if positive, is how long further tries are refused.
	RetryAfter time.Duration
	// Reauthenticate says that the person is signed in and must prove it again.
	Reauthenticate bool
	// OtherURL leads to signing in as somebody else than who must prove it.
	OtherURL string
	// SignUpURL leads to making an account; empty offers no such way.
	SignUpURL string
	// Cancel offers the way back to the client without signing in.
	Cancel bool
}

// SignIn writes the sign-in page, and Retry-After if tries are refused.
func (p *Pages) SignIn(w http.ResponseWriter, status int, v SignIn) {
	setRetryAfter(w, v.RetryAfter)
	p.render(w, status, "signin", v)
}

// setRetryAfter tells a program how long a page refuses further tries, if it does.
func setRetryAfter(w http.ResponseWriter, wait time.Duration) {
	if wait > 0 {
		seconds := int64((wait + time.Second - 1) / time.Second)
		w.Header().Set("Retry-After", strconv.FormatInt(seconds, 10))
	}
}
