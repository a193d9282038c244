// Package grant holds grants: the authorization of a client by a user, with the
// code and the tokens that belong to it.
//
// A grant is one row from authorization to expiry. Codes and refresh tokens are computed
// from the row, and access tokens contain its ID, so revoking the row revokes all of them.
package grant

import (
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/detail"
)

var (
	// ErrNotFound reports a grant that does not exist, belongs to another client or
	// has expired. The call changed no row.
	ErrNotFound = errors.New("grant not found")
	// ErrSpent reports a code that was redeemed before. The call also returns the grant.
	ErrSpent = errors.New("code already spent")
	// ErrStaleGeneration reports a refresh token of an earlier generation. The call also
	// returns the grant.
	ErrStaleGeneration = errors.New("refresh token already rotated")
	// ErrExists reports a second insert of the same grant: its authorization request was
	// answered before.
	ErrExists = errors.New("grant already exists")
)

// Kind is the flow that created a grant.
type Kind int

// The kinds of grants. Their numbers are stored.
const (
	KindCode     Kind = 1
	KindImplicit Kind = 2 // no code: the authorization response contained all tokens
	KindDevice   Kind = 3 // the device code was issued before the grant
	KindTrial    Kind = 4 // of the administrators' console: only this server redeems the code
	KindCIBA     Kind = 6 // the auth_req_id was issued before the grant
)

// Grant is the authorization of one client by one user.
type Grant struct {
	Locator

	Kind      Kind
	ClientID  string
	Subject   string
	SessionID string // the session of the authorization; its logout revokes the grant
	Scopes    []string
	Resources []string // RFC 8707: the audiences of its access tokens

	CreatedAt time.Time
	ExpiresAt time.Time // slides with each refresh, never beyond EndsAt
	EndsAt    time.Time
	// TokensUntil is the expiry of the last access token issued under the grant. The row
	// must be kept until then. If it is zero, EndsAt is the bound.
	TokensUntil time.Time

	CodeExpiresAt     time.Time
	CodeRedeemedAt    time.Time // zero while the code is valid
	RefreshGeneration int64     // of the current refresh token; 0 before the code was redeemed
	RefreshRotatedAt  time.Time
	RevokedAt         time.Time
	RevocationReason  RevocationReason

	JWKThumbprint         string // RFC 9449: thumbprint of the DPoP key, if bound
	CertificateThumbprint string // RFC 8705: thumbprint of the certificate, if bound
	Seed                  []byte // 32 random bytes; tokens are computed from it and the system secret

	Authorization Authorization
}

// RevocationReason is the reason for which a grant was revoked.
type RevocationReason string

// The reasons for which a grant is revoked.
const (
	RevokedForCodeReuse    RevocationReason = "code_reuse"
	RevokedForRefreshReuse RevocationReason = "refresh_reuse"
	RevokedByClient        RevocationReason = "client"   // by its client, RFC 7009
	RevokedByLogout        RevocationReason = "sign_out" // with its session
	RevokedByOperator      RevocationReason = "operator"
	RevokedAfterTrial      RevocationReason = "trial" // an administrator tried the client
)

// Authorization is the part of a grant that is stored as JSON, because no query filters by it.
type Authorization struct {
	RedirectURI string          `json:"redirect_uri,omitempty"`
	Challenge   string          `json:"challenge,omitempty"` // RFC 7636, S256
	Nonce       string          `json:"nonce,omitempty"`
	AuthTime    int64           `json:"auth_time,omitempty"` // seconds since 1970
	ACR         string          `json:"acr,omitempty"`
	AMR         []string        `json:"amr,omitempty"`
	Claims      json.RawMessage `json:"claims,omitempty"`       // OpenID Connect Core §5.5, limited to the user's consent
	ClaimScopes []string        `json:"claim_scopes,omitempty"` // scopes that allow Claims, in addition to the grant's scopes
	ExtraClaims ExtraClaims     `json:"extra,omitzero"`
	Details     detail.List     `json:"authorization_details,omitempty"` // RFC 9396, limited to the user's consent
}

// Allows reports whether the grant holds scope.
func (g *Grant) Allows(scope string) bool { return slices.Contains(g.Scopes, scope) }

// BoundTo returns the key or certificate to which the code and the refresh tokens are bound.
func (g *Grant) BoundTo() Confirmation {
	return Confirmation{JKT: g.JWKThumbprint, X5T: g.CertificateThumbprint}
}

// WithAccount is a grant together with the account of its user, read in one query.
type WithAccount struct {
	Grant
	Username string
	Claims   json.RawMessage // the account's standard claims, OpenID Connect Core 5.1
	Released account.Released
}

// CodeRedemption is the input for redeeming an authorization code.
//
// Spec: RFC 6749 §4.1.2.
type CodeRedemption struct {
	Ref           Locator
	ClientID      string
	Trial         bool           // redeems a code of [KindTrial], and no other
	Sender        Confirmation   // the key or certificate that the client proved
	BindRefresh   bool           // binds the refresh tokens to Sender, for a public client
	Authorization *Authorization // replaces the grant's, unless it is nil
	Now           time.Time      // also becomes CodeRedeemedAt
	// TokensUntil is the expiry of the access token issued for the code. It raises
	// [Grant.TokensUntil].
	TokensUntil time.Time
}

// RefreshRotation is the input for rotating a refresh token to its next generation.
//
// Spec: RFC 6749 §6, RFC 9700 §4.14.
type RefreshRotation struct {
	// AllowedGroups are the groups of which the user must be in one; empty for no condition.
	AllowedGroups  []string
	Ref            Locator
	ClientID       string
	Generation     int64          // of the presented token
	Sender         Confirmation   // the key or certificate that the client proved
	BindRefresh    bool           // binds the following refresh tokens to Sender, for a public client
	KeepGeneration bool           // sender-constrained confidential clients keep their generation
	Authorization  *Authorization // replaces the grant's, unless it is nil
	ExpiresAt      time.Time      // the new ExpiresAt, which the store caps by EndsAt
	Now            time.Time
	// TokensUntil is the expiry of the access token issued with the new generation. It
	// raises [Grant.TokensUntil].
	TokensUntil time.Time
}

// Poll is the input for one poll at the token endpoint, by a client whose user decides elsewhere.
//
// Spec: RFC 8628 §3.4, CIBA Core §10.1.
type Poll struct {
	Ref      Locator
	ClientID string
	Slack    time.Duration // tolerance for an early poll
	Penalty  time.Duration // added to the interval after a poll that is too early (slow_down)
	Now      time.Time
}

// PollState is what a poll found.
type PollState struct {
	Seed     []byte
	DeniedAt time.Time // zero unless the user has denied
	TooEarly bool
	Allowed  bool // the grant exists
}
