package login

import (
	"fmt"
	"unicode/utf8"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/credential"
)

// fieldError is what is wrong with a field of a form, in words for the user.
type fieldError struct{ field, words string }

// Error returns the words.
func (e *fieldError) Error() string { return e.words }

// checkCredentials returns the canonical form of a username that a user chooses, or a
// [*fieldError] if it or the password is not acceptable.
func checkCredentials(username, password, repeat string) (string, error) {
	canonical, err := account.ChosenUsername(username)
	if err != nil {
		return "", &fieldError{"username", "A user name has 1 to 128 characters, no spaces, and nothing that cannot be seen."}
	}
	err = credential.CheckPassword(password)
	switch {
	case err != nil && utf8.RuneCountInString(password) < credential.MinPassword:
		return "", &fieldError{"password", fmt.Sprintf("The password is too short. It needs at least %d characters.", credential.MinPassword)}
	case err != nil:
		return "", &fieldError{"password", fmt.Sprintf("The password is too long. It may have %d bytes.", credential.MaxPassword)}
	case password != repeat:
		return "", &fieldError{"password", "The two passwords are not the same."}
	}
	return canonical, nil
}
