// Package passkey runs the WebAuthn ceremonies: the options that a browser needs to create
// or use a passkey, and the verification of its response. It is the only package that
// imports go-webauthn.
//
// A challenge is not stored. The page receives it sealed, with its time and options, and
// returns that with the response: a page view writes nothing. The
// store records when a challenge is used, so that it counts once.
//
// Spec: Web Authentication Level 3 §7.1, §7.2.
package passkey

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ostiary/ostiary/internal/credential"
)

var (
	// ErrInvalid reports a response that does not verify: a wrong signature, origin or RP ID,
	// missing user verification, inconsistent flags, or a passkey of another user. The error
	// that wraps it has the reason, which is for the log.
	ErrInvalid = errors.New("invalid passkey response")
	// ErrExpired reports a challenge that is older than [ChallengeLifetime].
	ErrExpired = errors.New("the passkey challenge has expired")
	// ErrSpent reports a challenge that was used before.
	ErrSpent = errors.New("the passkey challenge was used before")
	// ErrCounterChanged reports a passkey whose counter has changed since it was read.
	ErrCounterChanged = errors.New("the passkey was used at the same time")
	// ErrExists reports a credential ID that is registered already.
	ErrExists = errors.New("the passkey is registered already")
	// ErrTooMany reports an account with [MaxPerAccount] passkeys.
	ErrTooMany = errors.New("the account has too many passkeys")
	// ErrUnknown reports a credential ID that no account has: its authenticator may forget it.
	ErrUnknown = errors.New("unknown passkey")
)

// ChallengeLifetime is the time in which a browser must respond to a challenge.
//
// Spec: Web Authentication Level 3 §15.1 (300 to 600 seconds with user verification).
const ChallengeLifetime = 5 * time.Minute

// MaxPerAccount is the greatest number of passkeys of an account.
const MaxPerAccount = 50

// OfferInterval is the time for which the page that offers a passkey is not shown again.
const OfferInterval = 30 * 24 * time.Hour

// Passkey is a public key credential of an account (credential record).
//
// Spec: Web Authentication Level 3 §4 (credential record).
type Passkey struct {
	ID      []byte // credential ID, unique among all accounts, at most 1023 bytes
	Subject string // of the account
	Handle  []byte // user handle of the account
	RPID    string // relying party ID of its registration
	Key     Key
	Label   string // the user's name for it

	Counter  uint32 // the greatest signature counter seen; 0 for an authenticator without counter
	BackedUp bool   // the authenticator has synchronized it (BS)

	CreatedAt  time.Time
	LastUsedAt time.Time // zero until it is used
	// CounterBackAt is the time of the last use at which the counter did not increase, zero
	// for none: another device may have a copy of the key.
	CounterBackAt time.Time
}

// Key is the part of a passkey that never changes. The store has it as JSON.
type Key struct {
	Version        int      `json:"v"` // of this structure, 1
	PublicKey      []byte   `json:"public_key"`
	AAGUID         []byte   `json:"aaguid,omitempty"`
	Transports     []string `json:"transports,omitempty"`
	BackupEligible bool     `json:"backup_eligible,omitempty"` // it may be synchronized (BE)
	UserVerified   bool     `json:"user_verified,omitempty"`   // at its registration
	Attestation    string   `json:"attestation,omitempty"`     // format of the attestation statement
	// Silent reports that the browser created it without a dialog, so that its user may not know it.
	Silent bool `json:"silent,omitempty"`
	// SecondFactorOnly reports a security key, which follows another factor and never stands alone.
	SecondFactorOnly bool `json:"second_factor_only,omitempty"`
}

// User is the account that a passkey is registered for.
type User struct {
	Subject  string
	Username string
	Name     string // display name; empty for the username
}

// Use is a verified use of a passkey, for the store to record.
type Use struct {
	Passkey *Passkey // as it was read
	// IssuedAt is the time of issue of the challenge. A request accepts a challenge that was
	// issued after the last one that was used.
	IssuedAt time.Time
	At       time.Time

	Counter     uint32 // the counter to store
	CounterBack bool   // the counter did not increase
	BackedUp    bool
}

// Enrolled reports whether the user may be asked for the passkey after a password: a passkey that was
// created without a dialog counts from its first use.
func (p *Passkey) Enrolled() bool { return !p.Key.Silent || !p.LastUsedAt.IsZero() }

// Usable returns the passkeys of the list that were made for the RP ID. Browsers do not offer others.
func (rp *RelyingParty) Usable(list []*Passkey) []*Passkey {
	return slices.DeleteFunc(slices.Clone(list), func(p *Passkey) bool { return p.RPID != rp.ID })
}

// AMR returns the authentication methods of a sign-in with the passkey.
//
// Spec: RFC 8176 §2.
func (p *Passkey) AMR() []string { return []string{"pop", "user", "mfa", p.keyMethod()} }

// keyMethod is the method for the key: software that may be copied, or bound to one device.
func (p *Passkey) keyMethod() string {
	if p.Key.BackupEligible {
		return "swk"
	}
	return "hwk"
}

// StandsAlone reports whether a user signs in with the passkey and nothing else.
func (p *Passkey) StandsAlone() bool { return !p.Key.SecondFactorOnly }

// Info describes the passkey.
func (p *Passkey) Info() credential.Info {
	kind := credential.Passkey
	if p.Key.SecondFactorOnly {
		kind = credential.SecurityKey
	}
	return credential.Info{
		ID: encodeID(p.ID), Kind: kind, Label: p.Label, CreatedAt: p.CreatedAt, LastUsedAt: p.LastUsedAt,
	}
}

func encodeID(id []byte) string { return base64.RawURLEncoding.EncodeToString(id) }

// ParseID returns the credential ID for its text, which [Passkey.Info] has.
func ParseID(text string) ([]byte, error) {
	id, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("parse credential ID: %w", err)
	}
	return id, nil
}
