// Package account holds the accounts of users: subject, username, password, email addresses,
// claims, groups, roles and attributes, with the rules for usernames and email addresses and
// the lockout of accounts.
package account

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/credential"
)

var (
	// ErrNotFound reports an unknown account.
	ErrNotFound = errors.New("account not found")
	// ErrExists reports a username or subject that is taken.
	ErrExists = errors.New("username is taken")
	// ErrIsClient reports a subject that is the client_id of a client: a resource server
	// could take the client's own tokens for the user's (RFC 9700 §4.15).
	ErrIsClient = errors.New("the subject is the client_id of a client")
	// ErrSelfRegistered reports an import for an account that a user created by signing up:
	// the operator may mean a different user.
	ErrSelfRegistered = errors.New("username is taken by a user who signed up")
	// ErrChanged reports an account, group or attribute that was changed or deleted since it was read.
	ErrChanged = errors.New("changed since it was read")
	// ErrDisabled reports a disabled account.
	ErrDisabled = errors.New("the account is disabled")
	// ErrLocked reports an account that is locked down.
	ErrLocked = errors.New("the account is locked down: unlock it first")
	// ErrSetupLink reports a setup link that is unknown, expired or used.
	ErrSetupLink = errors.New("setup link is unknown, expired or used")
)

// Account is the account of a user.
type Account struct {
	Subject  string                 // random, never reused (OpenID Connect Core section 2, sub)
	Username string                 // in the form of Username, or of CanonicalUsername if an earlier version stored it
	Password *credential.Credential // nil if there is none
	// Claims are the claims about the user. The primary address determines email and
	// email_verified; see [Account.SetClaims].
	Claims     map[string]any
	Addresses  []Address // the primary one first
	Groups     []string  // sorted
	Roles      []string  // sorted
	Attributes map[string]any
	AdminRole  AdminRole
	State      State
	Terms      AcceptedTerms
	// Breach is whether the password has appeared in a data breach. It is read with the account, and
	// not written.
	Breach BreachCheck
	// SelfRegistered reports that the user created the account by signing up, and the
	// operator has not taken it over.
	SelfRegistered bool

	DisabledAt time.Time // zero while the account may sign in
	LockedAt   time.Time // zero unless the account is locked down; then it is disabled too
	// DeletionRequestedAt is when the user asked to delete the account, which disabled it; zero
	// unless the user has.
	DeletionRequestedAt time.Time
	SessionsValidAfter  time.Time // sessions and grants from before it are invalid
	CreatedAt           time.Time
	UpdatedAt           time.Time
}

// PasswordHash returns the hash of the account's password, empty if there is none.
func (a *Account) PasswordHash() string {
	if a.Password == nil {
		return ""
	}
	return a.Password.Secret
}

// SetPassword gives the account the password with the hash as of now; an empty hash
// removes it.
func (a *Account) SetPassword(hash string, now time.Time) {
	a.Password = nil
	if hash != "" {
		a.Password = credential.NewPassword(a.Subject, hash, now)
	}
}

// Import is an account of an operator's import file.
type Import struct {
	Account *Account // added if no account has its username
	// Change applies the entry to the account that has the username, except its password. The
	// error is that of an invalid entry.
	Change func(known *Account) error
}

// external is the first character of the stored usernames of external accounts. No valid
// username begins with it.
const external = " "

// NewExternal returns an account for a subject that a login app named. It has neither a
// username nor a password.
func NewExternal(subject string, now time.Time) *Account {
	return &Account{Subject: subject, Username: external + subject, CreatedAt: now, UpdatedAt: now}
}

// Released returns what scopes release of the account beside its claims.
func (a *Account) Released() Released {
	r := Released{Groups: a.Groups, Roles: a.Roles}
	if len(a.Attributes) > 0 {
		r.Attributes, _ = json.Marshal(a.Attributes) // values from JSON
	}
	return r
}

// IsExternal reports whether the account has a subject and no username.
func (a *Account) IsExternal() bool { return strings.HasPrefix(a.Username, external) }

// Name returns the username, "" for an external account.
func (a *Account) Name() string { return Name(a.Username) }

// Name returns the username for its stored form, "" for that of an external account.
func Name(stored string) string {
	if strings.HasPrefix(stored, external) {
		return ""
	}
	return stored
}

// DeletionDelay is how long users can undo the deletion of their account.
const DeletionDelay = 7 * 24 * time.Hour

// DeletesAt returns when the account is deleted, zero unless its user has asked for that. An
// account that was enabled, disabled or locked since is not deleted.
func (a *Account) DeletesAt() time.Time {
	if a.DeletionRequestedAt.IsZero() || !a.DeletionRequestedAt.Equal(a.DisabledAt) || !a.LockedAt.IsZero() {
		return time.Time{}
	}
	return a.DeletionRequestedAt.Add(DeletionDelay)
}

// NewSubject returns a subject identifier of 130 random bits in lower-case letters and digits.
func NewSubject() string { return strings.ToLower(rand.Text()) }
