// Package credential holds what accounts authenticate with, and hashes passwords.
package credential

import (
	"errors"
	"time"
)

// Kind is a kind of credential.
type Kind string

// The kinds of credentials. An account has at most one password and one set of recovery codes.
const (
	Password      Kind = "password"
	TOTP          Kind = "totp" // an authenticator app
	RecoveryCodes Kind = "recovery_codes"
	Passkey       Kind = "passkey"
	SecurityKey   Kind = "security_key" // a second factor only
)

// IDs of the credentials of which an account has at most one. An ID is unique within the account.
const (
	PasswordID      = "password"
	RecoveryCodesID = "recovery-codes"
)

// ErrNotFound reports a credential that the account does not have.
var ErrNotFound = errors.New("the user has no such credential")

// Credential is something that an account authenticates with.
type Credential struct {
	ID      string // unique within the account
	Subject string // of the account
	Kind    Kind
	// Secret verifies an authentication. For a password it is a hash that [Hasher.Check]
	// accepts.
	Secret     string
	Label      string    // the user's name for it; empty for a password
	CreatedAt  time.Time // when the user or an operator set it
	LastUsedAt time.Time // zero if its use is not recorded, which is so for passwords
}

// NewPassword returns the password of the account with the subject, given its hash.
func NewPassword(subject, hash string, now time.Time) *Credential {
	return &Credential{ID: PasswordID, Subject: subject, Kind: Password, Secret: hash, CreatedAt: now}
}

// Info describes a credential without its secret.
type Info struct {
	ID         string // unique within the account
	Kind       Kind
	Label      string // the user's name for it; may be empty
	Left       *int   // unused recovery codes; nil for another kind
	CreatedAt  time.Time
	LastUsedAt time.Time // zero if it was not used or its use is not recorded
}
