package account

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"
)

// ErrBadUsername reports an invalid username.
var ErrBadUsername = errors.New("a username has 1 to 128 characters: letters, digits and ASCII punctuation, without spaces")

const maxUsername = 128 // characters

// Username returns the form in which a new username is stored: width mapped, in lower case and
// NFC, without leading and trailing spaces. It returns [ErrBadUsername] for a name with other
// characters than letters, digits and ASCII punctuation.
//
// Spec: RFC 8265 §3.3 (UsernameCaseMapped).
func Username(s string) (string, error) {
	name, err := precis.UsernameCaseMapped.String(strings.TrimSpace(s))
	if err != nil || name == "" || utf8.RuneCountInString(name) > maxUsername {
		return "", ErrBadUsername
	}
	return name, nil
}

// UsernameForms returns the forms under which an account with an entered username may be
// stored, the one of [Username] first. Earlier versions stored the form of CanonicalUsername.
func UsernameForms(s string) []string {
	var forms []string
	for _, form := range []func(string) (string, error){Username, CanonicalUsername} {
		if name, err := form(s); err == nil && !slices.Contains(forms, name) {
			forms = append(forms, name)
		}
	}
	return forms
}

// CheckUsernames returns the usernames that [Username] would change or reject. It returns an
// error that names both usernames if two of them would become the same.
func CheckUsernames(usernames iter.Seq[string]) (changed []string, err error) {
	seen := map[string]string{} // the stored name, by its form
	for stored := range usernames {
		if strings.HasPrefix(stored, external) {
			continue
		}
		name, err := Username(stored)
		if err != nil || name != stored {
			changed = append(changed, stored)
		}
		if err != nil {
			continue
		}
		if other, ok := seen[name]; ok {
			return nil, fmt.Errorf("the usernames %q and %q become the same name %q: delete or recreate one of them with the previous version", other, stored, name)
		}
		seen[name] = stored
	}
	return changed, nil
}

// CanonicalUsername returns the spelling under which earlier versions stored a username, and
// under which unknown usernames are rate limited: NFKC, case folded, without leading and
// trailing spaces. So attempts cannot use several spellings of one name.
func CanonicalUsername(s string) (string, error) {
	if !utf8.ValidString(s) {
		return "", ErrBadUsername
	}
	s = norm.NFKC.String(strings.Map(foldCherokee, cases.Fold().String(norm.NFKC.String(strings.TrimSpace(s)))))
	if s == "" || utf8.RuneCountInString(s) > maxUsername {
		return "", ErrBadUsername
	}
	for _, r := range s {
		if unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return "", ErrBadUsername
		}
	}
	return s, nil
}

// foldCherokee corrects cases.Fold for the Cherokee script: Unicode folds it to capitals,
// cases.Fold swaps the cases.
func foldCherokee(r rune) rune {
	switch {
	case r >= 0xab70 && r <= 0xabbf:
		return r - 0xab70 + 0x13a0
	case r >= 0x13f8 && r <= 0x13fd:
		return r - 8
	}
	return r
}
