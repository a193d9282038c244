// Package activity defines the events that users see about their account: sign-ins, failed
// sign-ins, and changes of how they sign in and of what applications may do.
//
// An event is stored in the transaction of what it reports. Failed sign-ins are the exception:
// a [Recorder] collects and writes them, so that they delay no sign-in.
package activity

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// Kind is what an event reports.
type Kind string

// The kinds of events.
const (
	SignedIn          Kind = "signed_in"
	SignInFailed      Kind = "sign_in_failed"
	PasswordChanged   Kind = "password_changed"
	CredentialAdded   Kind = "credential_added"   //nolint:gosec // not a credential
	CredentialRemoved Kind = "credential_removed" //nolint:gosec // not a credential
	RecoveryCodeUsed  Kind = "recovery_code_used"
	ConsentGiven      Kind = "consent_given"
	Locked            Kind = "locked"
	Unlocked          Kind = "unlocked"
	AddressAdded      Kind = "address_added"
	AddressVerified   Kind = "address_verified"
	AddressRemoved    Kind = "address_removed"
	Disowned          Kind = "disowned" // by the link of a notice, or from the activity page
	DeletionRequested Kind = "deletion_requested"
	DeletionUndone    Kind = "deletion_undone"
	PrimaryChanged    Kind = "primary_address_changed"
	ConsentWithdrawn  Kind = "consent_withdrawn"
	DataRequested     Kind = "data_requested"  // a file with the data of the account
	ProfileChanged    Kind = "profile_changed" // by the user
	PasswordBreached  Kind = "password_breached"
	TermsAccepted     Kind = "terms_accepted"
)

// Event is something that happened to an account.
type Event struct {
	ID      string // grows with time, unique within the account
	Subject string // of the account
	Kind    Kind
	At      time.Time
	// LastAt and Count are of several failures in one event: the last one, and how many. Other
	// events have At and 1.
	LastAt time.Time
	Count  int

	// Browser, System and Network are where the event comes from, empty if unknown.
	Browser, System, Network string
	// Detail is what the event is about: the methods of a sign-in (RFC 8176), a client_id, an
	// email address, a version of the terms, or the kind of a credential and its label.
	Detail string
}

// New returns an event at now.
func New(kind Kind, subject, detail string, now time.Time) *Event {
	return &Event{
		ID: FirstID(now) + strings.ToLower(rand.Text()[:12]), Subject: subject, Kind: kind,
		At: now, LastAt: now, Count: 1, Detail: detail,
	}
}

// FailureWindow is the time in which the failures of one account and network are one event.
const FailureWindow = 10 * time.Minute

// NewFailure returns the event of a failed sign-in. All failures of the account and the network
// in the same window have its ID.
func NewFailure(subject, network string, now time.Time) *Event {
	sum := sha256.Sum256([]byte(network))
	return &Event{
		ID:      FirstID(now.Truncate(FailureWindow)) + hex.EncodeToString(sum[:6]),
		Subject: subject, Kind: SignInFailed, At: now, LastAt: now, Count: 1, Network: network,
	}
}

// FirstID returns a lower bound for the IDs of events since t.
func FirstID(t time.Time) string { return fmt.Sprintf("%014x", max(t.UnixMicro(), 0)) }

// Events of sign-ins are kept for 90 days, as migration 41 has it too. Changes are fewer, and
// are kept for a year.
const (
	signInRetention = 90 * 24 * time.Hour
	changeRetention = 365 * 24 * time.Hour
)

// ExpiresAt returns when the event is removed.
func (e *Event) ExpiresAt() time.Time {
	if e.Kind == SignedIn || e.Kind == SignInFailed {
		return e.At.Add(signInRetention)
	}
	return e.At.Add(changeRetention)
}

// MaxFailures is the number of events of failed sign-ins that the store keeps in all. The
// oldest ones are removed first.
const MaxFailures = 100_000
