package session

import (
	"encoding/json"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/passkey"
)

// Authentication is the result of an authentication method: a password, the operator's
// login app, a sign-up. [Manager.Begin] turns it into a session.
type Authentication struct {
	// Account is the authenticated account. Begin reads its Subject, Username and
	// SessionsValidAfter.
	Account *account.Account
	// Claims are the standard claims of the account, for tokens that are issued in the
	// same request; nil if none are.
	Claims   json.RawMessage
	Released account.Released // like Claims

	Time time.Time // when the user authenticated, the auth_time claim
	ACR  string
	AMR  []string // RFC 8176
	// SecondFactorWaived is that of the session.
	SecondFactorWaived bool

	// Passkey is the use of a passkey for the authorization request RequestID, nil for another
	// method. It is recorded on both in the transaction that begins the session.
	Passkey   *passkey.Use
	RequestID string

	// ID is the ID of a session that begins; empty for a new one.
	ID string
	// IdentityProviderSessionID is the ID of the session at the login app's identity provider.
	IdentityProviderSessionID string

	Remember    bool          // keep the session when the browser process ends
	RememberFor time.Duration // until when, from now; 0 for the configured lifetimes

	// Source is the device and network to record as known to the account; nil records none.
	Source *Source
}

// Source is the browser and network that an authentication comes from.
type Source struct {
	Known    account.KnownSource // as recorded before the authentication
	Networks []string            // nested address prefixes, the narrowest first
}

// session returns the session that the authentication begins at now, without its end.
func (a *Authentication) session(cookie string, now time.Time) *Session {
	s := &Session{
		ID: a.ID, Cookie: Hash(cookie),
		Subject: a.Account.Subject, Username: a.Account.Username, Claims: a.Claims, Released: a.Released,
		AuthTime: a.Time, ACR: a.ACR, AMR: a.AMR, SecondFactorWaived: a.SecondFactorWaived,
		IdentityProviderSessionID: a.IdentityProviderSessionID, Remembered: a.Remember, CreatedAt: now, SeenAt: now,
	}
	if s.ID == "" {
		s.ID = NewID()
	}
	return s
}
