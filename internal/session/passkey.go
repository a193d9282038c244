package session

import (
	"cmp"
	"fmt"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/passkey"
)

// PasskeySignIn is a sign-in with a passkey, which the store records in one transaction.
type PasskeySignIn struct {
	Session *Session
	// Current is the live session of the browser and OldCookie the hash of its cookie: the new
	// session renews it if both are of the same account, and ends it otherwise. Both are nil
	// if there is none.
	Current   *Session
	OldCookie []byte

	RequestID string // of the authorization request for which the user signs in
	Use       *passkey.Use
	Account   *account.Account
	// Source becomes known to the account, unless it was recorded after SourceSince.
	Source      account.SignInSource
	SourceSince time.Time
	NewDevice   bool // the browser had no device cookie
}

// beginWithPasskey is the rest of [Manager.Begin] for a sign-in with a passkey: one
// transaction instead of one for each record.
func (m *Manager) beginWithPasskey(w http.ResponseWriter, r *http.Request, current, s *Session, a Authentication, cookie string) error {
	known := m.Cookies.Device(r)
	device := cmp.Or(known, NewCookie())
	in := PasskeySignIn{
		Session: s, Current: current, RequestID: a.RequestID, Use: a.Passkey, Account: a.Account,
		Source:      account.NewSignInSource(a.Account.Username, device, a.Source.Networks...),
		SourceSince: a.Passkey.At.Add(-sourceInterval), NewDevice: known == "",
	}
	if current != nil {
		in.OldCookie = Hash(m.Cookies.Session(r))
	}
	if err := m.Store.SignInWithPasskey(r.Context(), in); err != nil {
		return fmt.Errorf("begin session with a passkey: %w", err)
	}
	if current != nil && current.Subject != s.Subject {
		m.Ended()
	}
	m.Began()
	m.Cookies.SetSession(w, cookie, s)
	m.Cookies.SetDevice(w, device, account.DeviceLifetime)
	return nil
}
