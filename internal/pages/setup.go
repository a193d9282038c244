package pages

import (
	"github.com/ostiary/ostiary/internal/pages/messages"
)

// Setup asks the first administrator to choose a username and a password. The form posts the
// fields token and username, and password and repeat, or state and credential.
type Setup struct {
	// Action is the URL of the form.
	Action string
	// Token is the secret of the one-time link.
	Token    string
	Username string
	// MinLength is the minimum length of a password.
	MinLength int
	// Passkey creates a passkey instead of a password; nil if passkeys are off.
	Passkey *NewPasskey
	// Fault describes the error of the previous attempt.
	Fault messages.Message
}

func (Setup) template() string { return "setup" }

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

func (SetupDone) template() string { return "setupdone" }
