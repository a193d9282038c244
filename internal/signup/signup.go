// Package signup holds the sign-ups of users whose email address is not confirmed yet.
//
// A sign-up becomes an account when its user confirms the address: in the browser that
// signed up, or, with a code that another browser shows, there as well. Until then it has no
// effect: it neither takes the username nor blocks the address.
package signup

import (
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/account"
)

var (
	// ErrNotFound reports a sign-up that is unknown, expired or completed.
	ErrNotFound = errors.New("sign-up not found")
	// ErrWrongCode reports a code that is wrong or expired, or was entered wrongly too often.
	ErrWrongCode = errors.New("the code is wrong or expired")
)

// Lifetime is how long an address can be confirmed.
const Lifetime = 24 * time.Hour

// SignUp is a sign-up whose address is not confirmed.
type SignUp struct {
	ID      string
	Browser []byte // SHA-256 of the cookie of the browser
	Request string // ID of the authorization request that goes on afterwards

	Username     string // canonical
	PasswordHash string
	Claims       map[string]any
	Address      string
	Remember     bool
	TermsVersion string // of the terms that the user accepted, empty for none

	CreatedAt time.Time
	ExpiresAt time.Time
}

// NewID returns the ID of a sign-up.
func NewID() string { return strings.ToLower(rand.Text()) }

// Account returns the account that the sign-up becomes when its address is confirmed at now.
func (s *SignUp) Account(now time.Time) (*account.Account, error) {
	a := &account.Account{
		Subject: account.NewSubject(), Username: s.Username, Claims: s.Claims, SelfRegistered: true, CreatedAt: now, UpdatedAt: now,
	}
	if s.TermsVersion != "" {
		a.Terms = account.AcceptedTerms{Version: s.TermsVersion, At: s.CreatedAt}
	}
	a.SetPassword(s.PasswordHash, now)
	err := a.SetAddresses([]account.Address{{Address: s.Address, VerifiedAt: now, Primary: true}})
	return a, err
}
