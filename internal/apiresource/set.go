package apiresource

import (
	"errors"
	"slices"
	"time"
)

// ErrNotShared reports resources that no single token may be for.
var ErrNotShared = errors.New("no token may be for all of these resources")

// Set is an immutable snapshot of all declared resources. The nil set is empty.
type Set struct {
	list  []*Resource
	byKey map[string]*Resource
}

// NewSet returns the set of resources, which are sorted by their key.
func NewSet(list []*Resource) *Set {
	s := &Set{list, make(map[string]*Resource, len(list))}
	for _, r := range list {
		s.byKey[Key(r.Identifier)] = r
	}
	return s
}

// All returns the resources, sorted by identifier. The caller must not change them.
func (s *Set) All() []*Resource {
	if s == nil {
		return nil
	}
	return s.list
}

// Get returns a resource, or nil if it is not declared. The caller must not change it.
func (s *Set) Get(identifier string) *Resource {
	if s == nil || len(s.list) == 0 {
		return nil
	}
	return s.byKey[Key(identifier)]
}

// Requestable returns the identifiers of all resources that a client may request: the declared ones
// that allow it, and those of its audience, as they are declared if they are.
func (s *Set) Requestable(clientID string, audience []string) []string {
	if len(s.All()) == 0 {
		return audience
	}
	var list []string
	for _, r := range s.list {
		_, registered := Find(audience, r.Identifier)
		if registered || r.AllClients || slices.Contains(r.Clients, clientID) {
			list = append(list, r.Identifier)
		}
	}
	for _, one := range audience {
		if s.Get(one) == nil {
			list = append(list, one)
		}
	}
	return list
}

// Served returns the keys of the declared resources whose tokens a client may introspect.
func (s *Set) Served(clientID string, served []string) (keys []string) {
	for _, r := range s.All() {
		if _, ok := Find(served, r.Identifier); ok || slices.Contains(r.IntrospectionClients, clientID) {
			keys = append(keys, Key(r.Identifier))
		}
	}
	return keys
}

// Limit returns the scopes of a token for resources: those that the resources declare, or all if one of
// them declares none.
func (s *Set) Limit(scopes, resources []string) []string {
	if len(s.All()) == 0 || len(resources) == 0 {
		return scopes
	}
	var declared []string
	for _, one := range resources {
		r := s.Get(one)
		if r == nil || len(r.Scopes) == 0 {
			return scopes
		}
		declared = append(declared, r.Scopes...)
	}
	return slices.DeleteFunc(slices.Clone(scopes), func(scope string) bool { return !slices.Contains(declared, scope) })
}

// TokenPolicy is what the resources of an access token decide about it. The zero value of a member
// leaves the decision to the client or the server.
type TokenPolicy struct {
	Format                  string
	Alg                     string
	Lifetime                time.Duration
	RequireSenderConstraint bool
}

// PolicyOf returns the policy for a token for resources. The shortest lifetime counts, and one
// resource suffices to require a bound token. It returns [ErrNotShared] for several resources of
// which one must be alone, or which differ in format or algorithm.
//
// Spec: RFC 8707 §2.2.
func (s *Set) PolicyOf(resources []string) (p TokenPolicy, err error) {
	if len(s.All()) == 0 {
		return p, nil
	}
	for i, one := range resources {
		r := s.Get(one)
		if r == nil {
			r = &Resource{Definition: Definition{SharedTokens: true}}
		}
		if len(resources) > 1 && (!r.SharedTokens || i > 0 && (r.Format != p.Format || r.Alg != p.Alg)) {
			return TokenPolicy{}, ErrNotShared
		}
		p.Format, p.Alg = r.Format, r.Alg
		if d := time.Duration(r.Lifetime) * time.Second; d > 0 && (p.Lifetime == 0 || d < p.Lifetime) {
			p.Lifetime = d
		}
		p.RequireSenderConstraint = p.RequireSenderConstraint || r.RequireSenderConstraint
	}
	return p, nil
}

// Longest returns the longest lifetime that one of resources declares, 0 for none.
func (s *Set) Longest(resources []string) (longest time.Duration) {
	if len(s.All()) == 0 {
		return 0
	}
	for _, one := range resources {
		if r := s.Get(one); r != nil {
			longest = max(longest, time.Duration(r.Lifetime)*time.Second)
		}
	}
	return longest
}

// NeedsChoice reports whether a token for some of resources can be refused that one for others gets:
// where one must be alone, or must have a bound token.
func (s *Set) NeedsChoice(resources []string) bool {
	if len(s.All()) == 0 {
		return false
	}
	return slices.ContainsFunc(resources, func(one string) bool {
		r := s.Get(one)
		return r != nil && (r.RequireSenderConstraint || !r.SharedTokens && len(resources) > 1)
	})
}
