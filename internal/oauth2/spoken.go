package oauth2

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/grant"
)

// ClaimStyle says how access tokens are written for services to read. Sealed ones,
// which nobody else reads, are written without it.
type ClaimStyle struct {
	// TopLevel are members of ext that stand beside the protocol's own claims, too, or
	// there alone unless Mirror is set. Whatever else is in ext stays there.
	TopLevel []string
	Mirror   bool
	// Scope is the claim that lists the scopes.
	Scope ScopeClaim
}

// ScopeClaim is a claim that lists scopes: scope, as a text (RFC 9068 section 2.2.3),
// scp, as an array, which some services look for, or both.
type ScopeClaim string

// The scope claims.
const (
	ScopeText  ScopeClaim = "string"
	ScopeArray ScopeClaim = "list"
	ScopeBoth  ScopeClaim = "both"
)

// spoken returns what is signed for claims.
func (s *ClaimStyle) spoken(claims accessClaims) (any, error) {
	if s.Scope != ScopeText && claims.Scope != "" {
		claims.ScopeList = strings.Fields(claims.Scope)
		if s.Scope == ScopeArray {
			claims.Scope = ""
		}
	}
	lifted, left, err := s.lift(claims.Extra)
	if err != nil || lifted == nil {
		return claims, err
	}
	claims.Extra = left
	own, err := json.Marshal(claims)
	if err != nil {
		return nil, fmt.Errorf("write access token: %w", err)
	}
	whole := json.RawMessage(append(own[:len(own)-1], ','))
	return append(whole, lifted[1:]...), nil
}

// lift returns the members of ext that stand beside the protocol's claims, as an object
// or nil, and what is left of ext. The protocol's names are nobody else's.
func (s *ClaimStyle) lift(ext json.RawMessage) (lifted, left json.RawMessage, err error) {
	if len(ext) == 0 || len(s.TopLevel) == 0 {
		return nil, ext, nil
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(ext, &all); err != nil {
		return nil, nil, fmt.Errorf("read claims of the grant: %w", err)
	}
	top, reserved := map[string]json.RawMessage{}, grant.AccessTokenClaims()
	for _, name := range s.TopLevel {
		if value, ok := all[name]; ok && !slices.Contains(reserved, name) {
			top[name] = value
		}
	}
	if len(top) == 0 {
		return nil, ext, nil
	}
	if lifted, err = json.Marshal(top); err != nil {
		return nil, nil, fmt.Errorf("write claims: %w", err)
	}
	if s.Mirror {
		return lifted, ext, nil
	}
	for name := range top {
		delete(all, name)
	}
	if len(all) == 0 {
		return lifted, nil, nil
	}
	if left, err = json.Marshal(all); err != nil {
		return nil, nil, fmt.Errorf("write claims: %w", err)
	}
	return lifted, left, nil
}

// heard undoes [ClaimStyle.spoken] in the claims that body was read into.
func (s *ClaimStyle) heard(claims *accessClaims, body []byte) error {
	if claims.Scope == "" {
		claims.Scope = strings.Join(claims.ScopeList, " ")
	}
	if s.Mirror { // ext holds everything
		return nil
	}
	all := map[string]json.RawMessage{}
	if err := json.Unmarshal(body, &all); err != nil {
		return err //nolint:wrapcheck // whatever it is, the token is not ours
	}
	for _, name := range grant.AccessTokenClaims() {
		delete(all, name)
	}
	if len(all) == 0 {
		return nil
	}
	if len(claims.Extra) > 0 {
		if err := json.Unmarshal(claims.Extra, &all); err != nil {
			return err //nolint:wrapcheck // as above
		}
	}
	var err error
	claims.Extra, err = json.Marshal(all)
	return err //nolint:wrapcheck // as above
}
