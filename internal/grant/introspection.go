package grant

import (
	"encoding/json"
	"maps"
)

// Introspection is what is said of a token (RFC 7662 section 2.2). Of one that is not
// active nothing else is said.
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

	Extra json.RawMessage `json:"ext,omitempty"` // what the operator's programs added

	// Claims are further members, about the user, as scopes release them.
	Claims map[string]any `json:"-"`
}

// MarshalJSON writes the claims about the user beside the other members, none of which
// they replace.
//
// Spec: RFC 7662 §2.2.
func (i Introspection) MarshalJSON() ([]byte, error) {
	type members Introspection
	own, err := json.Marshal(members(i))
	beside := maps.Clone(i.Claims)
	maps.DeleteFunc(beside, func(name string, _ any) bool {
		return ContainsClaim(IntrospectionClaims(), name) || ContainsClaim(AccessTokenClaims(), name)
	})
	if err != nil || len(beside) == 0 {
		return own, err
	}
	more, err := json.Marshal(beside)
	if err != nil {
		return nil, err
	}
	return append(append(own[:len(own)-1], ','), more[1:]...), nil
}

// Name adds the person's username, but not beside a pairwise subject, which it would
// undo.
func (i *Introspection) Name(held *GrantWithAccount) {
	if i.Subject == held.Subject {
		i.Username = held.Username
	}
}
