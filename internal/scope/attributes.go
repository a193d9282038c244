package scope

import (
	"errors"
	"maps"
	"slices"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/grant"
)

// ClaimOf returns the name of the claim with which an attribute is released.
func ClaimOf(a *account.Attribute) string {
	if a.Claim == "" {
		return a.Name
	}
	return a.Claim
}

// CheckAttribute returns an error if the scope or the claim of an attribute cannot be those of an
// attribute.
func CheckAttribute(a *account.Attribute) error {
	switch {
	case a.Scope == "":
		return nil
	case !IsToken(a.Scope) || len(a.Scope) > maxName:
		return errors.New("scope must be 1 to 255 printable ASCII characters without space, quotation mark and backslash")
	case protocol(a.Scope):
		return errors.New("scope must not be " + a.Scope + ", which is built in")
	case slices.Contains(StandardClaims(), base(ClaimOf(a))) || slices.Contains([]string{"groups", "roles"}, base(ClaimOf(a))):
		return errors.New("claim must not be a standard claim")
	}
	return checkClaim(ClaimOf(a), attributeDestinations())
}

func attributeDestinations() []Destination { return []Destination{IDToken, Userinfo} }

// WithAttributes returns the records, in which each scope releases the attributes that name it. A
// record that has the claim itself keeps its destinations.
func WithAttributes(records []*Scope, attributes []*account.Attribute) []*Scope {
	records = slices.Clone(records)
	for _, a := range attributes {
		if a.Scope == "" {
			continue
		}
		named := func(s *Scope) bool { return s.Name == a.Scope }
		i := slices.IndexFunc(records, named)
		if i < 0 {
			record := &Scope{Name: a.Scope}
			if at := slices.IndexFunc(standard(), named); at >= 0 {
				record = standard()[at]
			}
			records = append(records, record)
			i = len(records) - 1
		}
		s := *records[i]
		s.Attributes = append(slices.Clone(s.Attributes), a)
		s.Claims = maps.Clone(s.Claims)
		if s.Claims == nil {
			s.Claims = map[string][]Destination{}
		}
		if _, known := s.Claims[ClaimOf(a)]; !known {
			s.Claims[ClaimOf(a)] = attributeDestinations()
		}
		records[i] = &s
	}
	return records
}

// AccountClaims returns the claims of the grant's account: [AccountClaims], and its attributes that
// a scope releases. Values that do not have the type of their attribute are left out.
func (s *Set) AccountClaims(held *grant.WithAccount) (map[string]any, error) {
	claims, err := AccountClaims(held)
	if err != nil || len(held.Released.Attributes) == 0 {
		return claims, err
	}
	values, err := DecodeClaims(held.Released.Attributes)
	if err != nil {
		return nil, err
	}
	for _, record := range s.byName {
		for _, a := range record.Attributes {
			if value, ok := values[a.Name]; ok && a.CheckValue(value) == nil {
				claims[ClaimOf(a)] = value
			}
		}
	}
	return claims, nil
}
