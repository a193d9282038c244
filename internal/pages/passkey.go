package pages

import (
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/pages/messages"
)

// Passkey is the part of a page that signs in with a passkey. Its script gets the
// options from one URL and posts the response to another.
type Passkey struct {
	// Request is the ID of the authorization request.
	Request string
	// OptionsURL and Action are the URLs of the script's requests.
	OptionsURL, Action string
	// Create lets the script report, with the password, whether the browser can create a
	// passkey.
	Create bool
	// Primary makes the button the main action of the page.
	Primary bool
}

// PasskeyCreate is the page that offers to create a passkey after a sign-in. The form posts
// the fields request, mode, state and credential, or decision ("later").
type PasskeyCreate struct {
	// Client is the application that sent the user; nil if there is none.
	Client *Client
	// Action is the URL of the form.
	Action string
	// Request is the ID of the authorization request.
	Request string
	// Options are the options of navigator.credentials.create, as JSON, and State the sealed
	// challenge.
	Options, State string
	// Silent first creates a passkey without a dialog; nil shows the offer immediately.
	Silent *SilentPasskey
	// Fault describes the error of the previous attempt.
	Fault messages.Message
}

// NewPasskey is the part of a page that creates an account with a passkey. Its script adds the
// names of the form to the options, and posts the fields state and credential with the form.
type NewPasskey struct {
	// Options are the options of navigator.credentials.create, as JSON, and State the sealed
	// challenge.
	Options, State string
}

// SilentPasskey are the options for a passkey that is created without a dialog.
type SilentPasskey struct {
	Options, State string
	// Offer shows the offer if the browser creates none; otherwise the page continues.
	Offer bool
}

func (PasskeyCreate) template() string { return "passkeycreate" }

// PasskeyUser are the current names of a user, which authenticators show with the passkeys
// (signalCurrentUserDetails).
type PasskeyUser struct {
	RPID, UserID      string
	Name, DisplayName string
}

// Passkeys lists the passkeys and security keys of the user. The forms post the fields state and
// credential of a new one, and kind ("security-key"); rename and label; or remove.
type Passkeys struct {
	// Action is the URL of the forms.
	Action string
	List   []PasskeyItem
	// Options and State are those of a new passkey; empty if the user has to authenticate
	// before, at AddURL.
	Options, State, AddURL string
	// SecurityKey are those of a new security key; nil as above.
	SecurityKey *NewSecurityKey
	// LostURL is the page for users who have lost all passkeys.
	LostURL string
	// RPID and UserID tell authenticators which passkeys are registered.
	RPID, UserID string
	// Fault describes the error of the previous attempt.
	Fault messages.Message
}

// NewSecurityKey are the options of a new security key, as those of a passkey.
type NewSecurityKey struct{ Options, State string }

// PasskeyItem is a passkey or a security key of the list.
type PasskeyItem struct {
	credential.Info

	Synced bool // it may be synchronized
	Copied bool // there may be a copy
	// SecurityKey reports a security key, which is a second factor only.
	SecurityKey bool
	// Elsewhere is the domain that it was made for, if it cannot be used here.
	Elsewhere string
}

func (Passkeys) template() string { return "passkeys" }

// LostPasskeys asks a user to confirm that all passkeys are lost, which removes them. The form posts
// the fields confirm and end_others.
type LostPasskeys struct {
	// Action is the URL of the form, CancelURL that of the page before.
	Action, CancelURL string
	Labels            []string // of the passkeys
}

func (LostPasskeys) template() string { return "lostpasskeys" }
