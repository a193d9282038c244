package pages

import "time"

// AccountDelete asks for the username before the account is deleted. The form posts the field
// username.
type AccountDelete struct {
	Form

	Action, CancelURL string
	Username          string // that the user must enter
}

func (AccountDelete) template() string { return "account-delete" }

// UndoDeletion tells when the account is deleted, and offers to keep it. The form posts nothing.
type UndoDeletion struct {
	// Action is the URL of the form.
	Action    string
	Username  string
	DeletesAt time.Time
}

func (UndoDeletion) template() string { return "undodeletion" }

// DeletionUndone tells that the account is kept.
type DeletionUndone struct {
	Username string
	// ContinueURL is where the user goes on.
	ContinueURL string
}

func (DeletionUndone) template() string { return "deletionundone" }

// NotMe asks the user of a notice to confirm that all sessions end. The form posts the field
// confirm.
type NotMe struct {
	// Action is the URL of the form.
	Action   string
	Username string
	// Primary is the address that becomes the primary one again; empty for none.
	Primary string
	// CancelURL leads back to the account console, whose user signs in again afterwards; empty for
	// the link of a notice.
	CancelURL string
}

func (NotMe) template() string { return "notme" }
