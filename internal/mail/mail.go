// Package mail sends messages to users: links, codes and notices, at least once.
//
// A handler stores a message in the outbox, and a worker of any replica claims it for a
// limited time, completes it, and sends it over SMTP. A message contains no secret while it
// is stored: the worker creates its one-time link or code when it sends the message. Texts
// are from the catalogue of package messages, or from the operator's templates.
package mail

import (
	"crypto/rand"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/credential"
)

var (
	// ErrNotFound reports that no message is due.
	ErrNotFound = errors.New("message not found")
	// ErrUnwanted reports a message that must not be sent, because its account or its cause
	// no longer exists.
	ErrUnwanted = errors.New("the message is not to be sent")
)

// Kind is the type of a message, and the name of its template.
type Kind string

// The messages with a link.
const (
	Verify     Kind = "verify"     // of an address that a user added
	SignUp     Kind = "sign-up"    // of the address of a new user
	Recover    Kind = "recover"    // a password
	Invitation Kind = "invitation" // to create an account
)

// SignInCode is the message with a code to sign in.
const SignInCode Kind = "sign-in-code"

// The notices, which users cannot switch off.
const (
	AccountExists     Kind = "account-exists" // a user signed up with the address of another account
	NewDevice         Kind = "new-device"
	PasswordChanged   Kind = "password-changed"
	RecoveryUsed      Kind = "recovery-used"
	RecoveryCodeUsed  Kind = "recovery-code-used"
	CredentialAdded   Kind = "credential-added"   //nolint:gosec // not a credential
	CredentialRemoved Kind = "credential-removed" //nolint:gosec // not a credential
	AddressAdded      Kind = "address-added"
	AddressRemoved    Kind = "address-removed"
	PrimaryChanged    Kind = "primary-address-changed"
	AccountLocked     Kind = "account-locked"
	DeletionRequested Kind = "deletion-requested" // with a link to undo it
	DeletionUndone    Kind = "deletion-undone"
	AccountInactive   Kind = "account-inactive"   // it will be disabled
	PasskeyCopied     Kind = "passkey-copied"     // its counter did not increase
	ApprovalRequested Kind = "approval-requested" // by a client, with the link to its page
)

// Kinds returns all kinds.
func Kinds() []Kind {
	return []Kind{
		Verify, SignUp, Recover, Invitation, SignInCode, AccountExists, NewDevice, PasswordChanged, RecoveryUsed, RecoveryCodeUsed,
		CredentialAdded, CredentialRemoved, AddressAdded, AddressRemoved, PrimaryChanged, AccountLocked, DeletionRequested, DeletionUndone,
		AccountInactive, PasskeyCopied, ApprovalRequested,
	}
}

// HasLink reports whether messages of the kind contain a link: a one-time link, or that of a page on which
// the user decides.
func (k Kind) HasLink() bool {
	return slices.Contains([]Kind{Verify, SignUp, Recover, Invitation, DeletionRequested, ApprovalRequested}, k)
}

// MayHaveLink reports whether messages of the kind contain a link for users who did not cause what
// they tell of, if there is one.
func (k Kind) MayHaveLink() bool {
	return slices.Contains([]Kind{
		NewDevice, PasswordChanged, RecoveryUsed, RecoveryCodeUsed, CredentialAdded, CredentialRemoved, AddressAdded, AddressRemoved,
		PrimaryChanged, DeletionUndone,
	}, k)
}

// State is the state of a message.
type State string

// The states of a message. A failed or discarded message is not sent again.
const (
	Pending   State = "pending"
	Sent      State = "sent"
	Failed    State = "failed"
	Discarded State = "discarded" // there was no reason to send it
)

// Message is a message to one address.
type Message struct {
	ID       string
	Kind     Kind
	Subject  string // of the account; empty if there is none, or the worker looks it up
	To       string // an address
	Language string // of the recipient; empty for the default
	// Data has the arguments of the text, and what the worker needs to create the link. It
	// is stored, so it contains no secret.
	Data map[string]string
	// Anonymous reports that a request without a user caused the message. The number of such
	// messages is limited.
	Anonymous bool

	State     State
	CreatedAt time.Time
	DueAt     time.Time // of the next attempt; during an attempt, the end of its claim
	ExpiresAt time.Time // no attempt begins later
	Attempts  int
	LastError string // of the last attempt
	EndedAt   time.Time
}

// RetryPeriod is how long a message is attempted.
const RetryPeriod = 24 * time.Hour

// New returns a message that is due now.
func New(kind Kind, to string, now time.Time) *Message {
	return &Message{
		ID: strings.ToLower(rand.Text()), Kind: kind, To: to,
		State: Pending, CreatedAt: now, DueAt: now, ExpiresAt: now.Add(RetryPeriod),
	}
}

// Notices returns a message of the kind to each verified address of an account, the primary one
// first.
func Notices(kind Kind, a *account.Account, data map[string]string, now time.Time) []*Message {
	var list []*Message
	for _, address := range a.Addresses {
		if address.VerifiedAt.IsZero() {
			continue
		}
		m := New(kind, address.Address, now)
		m.Subject, m.Language, m.Data = a.Subject, Language(a), data
		list = append(list, m)
	}
	return list
}

// CredentialNotices returns [Notices] about a credential of a kind, with the user's name for it.
func CredentialNotices(kind Kind, a *account.Account, of credential.Kind, label string, now time.Time) []*Message {
	return Notices(kind, a, map[string]string{"username": a.Name(), credentialKind: string(of), "detail": label}, now)
}

// AddressNotices returns [Notices] about an address, to the addresses that are verified in a, the
// account before the change.
func AddressNotices(kind Kind, a *account.Account, address string, now time.Time) []*Message {
	list := Notices(kind, a, map[string]string{"username": a.Name(), "detail": address}, now)
	if was := a.PrimaryAddress(); kind == PrimaryChanged && len(list) > 0 && list[0].To == was.Address {
		list[0].Data = maps.Clone(list[0].Data)
		list[0].Data[FormerPrimary] = "yes"
	}
	return list
}

// Listed is the member of [Message.Data] of an invitation that has a link already, which lists it: the
// message is sent only while that is open.
const Listed = "listed"

// FormerPrimary is the member of [Message.Data] of the notice to the address that was the primary
// one.
const FormerPrimary = "former_primary"

// DeviceNotices returns [Notices] about a sign-in from a new device: its browser, system and
// network, each empty if unknown.
func DeviceNotices(a *account.Account, browser, system, network string, now time.Time) []*Message {
	return Notices(NewDevice, a, map[string]string{
		"username": a.Name(), deviceBrowser: browser, deviceSystem: system, deviceNetwork: network,
	}, now)
}

// The members of [Message.Data] that describe a device.
const (
	deviceBrowser = "browser"
	deviceSystem  = "system"
	deviceNetwork = "network"
)

// credentialKind is the member of [Message.Data] with the kind of the credential that a notice is
// about.
const credentialKind = "credential"

// Language returns the language of an account, empty for the default.
//
// Spec: OpenID Connect Core §5.1 (locale).
func Language(a *account.Account) string {
	language, _ := a.Claims["locale"].(string)
	return language
}
