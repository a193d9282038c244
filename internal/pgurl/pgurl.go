// Package pgurl says what is wrong with the URL of a PostgreSQL database, without any
// part of a password. The words of parsers quote the URL.
package pgurl

import (
	"errors"
	"net/url"
	"strings"
)

// ErrUnreadable says what is nearly always wrong.
var ErrUnreadable = errors.New(`the database URL cannot be read: want postgres://USER:PASSWORD@HOST:PORT/DATABASE; ` +
	`in a password, write characters other than letters, digits and -._~ percent-encoded ("/" is %2F, "@" is %40)`)

// Check returns [ErrUnreadable] for a URL of which errors could tell a part of a password:
// one with an "@" that does not end the user and password. A password with an "@" may
// end early, and with a "/", "?" or "#" the host; what follows then reads as a host, or
// as the name of a database.
func Check(text string) error {
	_, rest, _ := strings.Cut(text, "://")
	host := rest
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		host = rest[:end]
	}
	if strings.Count(host, "@") > 1 || host != "" && strings.Contains(rest[len(host):], "@") {
		return ErrUnreadable
	}
	return nil
}

// Explain returns the reason why a parser refused a URL, or [ErrUnreadable] where that
// may hold a part of a password.
func Explain(text string, refused error) error {
	reason := errors.Unwrap(refused) // the outermost error quotes the URL
	u, err := url.Parse(text)
	if err != nil || reason == nil || strings.ContainsAny(reason.Error(), "\"`'") {
		return ErrUnreadable // a parser quotes what it does not understand
	}
	for _, secret := range secrets(u) {
		if shareText(reason.Error(), secret) {
			return ErrUnreadable
		}
	}
	return errors.New("read the database URL: " + reason.Error())
}

// secrets returns the passwords in a URL, as they are and as they are written.
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

// shareText reports whether text holds three characters in a row of a secret, or all of
// a shorter one.
func shareText(text, secret string) bool {
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
