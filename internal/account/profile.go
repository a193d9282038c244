package account

import (
	"errors"
	"net/mail"
	"strings"
	"unicode"
)

// ErrBadEmail reports an invalid email address.
var ErrBadEmail = errors.New("this is not an email address")

// CheckEmail returns [ErrBadEmail] for an invalid address. It does not verify that the
// address exists.
//
// Spec: RFC 5321 §4.5.3.1.3, RFC 5322 §3.4.1.
func CheckEmail(address string) error {
	parsed, err := mail.ParseAddress(address)
	invalid := func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsGraphic(r) }
	if err != nil || parsed.Address != address || len(address) > 254 || strings.ContainsFunc(address, invalid) {
		return ErrBadEmail
	}
	return nil
}
