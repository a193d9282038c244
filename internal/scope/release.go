package scope

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/grant"
)

// base returns the name of a claim without its language tag.
//
// Spec: OpenID Connect Core §5.2.
func base(claim string) string {
	name, _, _ := strings.Cut(claim, "#")
	return name
}

// AccountClaims returns the claims of the grant's account, with groups and roles if it has
// any. Numbers keep their stored text.
func AccountClaims(held *grant.WithAccount) (map[string]any, error) {
	claims, err := DecodeClaims(held.Claims)
	if err != nil {
		return nil, err
	}
	if claims["preferred_username"] == nil && held.Username != "" {
		claims["preferred_username"] = held.Username
	}
	if len(held.Released.Groups) > 0 {
		claims["groups"] = held.Released.Groups
	}
	if len(held.Released.Roles) > 0 {
		claims["roles"] = held.Released.Roles
	}
	return claims, nil
}

// DecodeClaims parses stored claims. It returns an empty map for null and for empty input.
func DecodeClaims(raw json.RawMessage) (map[string]any, error) {
	claims := make(map[string]any)
	if len(raw) == 0 {
		return claims, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&claims); err != nil {
		return nil, fmt.Errorf("read claims of the account: %w", err)
	}
	if claims == nil {
		claims = make(map[string]any)
	}
	return claims, nil
}

// ByScope returns the claims of the account that the scopes of a release in places, without
// empty claims.
//
// Spec: OpenID Connect Core §5.3.2, §5.4.
func (s *Set) ByScope(account map[string]any, a Access, places ...Destination) map[string]any {
	return choose(account, func(claim string) bool {
		return slices.ContainsFunc(a.Scopes, func(scope string) bool {
			record := s.byName[scope]
			return record != nil && slices.ContainsFunc(record.places(claim), func(p Destination) bool { return slices.Contains(places, p) })
		})
	})
}

// ReleasesIn reports whether a scope of a releases any claim in places.
func (s *Set) ReleasesIn(a Access, places ...Destination) bool {
	return slices.ContainsFunc(a.Scopes, func(name string) bool {
		record := s.byName[name]
		if record == nil {
			return false
		}
		for _, in := range record.Claims {
			if slices.ContainsFunc(in, func(p Destination) bool { return slices.Contains(places, p) }) {
				return true
			}
		}
		return false
	})
}

// ByName returns the claims of the account that a requests by name in place, limited to
// claims that a scope of a releases.
//
// Spec: OpenID Connect Core §5.5.
func (s *Set) ByName(account map[string]any, a Access, place Destination) map[string]any {
	requested := s.Downscope(a, Limits{Scopes: a.ScopesToConsent()}).Claims.in(place)
	return choose(account, func(claim string) bool {
		_, exactly := requested[claim]
		_, inAnyLanguage := requested[base(claim)]
		return exactly || inAnyLanguage
	})
}

// AddExtra adds the extra claims of the consent app or hook for ID tokens and userinfo to
// claims. They replace claims of the account.
func AddExtra(claims map[string]any, held *grant.WithAccount) error {
	more, err := DecodeClaims(held.Authorization.ExtraClaims.IDToken)
	if err != nil {
		return err
	}
	maps.Copy(claims, more)
	return nil
}

// UserinfoClaims returns the account's claims for a userinfo response.
func (s *Set) UserinfoClaims(account map[string]any, a Access) map[string]any {
	claims := s.ByScope(account, a, Userinfo)
	maps.Copy(claims, s.ByName(account, a, Userinfo))
	return claims
}

func choose(account map[string]any, wanted func(claim string) bool) map[string]any {
	chosen := make(map[string]any)
	for name, value := range account {
		if !wanted(name) {
			continue
		}
		if value = prune(value); value != nil {
			chosen[name] = value
		}
	}
	return chosen
}

// prune returns value without null and empty members, and nil if none remains.
func prune(value any) any {
	switch v := value.(type) {
	case string:
		if strings.TrimSpace(v) == "" {
			return nil
		}
	case map[string]any:
		kept := make(map[string]any, len(v))
		for name, member := range v {
			if member = prune(member); member != nil {
				kept[name] = member
			}
		}
		if len(kept) == 0 {
			return nil
		}
		return kept
	case []any:
		if len(v) == 0 {
			return nil
		}
	}
	return value
}
