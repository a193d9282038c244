package grant

import "encoding/json"

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
}

// Name adds the person's username, but not beside a pairwise subject, which it would
// undo.
func (i *Introspection) Name(held *Held) {
	if i.Subject == held.Subject {
		i.Username = held.Username
	}
}
