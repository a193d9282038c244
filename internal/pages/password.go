package pages

import (
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/passwordpolicy"
)

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
	case passwordpolicy.Weak:
	}
	return messages.New("password.weak")
}
