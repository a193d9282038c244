package authorize

import (
	"encoding/json"
	"fmt"
	"maps"
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

// spoken returns what is signed for claims. Those that scopes release stand beside them,
// unless ext has one of that name there.
func (s *ClaimStyle) spoken(claims accessClaims, released map[string]any) (any, error) {
	if s.Scope != ScopeText && claims.Scope != "" {
		claims.ScopeList = strings.Fields(claims.Scope)
		if s.Scope == ScopeArray {
			claims.Scope = ""
		}
	}
	lifted, left, err := s.lift(claims.Extra)
	if err != nil || len(lifted)+len(released) == 0 {
		return claims, err
	}
	claims.Extra = left
	beside := maps.Clone(released)
	if beside == nil {
		beside = map[string]any{}
	}
	for name, value := range lifted {
		beside[name] = value
	}
	own, err := json.Marshal(claims)
	if err != nil {
		return nil, fmt.Errorf("write access token: %w", err)
	}
	more, err := json.Marshal(beside)
	if err != nil {
		return nil, fmt.Errorf("write access token: %w", err)
	}
	whole := json.RawMessage(append(own[:len(own)-1], ','))
	return append(whole, more[1:]...), nil
}

// lift returns the members of ext that stand beside the protocol's claims, and what is
// left of ext. The names of the protocol's claims are not among them.
func (s *ClaimStyle) lift(ext json.RawMessage) (lifted map[string]json.RawMessage, left json.RawMessage, err error) {
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
	if s.Mirror {
		return top, ext, nil
	}
	for name := range top {
		delete(all, name)
	}
	if len(all) == 0 {
		return top, nil, nil
	}
	if left, err = json.Marshal(all); err != nil {
		return nil, nil, fmt.Errorf("write claims: %w", err)
	}
	return top, left, nil
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
		return err
	}
	// Other members come from scopes, not from ext.
	maps.DeleteFunc(all, func(name string, _ json.RawMessage) bool {
		return !slices.Contains(s.TopLevel, name) || slices.Contains(grant.AccessTokenClaims(), name)
	})
	if len(all) == 0 {
		return nil
	}
	if len(claims.Extra) > 0 {
		if err := json.Unmarshal(claims.Extra, &all); err != nil {
			return err
		}
	}
	var err error
	claims.Extra, err = json.Marshal(all)
	return err
}
