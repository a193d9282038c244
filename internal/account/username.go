package account

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// ErrBadUsername reports an invalid username.
var ErrBadUsername = errors.New("a username has 1 to 128 characters, none of them a space or a control or format character")

// CanonicalUsername returns the spelling under which a username is stored, looked up and
// rate limited: NFKC, case folded, without leading and trailing spaces. So attempts cannot
// use several spellings of one name.
func CanonicalUsername(s string) (string, error) {
	if !utf8.ValidString(s) {
		return "", ErrBadUsername
	}
	s = norm.NFKC.String(strings.Map(foldCherokee, cases.Fold().String(norm.NFKC.String(strings.TrimSpace(s)))))
	if s == "" || utf8.RuneCountInString(s) > 128 {
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

// ChosenUsername is [CanonicalUsername] for a new username. It rejects invisible characters,
// with which the name would look like another user's.
func ChosenUsername(s string) (string, error) {
	canonical, err := CanonicalUsername(s)
	invisible := func(r rune) bool {
		return unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
	}
	if err != nil || strings.ContainsFunc(canonical, invisible) {
		return "", ErrBadUsername
	}
	return canonical, nil
}
