package account

import (
	"errors"
	"net/mail"
	"strings"
	"unicode"
)

// ErrBadEmail reports what cannot be an email address.
var ErrBadEmail = errors.New("this is not an email address")

// CheckEmail reports whether address may be kept as somebody's (RFC 5321 section
// 4.5.3.1.3, RFC 5322 section 3.4.1). That it is theirs is another matter.
func CheckEmail(address string) error {
	parsed, err := mail.ParseAddress(address)
	strange := func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsGraphic(r) }
	if err != nil || parsed.Address != address || len(address) > 254 || strings.ContainsFunc(address, strange) {
		return ErrBadEmail
	}
	return nil
}
