package pages

import (
	"time"

	"github.com/ostiary/ostiary/internal/pages/messages"
)

// VerifyAddress asks the user of a link to confirm an email address. The form posts the field
// confirm.
type VerifyAddress struct {
	// Action is the URL of the form.
	Action string
	Email  string
}

func (VerifyAddress) template() string { return "verify" }

// VerifyCode is the page of a browser in which a user has signed up: the user opens the link
// in the message, or enters the code that another browser shows. The form posts the field
// code.
type VerifyCode struct {
	// Action is the URL of the form.
	Action string
	Email  string
	// Fault describes the error of the previous attempt.
	Fault messages.Message
}

func (VerifyCode) template() string { return "verifycode" }

// VerifyName asks for another username, since the chosen one is taken. The form posts the
// fields username, and code or confirm.
type VerifyName struct {
	// Action is the URL of the form.
	Action   string
	Username string
	// Code is the code that was entered; empty after a link.
	Code string
	// Fault describes the error of the previous attempt.
	Fault messages.Message
}

func (VerifyName) template() string { return "verifyname" }

// ShownCode shows the code to enter in the browser in which the user signed up.
type ShownCode struct {
	Code     string
	Lifetime time.Duration
}

func (ShownCode) template() string { return "showncode" }

// Verified tells that an address is confirmed.
type Verified struct {
	Email string
	// ContinueURL is where the user goes on.
	ContinueURL string
}

func (Verified) template() string { return "verified" }

// Invitation is the page on which an invited user creates an account. The form posts the fields
// username, name and terms, and password, or state and credential.
type Invitation struct {
	// Action is the URL of the form.
	Action                string
	Email, Username, Name string
	// MinLength is the minimum length of a password.
	MinLength int
	// Passkey creates a passkey instead of a password; nil if passkeys are off.
	Passkey *NewPasskey
	Terms   Terms
	// Fault describes the error of the previous attempt. Field is the name of the invalid field.
	Fault messages.Message
	Field string
}

func (Invitation) template() string { return "invitation" }

// AccountCreated tells a new user that the account exists.
type AccountCreated struct {
	Username string
	// ContinueURL is where the user goes on.
	ContinueURL string
}

func (AccountCreated) template() string { return "accountcreated" }
