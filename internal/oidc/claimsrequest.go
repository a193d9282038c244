package oidc

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

const (
	maxClaims      = 16 << 10 // bytes of a claims parameter
	maxClaimsNames = 100
)

// ClaimRequest says how one claim is asked for.
type ClaimRequest struct {
	Essential bool              `json:"essential"`
	Value     json.RawMessage   `json:"value"`
	Values    []json.RawMessage `json:"values"`
}

// ClaimsRequest is the claims parameter. A nil ClaimsRequest asks for nothing; a
// nil ClaimRequest asks for a claim in the default manner.
//
// Spec: OpenID Connect Core section 5.5.
type ClaimsRequest struct {
	Userinfo map[string]*ClaimRequest
	IDToken  map[string]*ClaimRequest
}

// ParseClaimsRequest reads the claims parameter. Members that it does not know
// are ignored, as they must be. Its errors are fit for an error_description.
func ParseClaimsRequest(raw string) (*ClaimsRequest, error) {
	if len(raw) > maxClaims {
		return nil, errors.New("claims is too long")
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(raw), &members); err != nil || members == nil {
		return nil, errors.New("claims must be a JSON object")
	}
	var request ClaimsRequest
	for member, into := range map[string]*map[string]*ClaimRequest{
		"userinfo": &request.Userinfo,
		"id_token": &request.IDToken,
	} {
		part, ok := members[member]
		if !ok {
			continue
		}
		if err := json.Unmarshal(part, into); err != nil {
			return nil, errors.New(member + " in claims must hold null or an object for each claim")
		}
		if len(*into) > maxClaimsNames {
			return nil, errors.New("claims asks for too many claims")
		}
	}
	return &request, nil
}

// Scopes returns the scopes that would release what is asked for by name, so that
// whoever decides about scopes can decide about it.
func (r *ClaimsRequest) Scopes() []string {
	return slices.DeleteFunc(claimScopes(), func(scope string) bool {
		return !slices.ContainsFunc(claimsOf(scope), func(claim string) bool {
			return r.names(InUserinfo, claim) || r.names(InIDToken, claim)
		})
	})
}

// asks reports whether target was to hold the claim of exactly this name.
func (r *ClaimsRequest) asks(target Target, name string) bool {
	_, ok := r.part(target)[name]
	return ok
}

// names reports whether target was to hold the claim in any language.
func (r *ClaimsRequest) names(target Target, claim string) bool {
	for name := range r.part(target) {
		if base, _, _ := strings.Cut(name, "#"); base == claim {
			return true
		}
	}
	return false
}

func (r *ClaimsRequest) part(target Target) map[string]*ClaimRequest {
	switch {
	case r == nil:
		return nil
	case target == InUserinfo:
		return r.Userinfo
	default:
		return r.IDToken
	}
}
