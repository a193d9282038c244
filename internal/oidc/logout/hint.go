package logout

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/ostiary/ostiary/internal/jwks"
)

// Verifier verifies ID tokens of this server.
type Verifier interface {
	// VerifyHint returns jwks.ErrBadToken for a token that this server did not sign, or
	// jwks.ErrUnknownKey if the key that it names has been deleted.
	VerifyHint(token string) (payload []byte, err error)
}

// idTokenHint holds the claims of an ID token that may have expired. It identifies a
// session and authenticates no user.
type idTokenHint struct {
	Issuer          string   `json:"iss"`
	Subject         string   `json:"sub"`
	Audience        audience `json:"aud"`
	AuthorizedParty string   `json:"azp"`
	SessionID       string   `json:"sid"`
	IssuedAt        float64  `json:"iat"`
	ExpiresAt       float64  `json:"exp"`
}

// verifyHint verifies an ID token. It returns nil if the signing key has been deleted,
// which only affects tokens older than any session: the logout then continues as without
// a hint. Other tokens for clients, such as userinfo responses, have no exp and are
// rejected.
//
// Spec: OpenID Connect RP-Initiated Logout §4, RFC 8725 §3.11.
func (p *parser) verifyHint(token string) (*idTokenHint, error) {
	payload, err := p.verifier.VerifyHint(token)
	switch {
	case errors.Is(err, jwks.ErrStale):
		return nil, fmt.Errorf("verify hint: %w", err)
	case errors.Is(err, jwks.ErrUnknownKey):
		return nil, nil
	}
	var hint idTokenHint
	if err != nil || json.Unmarshal(payload, &hint) != nil || !p.isIDToken(&hint) {
		return nil, invalidRequest("id_token_hint is not an ID token of this issuer")
	}
	return &hint, nil
}

func (p *parser) isIDToken(hint *idTokenHint) bool {
	return hint.Issuer == p.issuer && hint.Subject != "" && len(hint.Audience) > 0 && hint.IssuedAt > 0 && hint.ExpiresAt > 0
}

// clientID returns the client that the token was issued to. If the request has a
// client_id, it must be in the audience.
func (hint *idTokenHint) clientID(requested string) (string, error) {
	switch {
	case requested != "" && slices.Contains(hint.Audience, requested):
		return requested, nil
	case requested != "":
		return "", invalidRequest("client_id is not in the audience of id_token_hint")
	case len(hint.Audience) == 1:
		return hint.Audience[0], nil
	case slices.Contains(hint.Audience, hint.AuthorizedParty):
		return hint.AuthorizedParty, nil
	}
	return "", invalidRequest("id_token_hint has several audiences, so client_id is required")
}

// audience is the aud claim: a string or a list of strings.
//
// Spec: RFC 7519 §4.1.3.
type audience []string

// UnmarshalJSON decodes a string or a list of strings.
func (a *audience) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*a = audience{one}
		return nil
	}
	var list []string
	if err := json.Unmarshal(raw, &list); err != nil {
		return fmt.Errorf("read aud: %w", err)
	}
	*a = list
	return nil
}
