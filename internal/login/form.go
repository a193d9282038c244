package login

import (
	"unicode/utf8"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/pages/messages"
)

// fieldError reports an invalid field of a form.
type fieldError struct {
	field   string
	message messages.Message // for the user
}

// Error implements error.
func (e *fieldError) Error() string { return "invalid " + e.field }

// checkCredentials returns the canonical form of a username that a user chooses, or a
// [*fieldError] if it or the password is not acceptable.
func checkCredentials(username, password, repeat string) (string, error) {
	canonical, err := account.ChosenUsername(username)
	if err != nil {
		return "", &fieldError{"username", messages.New("username.invalid")}
	}
	err = credential.CheckPassword(password)
	switch {
	case err != nil && utf8.RuneCountInString(password) < credential.MinPassword:
		return "", &fieldError{"password", messages.New("password.too-short", "n", credential.MinPassword)}
	case err != nil:
		return "", &fieldError{"password", messages.New("password.too-long", "n", credential.MaxPassword)}
	case password != repeat:
		return "", &fieldError{"password", messages.New("password.mismatch")}
	}
	return canonical, nil
}
