package oidc

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/ostiary/ostiary/internal/jwks"
)

// hint is what an ID token of ours says, which may have expired: it tells whose
// it was, and lets nobody in.
type hint struct {
	Issuer    string   `json:"iss"`
	Subject   string   `json:"sub"`
	Audience  audience `json:"aud"`
	Party     string   `json:"azp"`
	SessionID string   `json:"sid"`
	IssuedAt  float64  `json:"iat"`
	ExpiresAt float64  `json:"exp"`
}

// verifyHint reads an ID token that we issued. It returns nil if the key that the token
// names is gone, which happens to tokens older than any session: the sign-out then goes on
// as if there were no hint. Other tokens that we sign for clients, as userinfo responses,
// have no exp and are not mistaken for one.
//
// Spec: OpenID Connect RP-Initiated Logout section 4; RFC 8725 section 3.11.
func (l *Logout) verifyHint(token string) (*hint, error) {
	payload, err := l.Verifier.VerifyHint(token)
	switch {
	case errors.Is(err, jwks.ErrStale):
		return nil, fmt.Errorf("verify hint: %w", err)
	case errors.Is(err, jwks.ErrUnknownKey):
		return nil, nil
	}
	var h hint
	if err != nil || json.Unmarshal(payload, &h) != nil {
		return nil, refused("id_token_hint is not an ID token of this issuer")
	}
	if h.Issuer != l.Issuer || h.Subject == "" || len(h.Audience) == 0 || h.IssuedAt <= 0 || h.ExpiresAt <= 0 {
		return nil, refused("id_token_hint is not an ID token of this issuer")
	}
	return &h, nil
}

// audience returns the client that the token was for. If the request names one,
// it must be that.
func (h *hint) audience(named string) (string, error) {
	switch {
	case named != "" && slices.Contains(h.Audience, named):
		return named, nil
	case named != "":
		return "", refused("client_id is not that of id_token_hint")
	case len(h.Audience) == 1:
		return h.Audience[0], nil
	case slices.Contains(h.Audience, h.Party):
		return h.Party, nil
	}
	return "", refused("id_token_hint is for several clients, so client_id is needed")
}

// audience is the aud claim: one string or a list of them (RFC 7519 section
// 4.1.3).
type audience []string

// UnmarshalJSON reads either form.
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
