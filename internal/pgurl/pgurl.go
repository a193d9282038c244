// Package pgurl reports errors in PostgreSQL database URLs without any part of a password.
// Errors of URL parsers quote the URL.
package pgurl

import (
	"errors"
	"net/url"
	"strings"
)

// ErrInvalid reports a database URL that cannot be parsed, usually because of a password that
// is not percent-encoded.
var ErrInvalid = errors.New(`invalid database URL: want postgres://USER:PASSWORD@HOST:PORT/DATABASE; ` +
	`in a password, write characters other than letters, digits and -._~ percent-encoded ("/" is %2F, "@" is %40)`)

// Check returns [ErrInvalid] for a URL with an "@" that does not end the user and password.
// In such a URL a part of the password can parse as the host or the name of the database, and
// errors would show it.
func Check(text string) error {
	_, rest, _ := strings.Cut(text, "://")
	host := rest
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		host = rest[:end]
	}
	if strings.Count(host, "@") > 1 || host != "" && strings.Contains(rest[len(host):], "@") {
		return ErrInvalid
	}
	return nil
}

// ParseError returns the cause of a parser error for the URL text, or [ErrInvalid] if the
// cause can contain a part of a password.
func ParseError(text string, parseErr error) error {
	reason := errors.Unwrap(parseErr) // the outermost error quotes the URL
	u, err := url.Parse(text)
	if err != nil || reason == nil || strings.ContainsAny(reason.Error(), "\"`'") {
		return ErrInvalid // parsers quote invalid text
	}
	for _, secret := range secrets(u) {
		if containsPart(reason.Error(), secret) {
			return ErrInvalid
		}
	}
	return errors.New("parse database URL: " + reason.Error())
}

// secrets returns the passwords in a URL, decoded and encoded.
func secrets(u *url.URL) []string {
	password, _ := u.User.Password()
	_, written, _ := strings.Cut(u.User.String(), ":")
	list := []string{password, written}
	for part := range strings.SplitSeq(u.RawQuery, "&") {
		name, value, _ := strings.Cut(part, "=")
		if decoded, _ := url.QueryUnescape(name); strings.Contains(strings.ToLower(decoded), "pass") {
			plain, _ := url.QueryUnescape(value)
			list = append(list, value, plain)
		}
	}
	return list
}

// containsPart reports whether text contains three consecutive characters of a secret, or all
// of a shorter one.
func containsPart(text, secret string) bool {
	const part = 3
	if len(secret) < part {
		return secret != "" && strings.Contains(text, secret)
	}
	for i := range len(secret) - part + 1 {
		if strings.Contains(text, secret[i:i+part]) {
			return true
		}
	}
	return false
}
