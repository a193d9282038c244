// Package session holds the sessions of users, with the cookies that identify them, and
// begins, raises, extends and ends them.
//
// The browser has the cookie value, the store its hash. The session ID is public: it is the
// sid claim of ID tokens.
//
// Spec: OpenID Connect Front-Channel Logout 1.0 §3.
package session

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/account"
)

// ErrNotFound reports a session that does not exist, has ended or timed out, or whose
// account is disabled.
var ErrNotFound = errors.New("session not found")

// ErrExists reports a session ID that is taken.
var ErrExists = errors.New("session already exists")

// Session is a user's session in one browser.
type Session struct {
	ID       string
	Cookie   []byte // SHA-256 of the cookie's value
	Subject  string
	Username string           // read with the session, not stored in it
	Claims   json.RawMessage  // the account's standard claims, read like Username where tokens need them
	Released account.Released // read like Claims
	// AccountState is what the user must do before the account can be used, read like Username.
	AccountState account.State
	TermsVersion string // of the terms that the user has accepted, read like Username

	AuthTime time.Time // when the user last authenticated
	ACR      string
	AMR      []string // RFC 8176
	// SecondFactorWaived reports that the operator's policy asks for no second factor, because
	// the user trusts the device or still has time to enrol. It does not raise the ACR.
	SecondFactorWaived bool

	// IdentityProviderSessionID is the session ID at the login app's identity provider.
	IdentityProviderSessionID string

	// Origin is where the session was last used.
	Origin     Origin
	Remembered bool // the cookie stays when the browser process ends
	CreatedAt  time.Time
	SeenAt     time.Time
	IdleUntil  time.Time
	EndsAt     time.Time
}

// Lifetimes bound a session: it ends after Idle without a request, and after Absolute in
// any case.
type Lifetimes struct {
	Idle, Absolute time.Duration
}

const cookieBytes = 32

// NewCookie returns a cookie value of 256 random bits.
func NewCookie() string { return random(cookieBytes) }

// NewID returns a session ID of 130 random bits. It has only letters and digits, which are
// easy to type into a command line.
func NewID() string { return strings.ToLower(rand.Text()) }

// Hash returns the hash under which the store has a cookie.
func Hash(cookie string) []byte {
	sum := sha256.Sum256([]byte(cookie))
	return sum[:]
}

func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the process instead
	return base64.RawURLEncoding.EncodeToString(b)
}
