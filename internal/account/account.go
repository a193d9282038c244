// Package account holds a person: the subject that relying parties know, the
// name and password they sign in with, and the standard claims about them.
package account

import (
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/credential"
)

var (
	// ErrNotFound reports an account that is not there.
	ErrNotFound = errors.New("account not found")
	// ErrExists reports a username that is taken.
	ErrExists = errors.New("username is taken")
	// ErrIsClient reports a subject that is the client_id of a client: a resource server
	// could take the client's own tokens for the user's (RFC 9700 §4.15).
	ErrIsClient = errors.New("the subject is the client_id of a client")
	// ErrSelfRegistered reports a username that somebody took who signed up, for whom
	// what an operator brings need not be meant.
	ErrSelfRegistered = errors.New("username was taken by somebody who signed up")
	// ErrDisabled reports somebody who may not sign in.
	ErrDisabled = errors.New("the account is disabled")
	// ErrSetupLink reports a set-up link that is unknown, too old or used.
	ErrSetupLink = errors.New("set-up link is not good")
)

// Account is one person.
type Account struct {
	Subject       string                 // random, never reused (OpenID Connect Core section 2, sub)
	Username      string                 // canonical, see CanonicalUsername
	Password      *credential.Credential // nil if there is none
	Claims        map[string]any
	Administrator bool
	// SelfRegistered tells that whoever holds the account made it, and the operator
	// has not taken it over since.
	SelfRegistered bool

	DisabledAt         time.Time // zero while the account may sign in
	SessionsValidAfter time.Time // sessions and grants from before it are dead
	CreatedAt          time.Time
	UpdatedAt          time.Time
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

// Import is an account as an operator brings it in a file.
type Import struct {
	Account *Account
	// KeepAdministrator leaves the right of an account that exists as it is, whatever
	// Account says.
	KeepAdministrator bool
}

// external begins the names of those who have none: no username that can be typed
// does.
const external = " "

// NewExternal returns the account of a subject that a login app of the operator's
// brought: everything that hangs on an account does so as with others, but there is
// no name to sign in with, and no password.
func NewExternal(subject string, now time.Time) *Account {
	return &Account{Subject: subject, Username: external + subject, CreatedAt: now, UpdatedAt: now}
}

// IsExternal reports whether the account is known by its subject alone.
func (a *Account) IsExternal() bool { return strings.HasPrefix(a.Username, external) }

// Name returns what the person signs in with, or "" if that is not known here.
func (a *Account) Name() string { return Name(a.Username) }

// Name returns the username that is stored as stored, or "" for one that stands for
// none.
func Name(stored string) string {
	if strings.HasPrefix(stored, external) {
		return ""
	}
	return stored
}

// NewSubject returns a fresh subject identifier of 130 random bits, in letters and
// digits alone.
func NewSubject() string { return strings.ToLower(rand.Text()) }
