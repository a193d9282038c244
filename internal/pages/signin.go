package pages

import (
	"net/http"
	"strconv"
	"time"

	"github.com/ostiary/ostiary/internal/pages/messages"
)

// SignIn is the page for username and password. The form posts the fields request, username,
// password, and remember ("on") to stay signed in; or decision ("cancel").
type SignIn struct {
	// Client is the application that sent the user; nil if there is none.
	Client *Client
	// Action is the URL of the form.
	Action string
	// Request is the ID of the authorization request.
	Request  string
	Username string
	// Remember is the previous input of the checkbox.
	Remember bool
	// Fault describes the error of the previous attempt.
	Fault messages.Message
	// RetryAfter, if positive, is the time until the next attempt is allowed.
	RetryAfter time.Duration
	// Reauthenticate reports that the signed-in user must authenticate again.
	Reauthenticate bool
	// OtherURL is the sign-in page for another account.
	OtherURL string
	// ForgotURL is the page for users who forgot their password; empty hides the link.
	ForgotURL string
	// OtherWayURL is the page to sign in with a mailed code; empty hides the link.
	OtherWayURL string
	// SignUpURL is the sign-up page; empty hides the link.
	SignUpURL string
	// Cancel shows the button that returns to the client without signing in.
	Cancel bool
	// Passkey lets the user sign in with a passkey; nil if passkeys are off.
	Passkey *Passkey
}

// SignIn writes the sign-in page, and Retry-After if attempts are blocked.
func (p *Pages) SignIn(w http.ResponseWriter, r *http.Request, status int, v SignIn) {
	setRetryAfter(w, v.RetryAfter)
	p.render(w, r, status, "signin", v)
}

// setRetryAfter sets the header Retry-After if wait is positive.
func setRetryAfter(w http.ResponseWriter, wait time.Duration) {
	if wait > 0 {
		seconds := int64((wait + time.Second - 1) / time.Second)
		w.Header().Set("Retry-After", strconv.FormatInt(seconds, 10))
	}
}
