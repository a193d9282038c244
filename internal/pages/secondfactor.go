package pages

import (
	"html/template"
	"time"

	"github.com/ostiary/ostiary/internal/pages/messages"
)

// SecondFactor is the page for a code of an authenticator app, a recovery code or a security key.
// The form posts the fields request, code or recovery_code, and trust_device ("on"); or decision
// ("cancel").
type SecondFactor struct {
	// Client is the application that sent the user; nil if there is none.
	Client *Client
	// Action is the URL of the form.
	Action string
	// Request is the ID of the authorization request.
	Request string
	// ByRecoveryCode shows the field for a recovery code.
	ByRecoveryCode bool
	// CodeURL, RecoveryCodeURL and SecurityKeyURL are the pages for other ways; empty hides the link.
	CodeURL, RecoveryCodeURL, SecurityKeyURL string
	// SecurityKey asks for a security key instead of a code; nil hides it.
	SecurityKey *Passkey
	// TrustDevice offers to trust the device.
	TrustDevice bool
	// Passkey lets the user sign in with a passkey instead; nil if the user has none.
	Passkey *Passkey
	// WithoutCode hides the field: no code suffices, or the user has no authenticator app or
	// rather uses a security key.
	WithoutCode bool
	// LostURL is the page for users who have lost all passkeys; empty hides the link.
	LostURL string
	// Fault describes the error of the previous attempt.
	Fault messages.Message
	// RetryAfter, if positive, is the time until the next attempt is allowed.
	RetryAfter time.Duration
}

func (SecondFactor) template() string { return "secondfactor" }

func (v SecondFactor) retryAfter() time.Duration { return v.RetryAfter }

// EnrolOffer is the page for a user without the second factor that is required. The form posts the
// fields request and decision ("cancel").
type EnrolOffer struct {
	Client  *Client
	Action  string
	Request string
	// EnrolURL is the page on which the user enrols.
	EnrolURL string
	// PasskeyURL is the page on which the user creates a passkey; empty hides the link.
	PasskeyURL string
	// Demanded reports that the account demands it, whatever the application.
	Demanded bool
	// Deadline is the time until which the user may sign in without; 0 if the application
	// requires it, or the time is over.
	Deadline time.Duration
}

func (EnrolOffer) template() string { return "enroloffer" }

// Enrol is the page on which a user adds an authenticator app. The form posts the fields
// request, enrolment (the ID) and code; or decision ("cancel").
type Enrol struct {
	Client      *Client
	Action      string
	Request, ID string
	// Secret is the key in base32, in groups, and URI the otpauth link with it, also shown as a
	// QR code.
	Secret string
	URI    template.URL
	Fault  messages.Message
}

func (Enrol) template() string { return "enrol" }
