// Package hydraimport reads the data of an Ory Hydra: clients, signing keys, consents and
// trusted issuers.
//
// It is the only package that knows the tables of Hydra, reads only those, and returns domain
// types. It validates every value with the rules of this server.
package hydraimport

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/consent"
)

// Client is a client of Hydra.
type Client struct {
	ID      string
	Members map[string]json.RawMessage // under the names of RFC 7591 and Hydra's own
	// SecretHash is Hydra's hash of the secret, and Secret the secret itself if a file
	// contains it.
	SecretHash string
	Secret     string
	CreatedAt  time.Time
}

// Key is one key of a named set.
type Key struct {
	Set, KID  string
	JWK       json.RawMessage
	CreatedAt time.Time
}

// Consent is a remembered consent for a client, with or without an end.
type Consent struct {
	consent.Consent

	ID string // of the request, for the report
}

// Issuer is a trusted issuer of JWT bearer assertions (RFC 7523).
type Issuer struct {
	ID              string
	Issuer          string
	Subject         string
	AllowAnySubject bool
	Scopes          []string
	KeySet, KeyID   string // the location of its public key
	CreatedAt       time.Time
	ExpiresAt       time.Time
}

// Dropped is the number of rows that cannot be imported.
type Dropped struct {
	RefreshTokens int64 `json:"refresh_tokens"`
	Sessions      int64 `json:"sessions"`
}

// Subject reports whether text is valid as a subject: at most 255 bytes without NUL.
func Subject(text string) bool {
	return text != "" && len(text) <= 255 && strings.IndexFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) < 0
}
