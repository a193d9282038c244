// Package onetimelink holds the one-time links that the server gives to users by mail or
// through an administrator.
//
// The link has a random token, the store its SHA-256. A link ends when it is spent, when
// another of its kind replaces it, when it expires, and, if it is bound to an account, when
// the password, an address or the state of that account changes.
package onetimelink

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/ostiary/ostiary/internal/account"
)

// ErrInvalid reports a link that is unknown, expired, spent, replaced, or void because its
// account has changed.
var ErrInvalid = errors.New("the link is unknown, expired or used")

// Kind is what a link is for.
type Kind string

// The kinds of links.
const (
	Verify     Kind = "verify"     // proves that a user reads an address
	SignUp     Kind = "sign-up"    // the same for a user who has no account yet
	Recover    Kind = "recover"    // sets a new password
	Invitation Kind = "invitation" // creates an account
	// UndoDeletion keeps an account that its user has asked to delete.
	UndoDeletion Kind = "undo-deletion"
	// NotMe ends all sessions of a user who did not cause what a notice tells of, or what the
	// activity of the account shows.
	NotMe  Kind = "not-me"
	SignIn Kind = "sign-in" // a code that a user enters to sign in: it has no link
)

// Page returns the path of the page that the link opens.
func (k Kind) Page() string {
	switch k {
	case Recover:
		return "/recover"
	case Invitation:
		return "/invitation"
	case Verify, SignUp:
		return "/verify"
	case UndoDeletion:
		return "/undo"
	case NotMe:
		return "/not-me"
	case SignIn:
	}
	return "/"
}

// The lifetimes of links.
const (
	VerifyLifetime     = 24 * time.Hour
	RecoverLifetime    = 30 * time.Minute
	InvitationLifetime = 7 * 24 * time.Hour
	NotMeLifetime      = 7 * 24 * time.Hour
)

// Lifetime returns how long links of the kind are valid.
func (k Kind) Lifetime() time.Duration {
	switch k {
	case Recover:
		return RecoverLifetime
	case Invitation:
		return InvitationLifetime
	case Verify, SignUp:
		return VerifyLifetime
	case UndoDeletion:
		return account.DeletionDelay
	case NotMe:
		return NotMeLifetime
	case SignIn:
		return CodeLifetime
	}
	return 0
}

// Link is a one-time link.
type Link struct {
	Hash    []byte // SHA-256 of the token
	Kind    Kind
	Subject string // of the account, or the ID of the sign-up; empty for an invitation
	Address string // the key of the address that the link was sent to; empty if an administrator passes it on
	// Version is the [Version] of the account when the link was created; empty for none.
	Version string
	Data    Data

	CreatedAt time.Time
	ExpiresAt time.Time
	SpentAt   time.Time // zero until then
	// ProvenAt is when a second factor was proven with the link, or the administrator who
	// created it waived one; zero until then.
	ProvenAt time.Time
}

// Data is what a link takes along. It has no secret.
type Data struct {
	// Request is the authorization request in which the user asked for the link.
	Request string `json:"request,omitempty"`
	// Waived reports that the link of an administrator replaces the second factor.
	Waived bool `json:"waived,omitempty"`
	// ResetFactors reports that the link of an administrator removes the passkeys, authenticator
	// apps and recovery codes of the account when it sets the password.
	ResetFactors bool `json:"reset_factors,omitempty"`
	// Groups and InvitedBy are those of an invitation.
	Groups    []string `json:"groups,omitempty"`
	InvitedBy string   `json:"invited_by,omitempty"`
	// Primary reports that the address of the link becomes the primary one again.
	Primary bool `json:"primary,omitempty"`
}

const tokenBytes = 32

// New returns a link that is valid from now, and its token.
func New(kind Kind, subject, address string, now time.Time) (l *Link, token string) {
	raw := make([]byte, tokenBytes)
	_, _ = rand.Read(raw) // never fails: crypto/rand ends the process instead
	token = base64.RawURLEncoding.EncodeToString(raw)
	return &Link{
		Hash: Hash(token), Kind: kind, Subject: subject, Address: address, CreatedAt: now, ExpiresAt: now.Add(kind.Lifetime()),
	}, token
}

// Hash returns the hash under which the store has a token.
func Hash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// IsToken reports whether text has the form of a token.
func IsToken(text string) bool {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return err == nil && len(raw) == tokenBytes
}

// URL returns the link with a token. Issuer is the URL of the server without a trailing
// slash: links never depend on a request.
func URL(issuer string, kind Kind, token string) string {
	return issuer + kind.Page() + "?token=" + token
}

// Version returns a digest of what a link of the kind depends on: the password of the account,
// its state and the time of the last revocation; and its addresses, unless the link verifies one
// of them. A link against what a notice tells of is still valid after the changes that an attacker
// makes, so it depends on neither. A new hash of the same password does not change it.
func Version(kind Kind, a *account.Account) string {
	bound := struct {
		Password      time.Time
		Addresses     []string
		Disabled      bool
		SessionsAfter time.Time
	}{Disabled: !a.DisabledAt.IsZero(), SessionsAfter: a.SessionsValidAfter.UTC()}
	if a.Password != nil && kind != NotMe {
		bound.Password = a.Password.CreatedAt.UTC()
	}
	for _, one := range a.Addresses {
		if kind == Verify || kind == NotMe {
			break
		}
		bound.Addresses = append(bound.Addresses, one.Address+" "+one.VerifiedAt.UTC().String())
	}
	slices.Sort(bound.Addresses)
	text, _ := json.Marshal(bound) // has only texts and times
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
