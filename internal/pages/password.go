package pages

import (
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/passwordpolicy"
)

// NewPassword is the page on which a user changes the password before an application gets a
// response. The form posts the fields request, new_password and end_others ("on"); or decision
// ("cancel").
type NewPassword struct {
	// Client is the application that sent the user; nil if there is none.
	Client *Client
	// Action is the URL of the form.
	Action string
	// Request is the ID of the authorization request.
	Request  string
	Username string
	// MinLength is the minimum length of a password.
	MinLength int
	// Breached reports that the current password has appeared in a data breach.
	Breached bool
	// EndOthers selects to end the other sessions of the user.
	EndOthers bool
	// Fault describes the error of the previous attempt.
	Fault messages.Message
}

func (NewPassword) template() string { return "newpassword" }

// PasswordFault returns what the user reads about a rejected password.
func PasswordFault(f *passwordpolicy.Fault) messages.Message {
	switch f.Reason {
	case passwordpolicy.TooShort:
		return messages.New("password.too-short", "n", f.Limit)
	case passwordpolicy.TooLong:
		return messages.New("password.too-long", "n", f.Limit)
	case passwordpolicy.Common:
		return messages.New("password.common")
	case passwordpolicy.Name:
		return messages.New("password.name")
	case passwordpolicy.Keyboard:
		return messages.New("password.keyboard")
	case passwordpolicy.Repeated:
		return messages.New("password.repeated")
	case passwordpolicy.Date:
		return messages.New("password.date")
	case passwordpolicy.Breached:
		return messages.New("password.breached")
	case passwordpolicy.Weak:
	}
	return messages.New("password.weak")
}
