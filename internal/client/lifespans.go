package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"
)

// Lifespan is the lifetime of a token. Zero is null in JSON and selects the server's default;
// other values use Go's duration format.
type Lifespan time.Duration

// MarshalJSON encodes a duration, or null for zero.
func (l Lifespan) MarshalJSON() ([]byte, error) {
	if l == 0 {
		return []byte("null"), nil
	}
	return json.Marshal(time.Duration(l).String())
}

// UnmarshalJSON decodes a duration. Empty text counts as null.
func (l *Lifespan) UnmarshalJSON(raw []byte) error {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return errors.New("a lifespan must be a string")
	}
	*l = 0
	if text == "" {
		return nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("read lifespan: %w", err)
	}
	*l = Lifespan(d)
	return nil
}

// Lifespans are the token lifetimes of a client by grant type. Only the operator can set them.
type Lifespans struct {
	AuthorizationCodeAccessToken    Lifespan `json:"authorization_code_grant_access_token_lifespan,omitzero"`
	AuthorizationCodeIDToken        Lifespan `json:"authorization_code_grant_id_token_lifespan,omitzero"`
	AuthorizationCodeRefreshToken   Lifespan `json:"authorization_code_grant_refresh_token_lifespan,omitzero"`
	ClientCredentialsAccessToken    Lifespan `json:"client_credentials_grant_access_token_lifespan,omitzero"`
	DeviceAuthorizationAccessToken  Lifespan `json:"device_authorization_grant_access_token_lifespan,omitzero"`
	DeviceAuthorizationIDToken      Lifespan `json:"device_authorization_grant_id_token_lifespan,omitzero"`
	DeviceAuthorizationRefreshToken Lifespan `json:"device_authorization_grant_refresh_token_lifespan,omitzero"`
	ImplicitAccessToken             Lifespan `json:"implicit_grant_access_token_lifespan,omitzero"`
	ImplicitIDToken                 Lifespan `json:"implicit_grant_id_token_lifespan,omitzero"`
	JWTBearerAccessToken            Lifespan `json:"jwt_bearer_grant_access_token_lifespan,omitzero"`
	RefreshTokenAccessToken         Lifespan `json:"refresh_token_grant_access_token_lifespan,omitzero"`
	RefreshTokenIDToken             Lifespan `json:"refresh_token_grant_id_token_lifespan,omitzero"`
	RefreshTokenRefreshToken        Lifespan `json:"refresh_token_grant_refresh_token_lifespan,omitzero"`
}

// The limits of a lifespan.
const (
	minLifespan = Lifespan(time.Second)
	maxLifespan = Lifespan(10 * 365 * 24 * time.Hour)
)

// lifespans checks that the lifespans are within the limits.
func (c *checks) lifespans(m *Metadata) {
	all := reflect.ValueOf(m.Lifespans)
	for i := range all.NumField() {
		l, _ := reflect.TypeAssert[Lifespan](all.Field(i))
		if l != 0 && (l < minLifespan || l > maxLifespan) {
			c.fail(memberName(all.Type().Field(i)), "must be between 1s and 87600h")
		}
	}
}

// Or returns the lifespan, or otherwise if it is not set.
func (l Lifespan) Or(otherwise time.Duration) time.Duration {
	if l == 0 {
		return otherwise
	}
	return time.Duration(l)
}

// TokenLifespans are the lifetimes of the tokens of one grant type.
type TokenLifespans struct{ Access, ID, Refresh Lifespan }

// Of returns the lifespans of a grant type. [GrantImplicit] selects the tokens that the
// authorization endpoint issues.
func (l *Lifespans) Of(grantType string) TokenLifespans {
	switch grantType {
	case GrantAuthorizationCode:
		return TokenLifespans{l.AuthorizationCodeAccessToken, l.AuthorizationCodeIDToken, l.AuthorizationCodeRefreshToken}
	case GrantRefreshToken:
		return TokenLifespans{l.RefreshTokenAccessToken, l.RefreshTokenIDToken, l.RefreshTokenRefreshToken}
	case GrantDeviceCode:
		return TokenLifespans{l.DeviceAuthorizationAccessToken, l.DeviceAuthorizationIDToken, l.DeviceAuthorizationRefreshToken}
	case GrantClientCredentials:
		return TokenLifespans{Access: l.ClientCredentialsAccessToken}
	case GrantImplicit:
		return TokenLifespans{Access: l.ImplicitAccessToken, ID: l.ImplicitIDToken}
	case GrantJWTBearer:
		return TokenLifespans{Access: l.JWTBearerAccessToken}
	default:
		return TokenLifespans{}
	}
}

// ParseLifespans reads lifespans from the members of a JSON object. Missing members reset the
// lifespan to the default.
func ParseLifespans(members map[string]json.RawMessage) (Lifespans, []Fault) {
	m, faults := decode(members)
	if len(faults) > 0 {
		return Lifespans{}, faults
	}
	c := &checks{}
	c.lifespans(&m)
	return m.Lifespans, c.faults
}
