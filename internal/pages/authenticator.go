package pages

import (
	"html/template"
	"time"

	"github.com/ostiary/ostiary/internal/pages/messages"
)

// Authenticator lists the authenticator apps of the user, and enrols one. The form of the
// enrolment posts the fields code and label, those of the list post remove.
type Authenticator struct {
	// Action is the URL of the forms.
	Action string
	Apps   []AuthenticatorApp
	// AddURL is the URL of the page with an enrolment; empty on that page.
	AddURL string
	// RecoveryCodesURL is the page of the recovery codes, of which RecoveryCodes are left.
	RecoveryCodesURL string
	RecoveryCodes    int
	// Enrolment is a new secret; nil if the page shows the list alone.
	Enrolment *Enrolment
	// BackURL leads from the enrolment to the list, empty without one.
	BackURL string
	// Fault describes the error of the previous attempt.
	Fault messages.Message
}

// AuthenticatorApp is an enrolled authenticator app.
type AuthenticatorApp struct {
	ID, Label             string
	CreatedAt, LastUsedAt time.Time // LastUsedAt is zero if the app was not used
}

// Enrolment is a secret for an authenticator app.
type Enrolment struct {
	ID string
	// Secret is the text of the secret, in groups.
	Secret string
	// URI is the otpauth URI.
	URI   template.URL
	Label string // as the user entered it
}

func (Authenticator) template() string { return "authenticator" }

// RecoveryCodes shows how many recovery codes are left. Its form posts the field generate.
type RecoveryCodes struct {
	// Action is the URL of the form.
	Action string
	// Left is the number of unused codes of the set from CreatedAt, which is zero without one.
	Left      int
	CreatedAt time.Time
}

// Few reports whether the user should make new codes soon.
func (v RecoveryCodes) Few() bool { return !v.CreatedAt.IsZero() && v.Left <= 3 }

func (RecoveryCodes) template() string { return "recoverycodes" }

// NewRecoveryCodes shows new recovery codes, once. Its form posts the fields codes, separated
// by spaces, and download.
type NewRecoveryCodes struct {
	// Action is the URL of the form.
	Action string
	Codes  []string
	// NextURL leads to the page of the recovery codes.
	NextURL string
}

func (NewRecoveryCodes) template() string { return "newrecoverycodes" }

// ConfirmRemoval asks before a credential is removed. Its form posts the fields remove, with
// the ID, and confirm.
type ConfirmRemoval struct {
	// Action is the URL of the form, CancelURL that of the page before.
	Action, CancelURL string
	ID                string
	// Title asks, Text says what the removal does.
	Title, Text messages.Message
}

func (ConfirmRemoval) template() string { return "confirmremoval" }
