// Package credential holds what accounts authenticate with, and hashes passwords.
package credential

import "time"

// Kind is a kind of credential.
type Kind string

// Password is the kind of a password. An account has at most one.
const Password Kind = "password"

// PasswordID is the ID of a password: it is unique within the account.
const PasswordID = "password"

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
