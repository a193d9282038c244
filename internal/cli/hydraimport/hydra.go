// Package hydraimport reads what an Ory Hydra kept, of v1.11 and every v2, so that this server
// can take over from it: clients with their hashed secrets, keys, consents that people
// gave, and issuers that are trusted.
//
// It alone knows the tables of Hydra, and reads nothing but those; what comes out are the
// nouns of this server. It believes nothing that it reads: whatever would not be accepted
// from an operator is left out, with the reason.
package hydraimport

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/consent"
)

// Client is a client as Hydra describes it.
type Client struct {
	ID      string
	Members map[string]json.RawMessage // under the names of RFC 7591 and Hydra's own
	// SecretHash is what Hydra keeps of its secret, and Secret the secret itself where a
	// file tells it.
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

// Consent is what somebody agreed to for a client, for good or until it ends.
type Consent struct {
	consent.Consent

	ID string // of the request, for the report
}

// Issuer is somebody whose assertions are taken for a grant (RFC 7523).
type Issuer struct {
	ID              string
	Issuer          string
	Subject         string
	AllowAnySubject bool
	Scopes          []string
	KeySet, KeyID   string // where its public key is
	CreatedAt       time.Time
	ExpiresAt       time.Time
}

// Left counts what cannot come over.
type Dropped struct {
	RefreshTokens int64 `json:"refresh_tokens"`
	Sessions      int64 `json:"sessions"`
}

// Subject reports whether somebody can be known by text here: at most 255 bytes without
// control characters (OpenID Connect Core section 2).
func Subject(text string) bool {
	return text != "" && len(text) <= 255 && strings.IndexFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) < 0
}
