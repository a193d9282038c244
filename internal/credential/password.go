package credential

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/ostiary/ostiary/internal/unavailable"
)

const (
	// MinPassword is the minimum number of characters of a password that a user chooses.
	MinPassword = 8
	// MaxPassword is the maximum size of a password in bytes. Passwords are never truncated.
	MaxPassword = 1024
)

var (
	// ErrBadPassword reports a password that is too short, too long or not UTF-8.
	ErrBadPassword = fmt.Errorf("a password has at least %d characters and at most %d bytes", MinPassword, MaxPassword)
	// ErrBusy reports that the hasher's queue is full.
	ErrBusy = unavailable.New("too many passwords are being checked")
	// ErrBadHash reports a stored hash that cannot be parsed.
	ErrBadHash = errors.New("password hash not understood")
)

// CheckPassword returns [ErrBadPassword] unless a user may choose the password. Only its
// length counts, not its characters.
//
// Spec: NIST SP 800-63B-4 §3.1.1.2.
func CheckPassword(password string) error {
	if !utf8.ValidString(password) || utf8.RuneCountInString(password) < MinPassword || len(password) > MaxPassword {
		return ErrBadPassword
	}
	return nil
}
