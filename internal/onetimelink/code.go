package onetimelink

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/account"
)

const (
	// CodeLifetime is how long a code is valid.
	CodeLifetime = 10 * time.Minute
	// CodeTries is how often a code may be entered.
	CodeTries = 5
)

// NewCode returns a code of six digits, which a user reads in a message or in another browser,
// and types.
func NewCode() string {
	n, _ := rand.Int(rand.Reader, big.NewInt(1_000_000)) // never fails: crypto/rand ends the process instead
	return fmt.Sprintf("%06d", n)
}

// HashCode returns the hash under which the store has a code. It is keyed by a key of the server
// and by the ID of what the code is for, since a code has few digits.
func HashCode(key []byte, id, code string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "\x00" + strings.ReplaceAll(strings.TrimSpace(code), " ", "")))
	return mac.Sum(nil)
}

// SignInHash returns the [HashCode] of a code to sign in, which is valid only for the authorization
// request with the ID.
func SignInHash(key []byte, requestID, code string) []byte {
	return HashCode(key, string(SignIn)+" "+requestID, code)
}

// NewSignInCode returns the link of a code with which the user of a signs in, and the code. It is
// bound to an authorization request and the key of the address that it is sent to.
func NewSignInCode(key []byte, a *account.Account, address, requestID string, now time.Time) (l *Link, code string) {
	code = NewCode()
	return &Link{
		Hash: SignInHash(key, requestID, code), Kind: SignIn, Subject: a.Subject, Address: address,
		Version: Version(SignIn, a), Data: Data{Request: requestID}, CreatedAt: now, ExpiresAt: now.Add(CodeLifetime),
	}, code
}
