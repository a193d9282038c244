// Package session holds a browser that is signed in here: who, since when, and
// how surely.
//
// The cookie is known to the browser alone; the store keeps its hash. The ID is
// public: it is the sid claim of ID tokens (OpenID Connect Front-Channel Logout
// section 3).
package session

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// ErrNotFound reports a session that is not there, has ended or timed out, or
// whose account may no longer sign in.
var ErrNotFound = errors.New("session not found")

// ErrExists reports a session that has begun before.
var ErrExists = errors.New("session already exists")

// Session is one browser's sign-in.
type Session struct {
	ID       string
	Cookie   []byte // SHA-256 of the cookie's value
	Subject  string
	Username string          // read with the session, not part of it
	Claims   json.RawMessage // nor these: the account's standard claims, where tokens may be made of them

	AuthTime time.Time // when the person last proved who they are
	ACR      string
	AMR      []string // RFC 8176

	// IdentityProviderSessionID is how the login app's own identity provider calls the session.
	IdentityProviderSessionID string

	Remembered bool // survives the end of the browser
	CreatedAt  time.Time
	SeenAt     time.Time
	IdleUntil  time.Time
	EndsAt     time.Time
}

// Lifetimes bound a session: it ends after Idle without use, and in any case
// after Absolute.
type Lifetimes struct {
	Idle, Absolute time.Duration
}

const cookieBytes = 32

// NewCookie returns a fresh cookie value of 256 random bits.
func NewCookie() string { return random(cookieBytes) }

// NewID returns a fresh public session identifier of 130 random bits, in letters
// and digits alone: it is typed into command lines.
func NewID() string { return strings.ToLower(rand.Text()) }

// Hash returns what the store knows a cookie by.
func Hash(cookie string) []byte {
	sum := sha256.Sum256([]byte(cookie))
	return sum[:]
}

func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the process instead
	return base64.RawURLEncoding.EncodeToString(b)
}

// ACRPassword is the authentication context class of a sign-in with a password
// (OpenID Connect Core section 2, acr).
const ACRPassword = "urn:ostiary:acr:password" //nolint:gosec // not a credential
