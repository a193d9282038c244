// Package apikey defines the keys with which programs authenticate to the admin API.
//
// A key is a public id followed by 256 random bits. The store has only a hash of it, so a
// leaked database contains no usable key. A key has scopes: for each group of endpoints one
// to read and one to write.
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

	"github.com/ostiary/ostiary/internal/account"
)

// ErrNotFound reports a key that is unknown or has expired.
var ErrNotFound = errors.New("API key not found")

// The scopes, to read and to write for each group of endpoints.
const (
	ClientsRead  = "clients:read"
	ClientsWrite = "clients:write"
	// RequestsRead lets a login or consent app read its requests, RequestsWrite accept or
	// reject them.
	RequestsRead  = "requests:read"
	RequestsWrite = "requests:write"
	// SessionsRead lists sessions and consents, SessionsWrite revokes them.
	SessionsRead  = "sessions:read"
	SessionsWrite = "sessions:write"
	// TokensRead introspects tokens, TokensWrite revokes them.
	TokensRead  = "tokens:read"
	TokensWrite = "tokens:write"
	KeysRead    = "keys:read"
	KeysWrite   = "keys:write"
	// KeysExport also returns private keys.
	KeysExport   = "keys:export"
	IssuersRead  = "issuers:read"
	IssuersWrite = "issuers:write"
	AuditRead    = "audit:read"
	// ScopesRead reads scope records, ScopesWrite changes them.
	ScopesRead  = "scopes:read"
	ScopesWrite = "scopes:write"
	// UsersRead reads the accounts of users, UsersWrite changes them.
	UsersRead  = "users:read"
	UsersWrite = "users:write"
	// UsersRecover returns or sends one-time links with which users set a password.
	UsersRecover = "users:recover"
)

// Scopes returns all scopes.
func Scopes() []string {
	return []string{
		ClientsRead, ClientsWrite, RequestsRead, RequestsWrite, SessionsRead, SessionsWrite, TokensRead, TokensWrite,
		KeysRead, KeysWrite, KeysExport, IssuersRead, IssuersWrite, AuditRead, ScopesRead, ScopesWrite,
		UsersRead, UsersWrite, UsersRecover,
	}
}

// RoleScopes returns the scopes that correspond to a role of administrators. A caller of the API
// needs all of them to give or take the role, and to change an account with it. So a caller gets
// no more rights through an account than it has.
func RoleScopes(r account.AdminRole) []string {
	all := Scopes()
	switch r {
	case account.Owner:
		return all
	case account.Administrator:
		// A login app signs in any user, and so an owner.
		return slices.DeleteFunc(all, func(scope string) bool { return scope == KeysExport || scope == RequestsWrite })
	case account.Support:
		return []string{UsersRead, UsersWrite, UsersRecover, SessionsRead, SessionsWrite, AuditRead}
	case account.Auditor:
		return slices.DeleteFunc(all, func(scope string) bool { return !strings.HasSuffix(scope, ":read") })
	case account.NoAdminRole:
	}
	return nil
}

// RolesWith returns the roles that have all of the scopes.
func RolesWith(scopes []string) []account.AdminRole {
	return slices.DeleteFunc(account.AdminRoles(), func(r account.AdminRole) bool {
		return slices.ContainsFunc(scopes, func(scope string) bool { return !slices.Contains(RoleScopes(r), scope) })
	})
}

// MissingError reports that a caller lacks scopes.
type MissingError struct{ Scopes []string }

// Error implements error.
func (e *MissingError) Error() string {
	return "the scope " + strings.Join(e.Scopes, " ") + " is missing"
}

// Key is an API key as the store has it.
type Key struct {
	ID        string
	Name      string // its purpose
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

// New returns a key with a random id, and its text, which is shown once.
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

// Parse returns the id in the text of a key, and whether text has the form of a key.
func Parse(text string) (id string, ok bool) {
	rest, ok := strings.CutPrefix(text, prefix)
	if !ok || len(rest) != idLength+2*secretSize || strings.Trim(rest, "0123456789abcdefghijklmnopqrstuvwxyz") != "" {
		return "", false
	}
	return rest[:idLength], true
}

// Matches reports whether text is the text of the key, and the key has not expired at now.
func (k *Key) Matches(text string, now time.Time) bool {
	return subtle.ConstantTimeCompare(k.Hash, hash(text)) == 1 && (k.ExpiresAt.IsZero() || now.Before(k.ExpiresAt))
}

// Allows reports whether the key has the scope.
func (k *Key) Allows(scope string) bool { return slices.Contains(k.Scopes, scope) }

func hash(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}
