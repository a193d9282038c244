package oidc

import (
	"encoding/json"
	"errors"

	"github.com/ostiary/ostiary/internal/grant"
)

// ClaimRequest says how one claim is asked for.
type ClaimRequest struct {
	Essential bool              `json:"essential,omitempty"`
	Value     json.RawMessage   `json:"value,omitempty"`
	Values    []json.RawMessage `json:"values,omitempty"`
}

// ClaimsRequest is the claims parameter (OpenID Connect Core section 5.5).
type ClaimsRequest struct {
	Userinfo map[string]*ClaimRequest
	IDToken  map[string]*ClaimRequest
}

// Target is where claims are delivered.
type Target int

// The targets.
const (
	InUserinfo Target = iota + 1
	InIDToken
)

// ParseClaimsRequest reads the claims parameter.
func ParseClaimsRequest(raw string) (*ClaimsRequest, error) { return nil, errors.New("not built yet") }

// Scopes returns the scopes that release what is asked for.
func (r *ClaimsRequest) Scopes() []string { return nil }

// Select returns what of the account's claims goes into target.
func Select(account map[string]any, scopes []string, request *ClaimsRequest, target Target) map[string]any {
	return nil
}

// IDTokenClaims returns the account's claims that were asked for in the ID token
// through the claims parameter.
func IDTokenClaims(held *grant.Held) (map[string]any, error) { return nil, nil }
