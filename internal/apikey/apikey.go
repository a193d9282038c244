// Package apikey holds what the operator's own programs show to the
// administrators' API.
//
// A key is 256 random bits behind a public id. The store keeps a hash of it, so that
// a leaked database opens nothing. What a key may do is a list of scopes, one for
// reading and one for writing of each family of endpoints.
package apikey

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"
)

// ErrNotFound reports a key that is not there, or has expired.
var ErrNotFound = errors.New("API key not found")

// The scopes: for reading and writing of each family of endpoints.
const (
	ClientsRead  = "clients:read"
	ClientsWrite = "clients:write"
	// RequestsRead lets a login or consent app see the requests it is asked about,
	// RequestsWrite lets it answer them.
	RequestsRead  = "requests:read"
	RequestsWrite = "requests:write"
	// SessionsRead shows who is signed in and what they allowed, SessionsWrite ends it.
	SessionsRead  = "sessions:read"
	SessionsWrite = "sessions:write"
	// TokensRead introspects tokens, TokensWrite ends them.
	TokensRead  = "tokens:read"
	TokensWrite = "tokens:write"
	KeysRead    = "keys:read"
	KeysWrite   = "keys:write"
	// KeysExport shows private keys as well.
	KeysExport   = "keys:export"
	IssuersRead  = "issuers:read"
	IssuersWrite = "issuers:write"
	AuditRead    = "audit:read"
	// ScopesRead shows the records of scopes, ScopesWrite changes them.
	ScopesRead  = "scopes:read"
	ScopesWrite = "scopes:write"
)

// Scopes lists all scopes.
func Scopes() []string {
	return []string{
		ClientsRead, ClientsWrite, RequestsRead, RequestsWrite, SessionsRead, SessionsWrite, TokensRead, TokensWrite,
		KeysRead, KeysWrite, KeysExport, IssuersRead, IssuersWrite, AuditRead, ScopesRead, ScopesWrite,
	}
}

// Key is one key.
type Key struct {
	ID        string
	Name      string // what it is for
	Hash      []byte
	Scopes    []string
	CreatedAt time.Time
	ExpiresAt time.Time // zero: never
}

const (
	prefix     = "ost_ak_"
	idLength   = 16
	secretSize = 32
)

// New returns a key with a fresh id, and the text that is shown once.
func New(name string, scopes []string, now, expires time.Time) (k *Key, text string) {
	b := make([]byte, secretSize)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the process instead
	k = &Key{
		ID: strings.ToLower(rand.Text()[:idLength]), Name: name, Scopes: scopes,
		CreatedAt: now, ExpiresAt: expires,
	}
	text = prefix + k.ID + hex.EncodeToString(b)
	k.Hash = hash(text)
	return k, text
}

// Parse returns the id of the key that text shows, and whether it can be one.
func Parse(text string) (id string, ok bool) {
	rest, ok := strings.CutPrefix(text, prefix)
	if !ok || len(rest) != idLength+2*secretSize || strings.Trim(rest, "0123456789abcdefghijklmnopqrstuvwxyz") != "" {
		return "", false
	}
	return rest[:idLength], true
}

// Matches reports whether text shows the key, and the key is good at now.
func (k *Key) Matches(text string, now time.Time) bool {
	return subtle.ConstantTimeCompare(k.Hash, hash(text)) == 1 && (k.ExpiresAt.IsZero() || now.Before(k.ExpiresAt))
}

// Allows reports whether the key holds scope.
func (k *Key) Allows(scope string) bool { return slices.Contains(k.Scopes, scope) }

func hash(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}
