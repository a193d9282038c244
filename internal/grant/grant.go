// Package grant holds what a person allowed a client, and the code and tokens
// that live under it.
//
// A grant is one row from authorization to its end. Codes and refresh tokens
// are computed from the row, access tokens name it; so revoking the row ends
// everything that was given out. The package also holds what surrounds a grant:
// the [Request] that waits for a person, and the [Consent] that is remembered.
package grant

import (
	"encoding/json"
	"errors"
	"slices"
	"time"
)

var (
	// ErrNotFound reports a grant that is not there, belongs to another client,
	// or has ended: in all of these nothing was touched.
	ErrNotFound = errors.New("grant not found")
	// ErrSpent reports a code that has been used before. The grant comes with it.
	ErrSpent = errors.New("code already spent")
	// ErrStaleGeneration reports a refresh token of an earlier generation. The grant comes
	// with it.
	ErrStaleGeneration = errors.New("refresh token already rotated")
	// ErrExists reports a grant that was written before: its request was answered.
	ErrExists = errors.New("grant already exists")
)

// Kind tells by which way a grant came to be.
type Kind int

// The kinds of grants. Their numbers are stored.
const (
	KindCode     Kind = 1
	KindImplicit Kind = 2 // without a code: all of its tokens were in the answer
	KindDevice   Kind = 3 // whose code a device has had from the start
)

// Grant is what a subject allowed a client.
type Grant struct {
	Locator

	Kind      Kind
	ClientID  string
	Subject   string
	SessionID string // the session it was given in: signing out of that ends it
	Scopes    []string
	Resources []string // RFC 8707: the audiences of its access tokens

	CreatedAt time.Time
	ExpiresAt time.Time // slides with each refresh, never beyond EndsAt
	EndsAt    time.Time
	// TokensUntil is when the last access token issued under the grant ends. The grant
	// must be found until then. Zero if that is not known: then EndsAt bounds it.
	TokensUntil time.Time

	CodeExpiresAt     time.Time
	CodeRedeemedAt    time.Time // zero while the code is good
	RefreshGeneration int64     // of the current refresh token; 0 before the code was spent
	RefreshRotatedAt  time.Time
	RevokedAt         time.Time
	RevocationReason  RevocationReason

	JWKThumbprint         string // RFC 9449: thumbprint of the DPoP key, if bound
	CertificateThumbprint string // RFC 8705: thumbprint of the certificate, if bound
	Seed                  []byte // 32 random bytes, half of what makes its tokens

	Authorization Authorization
}

// RevocationReason says for what reason a grant was revoked.
type RevocationReason string

// The reasons for which a grant is revoked.
const (
	RevokedForCodeReuse    RevocationReason = "code_reuse"
	RevokedForRefreshReuse RevocationReason = "refresh_reuse"
	RevokedByClient        RevocationReason = "client"   // by its client, RFC 7009
	RevokedByLogout        RevocationReason = "sign_out" // with the session it was given in
	RevokedByOperator      RevocationReason = "operator"
)

// Authorization are the facts of the authorization that no statement searches for.
type Authorization struct {
	RedirectURI string          `json:"redirect_uri,omitempty"`
	Challenge   string          `json:"challenge,omitempty"` // RFC 7636, S256
	Nonce       string          `json:"nonce,omitempty"`
	AuthTime    int64           `json:"auth_time,omitempty"` // seconds since 1970
	ACR         string          `json:"acr,omitempty"`
	AMR         []string        `json:"amr,omitempty"`
	Claims      json.RawMessage `json:"claims,omitempty"`       // OpenID Connect Core 5.5, as far as they were agreed to
	ClaimScopes []string        `json:"claim_scopes,omitempty"` // stand for Claims beside the grant's scopes
	ExtraClaims ExtraClaims     `json:"extra,omitzero"`
}

// Allows reports whether the grant holds scope.
func (g *Grant) Allows(scope string) bool { return slices.Contains(g.Scopes, scope) }

// GrantWithAccount is a grant with the person behind it, as one statement reads them.
type GrantWithAccount struct {
	Grant
	Username string
	Claims   json.RawMessage // the account's standard claims, OpenID Connect Core 5.1
}

// CodeRedemption asks to use up an authorization code (RFC 6749 section 4.1.2).
type CodeRedemption struct {
	Ref           Locator
	ClientID      string
	JKT           string         // of the proof presented, if any
	Authorization *Authorization // takes the place of the grant's, unless it is nil
	Now           time.Time      // also becomes CodeSpentAt
	// TokensUntil is when the access token issued for the code ends. It raises
	// [Grant.TokensUntil].
	TokensUntil time.Time
}

// RefreshRotation asks for the next generation of a refresh token (RFC 6749 section 6).
type RefreshRotation struct {
	Ref            Locator
	ClientID       string
	Generation     int64 // of the token presented
	JKT            string
	KeepGeneration bool           // sender-constrained confidential clients keep their generation
	Authorization  *Authorization // takes the place of the grant's, unless it is nil
	ExpiresAt      time.Time      // the new ExpiresAt, which the store caps by EndsAt
	Now            time.Time
	// TokensUntil is when the access token issued with the new generation ends. It
	// raises [Grant.TokensUntil].
	TokensUntil time.Time
}
