package credential

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/ostiary/ostiary/internal/unavailable"
)

const (
	// MinPassword is the minimum number of characters of a password.
	MinPassword = 8
	// MaxCharacters is the maximum number of characters of a new password, after NFC, and so
	// 512 bytes. Passwords are never truncated.
	MaxCharacters = 128
	// MaxPassword is the maximum size in bytes of a password that is compared. It is more than
	// new passwords may have: earlier versions accepted longer ones.
	MaxPassword = 1024
)

var (
	// ErrBadPassword reports a password that is too short, too long or not UTF-8.
	ErrBadPassword = fmt.Errorf("a password has %d to %d characters", MinPassword, MaxCharacters)
	// ErrBusy reports that the hasher's queue is full.
	ErrBusy = unavailable.New("too many passwords are being checked")
	// ErrBadHash reports a stored hash that cannot be parsed.
	ErrBadHash = errors.New("password hash not understood")
)

// CheckPassword returns [ErrBadPassword] unless an operator may set the password. Only its
// length counts, in code points after NFC. Package passwordpolicy has the rules for users.
//
// Spec: NIST SP 800-63B-4 §3.1.1.2.
func CheckPassword(password string) error {
	if !utf8.ValidString(password) {
		return ErrBadPassword
	}
	if n := utf8.RuneCountInString(norm.NFC.String(password)); n < MinPassword || n > MaxCharacters {
		return ErrBadPassword
	}
	return nil
}
