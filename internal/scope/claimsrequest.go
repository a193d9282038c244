package scope

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
)

const (
	maxRequest      = 16 << 10 // bytes of a claims parameter
	maxRequestNames = 100
)

// ClaimRequest holds the members of one requested claim.
type ClaimRequest struct {
	Essential bool              `json:"essential,omitempty"`
	Value     json.RawMessage   `json:"value,omitempty"`
	Values    []json.RawMessage `json:"values,omitempty"`
}

// ClaimsRequest is the claims parameter. A nil ClaimRequest requests a claim as voluntary.
//
// Spec: OpenID Connect Core §5.5.
type ClaimsRequest struct {
	Userinfo map[string]*ClaimRequest `json:"userinfo,omitempty"`
	IDToken  map[string]*ClaimRequest `json:"id_token,omitempty"`
}

// ParseClaimsRequest parses the claims parameter. An empty text requests no claims, and
// unknown members are ignored. The text of its errors is a valid error_description.
//
// Spec: OpenID Connect Core §5.5.
func ParseClaimsRequest(raw string) (ClaimsRequest, error) {
	var request ClaimsRequest
	if raw == "" {
		return request, nil
	}
	if len(raw) > maxRequest {
		return request, errors.New("claims is too long")
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(raw), &members); err != nil || members == nil {
		return request, errors.New("claims must be a JSON object")
	}
	for member, into := range map[string]*map[string]*ClaimRequest{
		"userinfo": &request.Userinfo,
		"id_token": &request.IDToken,
	} {
		part, ok := members[member]
		if !ok {
			continue
		}
		if err := json.Unmarshal(part, into); err != nil {
			return ClaimsRequest{}, errors.New(member + " in claims must hold null or an object for each claim")
		}
		if len(*into) > maxRequestNames {
			return ClaimsRequest{}, errors.New("claims requests too many claims")
		}
	}
	return request, nil
}

// names returns the sorted names of the requested claims.
func (r ClaimsRequest) names() []string {
	return slices.Compact(slices.Sorted(func(yield func(string) bool) {
		for _, part := range []map[string]*ClaimRequest{r.Userinfo, r.IDToken} {
			for name := range part {
				if !yield(name) {
					return
				}
			}
		}
	}))
}

// only returns the part of the request for which keep returns true.
func (r ClaimsRequest) only(keep func(name string) bool) ClaimsRequest {
	part := func(whole map[string]*ClaimRequest) map[string]*ClaimRequest {
		kept := maps.Clone(whole)
		maps.DeleteFunc(kept, func(name string, _ *ClaimRequest) bool { return !keep(name) })
		return kept
	}
	return ClaimsRequest{Userinfo: part(r.Userinfo), IDToken: part(r.IDToken)}
}

// in returns the claims that are requested for a destination.
func (r ClaimsRequest) in(place Destination) map[string]*ClaimRequest {
	switch place {
	case Userinfo:
		return r.Userinfo
	case IDToken:
		return r.IDToken
	case AccessToken, Introspection: // clients cannot request claims for resource servers
	}
	return nil
}

// encode returns the request as stored in a grant, or nil if it requests no claims.
func (r ClaimsRequest) encode() json.RawMessage {
	if len(r.Userinfo)+len(r.IDToken) == 0 {
		return nil
	}
	raw, _ := json.Marshal(r)
	return raw
}
