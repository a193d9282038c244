package grant

import (
	"encoding/json"
	"maps"

	"github.com/ostiary/ostiary/internal/detail"
)

// Confirmation is the sender constraint of a token: the key or the certificate to which it is bound.
// The zero value is none. At most one of its members is set.
//
// Spec: RFC 7800 §3.1, RFC 8705 §3.1, RFC 9449 §6.
type Confirmation struct {
	JKT string `json:"jkt,omitempty" doc:"the SHA-256 thumbprint of the key, RFC 9449"`
	X5T string `json:"x5t#S256,omitempty" doc:"the SHA-256 thumbprint of the certificate, RFC 8705"`
}

// IsZero reports whether the token is not bound.
func (c Confirmation) IsZero() bool { return c == Confirmation{} }

// AllowsSender reports whether a sender that proved possession of proven may use what c binds.
func (c Confirmation) AllowsSender(proven Confirmation) bool { return c.IsZero() || c == proven }

// Introspection is an introspection response. For an inactive token all members but Active
// are empty.
//
// Spec: RFC 7662 §2.2.
type Introspection struct {
	Active    bool     `json:"active"`
	Scope     string   `json:"scope,omitempty"`
	ClientID  string   `json:"client_id,omitempty"`
	Username  string   `json:"username,omitempty"`
	TokenType string   `json:"token_type,omitempty"`
	TokenUse  string   `json:"token_use,omitempty" doc:"access_token or refresh_token"`
	Expiry    int64    `json:"exp,omitempty"`
	IssuedAt  int64    `json:"iat,omitempty"`
	Subject   string   `json:"sub,omitempty"`
	Audience  []string `json:"aud,omitempty"`
	Issuer    string   `json:"iss,omitempty"`
	ID        string   `json:"jti,omitempty"`
	AuthTime  int64    `json:"auth_time,omitempty"`
	ACR       string   `json:"acr,omitempty"`

	Confirmation Confirmation `json:"cnf,omitzero"`

	Details detail.List     `json:"authorization_details,omitempty" doc:"authorization details, RFC 9396"`
	Actor   *Actor          `json:"act,omitempty" doc:"the actor, which acts on behalf of the subject, RFC 8693"`
	MayAct  json.RawMessage `json:"may_act,omitempty" doc:"the authorized actor, which may act on behalf of the subject, RFC 8693"`

	Extra json.RawMessage `json:"ext,omitempty"` // claims added by the consent app and hooks

	// Claims are the claims about the user that the scopes release.
	Claims map[string]any `json:"-"`
}

// MarshalJSON writes the members and then the claims about the user. A claim never replaces
// a member.
//
// Spec: RFC 7662 §2.2.
func (i Introspection) MarshalJSON() ([]byte, error) {
	type members Introspection
	own, err := json.Marshal(members(i))
	claims := maps.Clone(i.Claims)
	maps.DeleteFunc(claims, func(name string, _ any) bool {
		return ContainsClaim(IntrospectionClaims(), name) || ContainsClaim(AccessTokenClaims(), name)
	})
	if err != nil || len(claims) == 0 {
		return own, err
	}
	more, err := json.Marshal(claims)
	if err != nil {
		return nil, err
	}
	return append(append(own[:len(own)-1], ','), more[1:]...), nil
}

// Name sets the username of the grant's user, unless the subject is pairwise: the username
// would identify the user.
func (i *Introspection) Name(g *WithAccount) {
	if i.Subject == g.Subject {
		i.Username = g.Username
	}
}
