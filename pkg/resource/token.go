package resource

import (
	"context"
	"errors"
	"slices"
	"time"
)

// ErrInactive reports an access token that is malformed, expired, revoked, or of another issuer. The
// errors of a [Lookup] wrap it for such a token.
var ErrInactive = errors.New("the access token is not active")

// Lookup finds out whether an access token is active and what it allows. [JWT] and [Introspection] are
// lookups.
type Lookup interface {
	// Lookup returns an active token. Its error wraps [ErrInactive] for a token that is not active; any
	// other error means that this cannot be decided now, and the client receives 503.
	Lookup(ctx context.Context, token string) (*Token, error)
}

// Token is an active access token.
//
// Spec: RFC 9068 §2.2, RFC 7662 §2.2.
type Token struct {
	Issuer  string
	Subject string
	// ClientID is the client that the token was issued to.
	ClientID string
	// ID is the claim jti.
	ID       string
	Audience []string
	Scopes   []string
	IssuedAt time.Time
	Expiry   time.Time
	// AuthTime, ACR and AMR describe how the user authenticated. They are empty for a token without a user.
	AuthTime time.Time
	ACR      string
	AMR      []string
	// Confirmation names the key to which the token is bound.
	Confirmation Confirmation
	// Claims are all claims of the token, or the members of the introspection response.
	Claims map[string]any
	// Data is what a [Lookup] of the service attaches, such as its record of the user.
	Data any
}

// Confirmation names the key to which a token is bound; it is empty for a bearer token.
//
// Spec: RFC 7800 §3.
type Confirmation struct {
	// JKT is the SHA-256 thumbprint of the key of DPoP proofs (RFC 9449 section 6).
	JKT string
	// X5T is the SHA-256 thumbprint of a client certificate (RFC 8705 section 3.1).
	X5T string
	// Unsupported reports a binding of another kind. The token is rejected, since its binding cannot be
	// checked.
	Unsupported bool
}

// IsBound reports whether the token is bound to a key.
func (c Confirmation) IsBound() bool { return c != Confirmation{} }

// Allows reports whether the token has all of the scopes.
func (t *Token) Allows(scopes ...string) bool {
	for _, scope := range scopes {
		if !slices.Contains(t.Scopes, scope) {
			return false
		}
	}
	return true
}
