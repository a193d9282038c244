package account

import (
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"
)

// Filter selects accounts. Empty members select all.
type Filter struct {
	// Prefix is the beginning of the username, of an email address, or of one of the claims
	// name, given_name and family_name, in any case.
	Prefix string
	Group  string
}

// UsernamePrefix returns the beginning of the stored usernames that a prefix finds.
func UsernamePrefix(prefix string) string {
	if name, err := Username(prefix); err == nil {
		return name
	}
	return lower(prefix)
}

// AddressPrefix returns the beginning of the keys of the addresses that a prefix finds.
func AddressPrefix(prefix string) string {
	if key, err := AddressKey(prefix); err == nil {
		return key
	}
	return lower(prefix)
}

func lower(text string) string { return strings.ToLower(norm.NFC.String(text)) }

// maxNamePrefix is the number of characters by which names are found.
const maxNamePrefix = 100

// NamePrefixes returns the spellings of a prefix in lower, upper and title case. Their ASCII
// letters are in lower case, as they are compared: the databases fold only those alike.
func NamePrefixes(prefix string) []string {
	if utf8.RuneCountInString(prefix) > maxNamePrefix {
		prefix = string([]rune(prefix)[:maxNamePrefix])
	}
	var list []string
	for _, spelling := range []string{prefix, strings.ToLower(prefix), strings.ToUpper(prefix), cases.Title(language.Und).String(prefix)} {
		spelling = strings.Map(lowerASCII, spelling)
		if !slices.Contains(list, spelling) {
			list = append(list, spelling)
		}
	}
	return list
}

func lowerASCII(r rune) rune {
	if r >= 'A' && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}

// Matches reports whether text occurs, in any case, in the username, a name, the email
// address or the telephone number of the account. A subject must match completely.
func (a *Account) Matches(text string) bool {
	text = strings.ToLower(text)
	if a.Subject == text || strings.Contains(strings.ToLower(a.Name()), text) {
		return true
	}
	for _, claim := range []string{
		"name", "given_name", "middle_name", "family_name", "nickname", "preferred_username", "email", "phone_number",
	} {
		if value, ok := a.Claims[claim].(string); ok && strings.Contains(strings.ToLower(value), text) {
			return true
		}
	}
	return false
}
