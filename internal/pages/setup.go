package pages

import (
	"net/http"

	"github.com/ostiary/ostiary/internal/pages/messages"
)

// Setup asks the first administrator to choose a username and a password. The form posts the
// fields token, username, password and repeat.
type Setup struct {
	// Action is the URL of the form.
	Action string
	// Token is the secret of the one-time link.
	Token    string
	Username string
	// MinLength is the minimum length of a password.
	MinLength int
	// Fault describes the error of the previous attempt.
	Fault messages.Message
}

// Setup writes the page that creates the first administrator.
func (p *Pages) Setup(w http.ResponseWriter, r *http.Request, status int, v Setup) {
	p.render(w, r, status, "setup", v)
}

// SetupDone confirms that the first administrator exists.
type SetupDone struct {
	Username string
	// Next links to the next steps.
	Next []Link
}

// Link is a link with its text.
type Link struct {
	URL  string
	Text messages.Message
}

// SetupDone writes the page.
func (p *Pages) SetupDone(w http.ResponseWriter, r *http.Request, status int, v SetupDone) {
	p.render(w, r, status, "setupdone", v)
}
