// Package signup holds the sign-ups of users whose email address is not confirmed yet.
//
// A sign-up becomes an account when its user confirms the address: in the browser that
// signed up, or, with a code that another browser shows, there as well. Until then it has no
// effect: it neither takes the username nor blocks the address.
package signup

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
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

const (
	// Lifetime is how long an address can be confirmed.
	Lifetime = 24 * time.Hour
	// CodeLifetime is how long the code that another browser shows is valid.
	CodeLifetime = 10 * time.Minute
	// CodeTries is how often a code may be entered.
	CodeTries = 5
)

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
	a.SetPassword(s.PasswordHash, now)
	err := a.SetAddresses([]account.Address{{Address: s.Address, VerifiedAt: now, Primary: true}})
	return a, err
}

// NewCode returns a code of six digits, which a user reads in one browser and types in
// another.
func NewCode() string {
	n, _ := rand.Int(rand.Reader, big.NewInt(1_000_000)) // never fails: crypto/rand ends the process instead
	return fmt.Sprintf("%06d", n)
}

// HashCode returns the hash under which the store has a code. It is keyed by the ID of the
// sign-up and a key of the server, since a code has few digits.
func HashCode(key []byte, id, code string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "\x00" + strings.ReplaceAll(strings.TrimSpace(code), " ", "")))
	return mac.Sum(nil)
}
