package scope

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/client"
)

// Source returns the scopes as they are, from a cache.
type Source interface {
	Scopes(ctx context.Context) (*Set, error)
}

// Set is all scopes at one moment. It does not change.
type Set struct {
	byName         map[string]*Scope
	names          []string            // sorted
	releasing      map[string][]string // claim to the scopes that release it to the client
	selfRegistered []string
}

// NewSet returns the scopes that records describe, together with the standard scopes
// of which no record says otherwise. A client that registered itself may have those
// whose record says so and those of registration, the names that the configuration
// lists, but for those of reserved.
func NewSet(records []*Scope, registration, reserved []string) *Set {
	set := &Set{byName: map[string]*Scope{}, releasing: map[string][]string{}}
	for _, s := range slices.Concat(standard(), records) {
		set.byName[s.Name] = s
	}
	for name := range set.byName {
		set.names = append(set.names, name)
	}
	slices.Sort(set.names)
	allowed := slices.Clone(registration)
	for _, name := range set.names {
		s := set.byName[name]
		for claim, places := range s.Claims {
			if slices.Contains(places, IDToken) || slices.Contains(places, Userinfo) {
				set.releasing[claim] = append(set.releasing[claim], name)
			}
		}
		if s.SelfRegistration && !slices.Contains(allowed, name) {
			allowed = append(allowed, name)
		}
	}
	set.selfRegistered = slices.DeleteFunc(allowed, func(name string) bool { return slices.Contains(reserved, name) })
	// A standard claim is requested by name through its standard scope alone.
	for _, name := range standardNames() {
		for _, claim := range StandardClaimsOf(name) {
			set.releasing[claim] = []string{name}
		}
	}
	return set
}

// All returns the records by name. The caller must not change them.
func (s *Set) All() []*Scope {
	list := make([]*Scope, len(s.names))
	for i, name := range s.names {
		list[i] = s.byName[name]
	}
	return list
}

// Get returns the record of a scope, or nil. The caller must not change it.
func (s *Set) Get(name string) *Scope { return s.byName[name] }

// Names returns the names of all scopes that have a record, the standard ones first,
// in the order of OpenID Connect Core.
func (s *Set) Names() []string {
	rank := func(name string) int {
		return slices.Index([]string{"offline_access", "phone", "address", "email", "profile", OpenID}, name)
	}
	names := slices.Clone(s.names)
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(rank(b), rank(a)) })
	return names
}

// Claims returns the names of the claims that some scope releases in place.
func (s *Set) Claims(places ...Destination) []string {
	var names []string
	for _, scope := range s.Names() {
		record := s.byName[scope]
		own := StandardClaimsOf(scope)
		rank := func(claim string) int {
			if at := slices.Index(own, claim); at >= 0 {
				return at
			}
			return len(own)
		}
		var found []string
		for claim, in := range record.Claims {
			if slices.ContainsFunc(in, func(p Destination) bool { return slices.Contains(places, p) }) && !slices.Contains(names, claim) {
				found = append(found, claim)
			}
		}
		slices.SortFunc(found, func(a, b string) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a, b)) })
		names = append(names, found...)
	}
	return names
}

// Releases reports whether some scope releases a claim of an account, anywhere. The
// name may be in a language, as in name#ja.
//
// Spec: OpenID Connect Core §5.2.
func (s *Set) Releases(claim string) bool {
	return slices.ContainsFunc(s.All(), func(record *Scope) bool { return len(record.places(claim)) > 0 })
}

// places returns where a scope releases a claim, which may be in a language.
func (s *Scope) places(claim string) []Destination {
	if places, ok := s.Claims[claim]; ok {
		return places
	}
	base, _, _ := strings.Cut(claim, "#")
	return s.Claims[base]
}

// SelfRegistration returns the scopes that a client may have that registered itself.
func (s *Set) SelfRegistration() []string { return slices.Clone(s.selfRegistered) }

// Allowed returns the scopes that a client may have at this moment: those registered
// for it and, if it registered them itself, that such clients may have.
func (s *Set) Allowed(c *client.Client) []string {
	if !c.Dynamic || c.OperatorScope {
		return c.Scopes()
	}
	return common(c.Scopes(), s.selfRegistered)
}

// LimitsOf returns what a client may have at this moment.
func (s *Set) LimitsOf(c *client.Client) Limits {
	return Limits{Scopes: s.Allowed(c), Resources: c.Audience}
}

// common returns those of list that are allowed.
func common(list, allowed []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(one string) bool { return !slices.Contains(allowed, one) })
}
