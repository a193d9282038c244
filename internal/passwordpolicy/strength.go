package passwordpolicy

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/trustelem/zxcvbn"
	"github.com/trustelem/zxcvbn/match"
)

const (
	// minScore is the score of zxcvbn that a password needs, of 4: 10^8 guesses or more.
	minScore = 3
	// maxEstimated is the number of characters that the strength is estimated of: the time
	// for it grows faster than the length.
	maxEstimated = 100
	// minName is the number of characters from which a name counts.
	minName = 3
)

// commonPasswords is zxcvbn's dictionary of passwords from leaked databases.
const commonPasswords = "passwords"

// estimate returns why a password is too easy to guess, "" if it is not. The names are in
// lower case.
func estimate(password string, names []string) Reason {
	if runes := []rune(password); len(runes) > maxEstimated {
		password = string(runes[:maxEstimated])
	}
	result := zxcvbn.PasswordStrength(password, names)
	if len(result.Sequence) == 1 && isCommon(result.Sequence[0]) {
		return Common
	}
	if result.Score >= minScore {
		return ""
	}
	var longest *match.Match
	for _, m := range result.Sequence {
		if longest == nil || len(m.Token) > len(longest.Token) {
			longest = m
		}
	}
	return reasonOf(longest)
}

// isCommon reports whether a whole password is a common one, in any case.
func isCommon(m *match.Match) bool {
	return m.DictionaryName == commonPasswords && !m.L33t && !m.Reversed
}

// reasonOf names what the longest part of a weak password is.
func reasonOf(m *match.Match) Reason {
	switch {
	case m == nil:
		return Weak
	case m.Pattern == "spatial":
		return Keyboard
	case m.Pattern == "repeat", m.Pattern == "sequence":
		return Repeated
	case m.Pattern == "date", m.Pattern == "regex":
		return Date
	case m.DictionaryName == "user_inputs":
		return Name
	case m.DictionaryName == commonPasswords:
		return Common
	default:
		return Weak
	}
}

// words returns the names and their parts in lower case, without short ones.
func words(names []string) (list []string) {
	seen := map[string]bool{}
	for _, name := range names {
		name = strings.ToLower(name)
		parts := strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		for _, word := range append(parts, name) {
			if utf8.RuneCountInString(word) >= minName && !seen[word] {
				seen[word] = true
				list = append(list, word)
			}
		}
	}
	return list
}
