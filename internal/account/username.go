package account

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// ErrBadUsername reports a username that cannot be one.
var ErrBadUsername = errors.New("a username has 1 to 128 characters, none of them a space or a control or format character")

// CanonicalUsername returns the one spelling under which a username is stored,
// looked up and counted: NFKC, case folded, without spaces around it. So a guess
// cannot be spread over several spellings of one name.
func CanonicalUsername(s string) (string, error) {
	s = norm.NFKC.String(cases.Fold().String(norm.NFKC.String(strings.TrimSpace(s))))
	if s == "" || !utf8.ValidString(s) || utf8.RuneCountInString(s) > 128 {
		return "", ErrBadUsername
	}
	for _, r := range s {
		if unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return "", ErrBadUsername
		}
	}
	return s, nil
}
