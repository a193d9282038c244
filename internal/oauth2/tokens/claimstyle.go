package tokens

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/grant"
)

// ClaimStyle is the format of claims in signed access tokens.
type ClaimStyle struct {
	// TopLevel are the members of ext that become top-level claims. The other members
	// remain in ext. With Mirror, ext keeps all of them.
	TopLevel []string
	Mirror   bool
	// Scope is the claim that lists the scopes.
	Scope ScopeClaim
}

// ScopeClaim selects the claims that list scopes: scope, a text of RFC 9068 §2.2.3, scp, an
// array that some resource servers expect, or both.
type ScopeClaim string

// The scope claims.
const (
	ScopeText  ScopeClaim = "string"
	ScopeArray ScopeClaim = "list"
	ScopeBoth  ScopeClaim = "both"
)

// encode returns the value to sign for claims, which it changes. The claims that scopes
// release become top-level claims; a member of ext with the same name takes precedence.
func (s *ClaimStyle) encode(claims *AccessClaims, released map[string]any) (any, error) {
	if s.Scope != ScopeText && claims.Scope != "" {
		claims.ScopeList = strings.Fields(claims.Scope)
		if s.Scope == ScopeArray {
			claims.Scope = ""
		}
	}
	lifted, rest, err := s.lift(claims.Extra)
	if err != nil || len(lifted)+len(released) == 0 {
		return claims, err
	}
	claims.Extra = rest
	topLevel := maps.Clone(released)
	if topLevel == nil {
		topLevel = map[string]any{}
	}
	for name, value := range lifted {
		topLevel[name] = value
	}
	own, err := json.Marshal(claims)
	if err != nil {
		return nil, fmt.Errorf("encode access token: %w", err)
	}
	more, err := json.Marshal(topLevel)
	if err != nil {
		return nil, fmt.Errorf("encode access token: %w", err)
	}
	joined := json.RawMessage(append(own[:len(own)-1], ','))
	return append(joined, more[1:]...), nil
}

// lift returns the members of ext that become top-level claims, and the rest of ext. Names
// of the protocol's claims remain in ext.
func (s *ClaimStyle) lift(ext json.RawMessage) (lifted map[string]json.RawMessage, rest json.RawMessage, err error) {
	if len(ext) == 0 || len(s.TopLevel) == 0 {
		return nil, ext, nil
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(ext, &all); err != nil {
		return nil, nil, fmt.Errorf("decode claims of the grant: %w", err)
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
	if rest, err = json.Marshal(all); err != nil {
		return nil, nil, fmt.Errorf("encode claims: %w", err)
	}
	return top, rest, nil
}

// decode reverts [ClaimStyle.encode] in claims, which were decoded from body.
func (s *ClaimStyle) decode(claims *AccessClaims, body []byte) error {
	if claims.Scope == "" {
		claims.Scope = strings.Join(claims.ScopeList, " ")
	}
	if s.Mirror { // ext holds all members
		return nil
	}
	all := map[string]json.RawMessage{}
	if err := json.Unmarshal(body, &all); err != nil {
		return err
	}
	// The other top-level claims were released by scopes and are no part of ext.
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
