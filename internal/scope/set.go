package scope

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/apiresource"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/detail"
)

// Source returns the current scopes, from a cache.
type Source interface {
	Scopes(ctx context.Context) (*Set, error)
}

// Set is an immutable snapshot of all scopes and declared resources.
type Set struct {
	byName         map[string]*Scope
	names          []string            // sorted
	releasing      map[string][]string // claim to the scopes that release it to the client
	selfRegistered []string
	resources      *apiresource.Set
	details        *detail.Set // nil for none
}

// NewSet returns the set of records and of the standard scopes without a record. Clients
// registered dynamically may have the scopes whose record allows it and the ones in
// registration (from the configuration), but never the ones in reserved.
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
	// A standard claim can be requested by name only through its standard scope.
	for _, name := range standardNames() {
		for _, claim := range StandardClaimsOf(name) {
			set.releasing[claim] = []string{name}
		}
	}
	return set
}

// WithResources returns the set with declared resources.
func (s *Set) WithResources(declared *apiresource.Set) *Set {
	with := *s
	with.resources = declared
	return &with
}

// Resources returns the declared resources. The nil set has none.
func (s *Set) Resources() *apiresource.Set {
	if s == nil {
		return nil
	}
	return s.resources
}

// RequestableResources returns the resources that a client may request now.
//
// Spec: RFC 8707 §2.
func (s *Set) RequestableResources(c *client.Client) []string {
	return s.resources.Requestable(c.ID, c.Audience)
}

// LongestToken returns the longest lifetime that a resource which the client may request declares for
// its tokens, 0 for none.
func (s *Set) LongestToken(c *client.Client) time.Duration {
	return s.resources.Longest(s.RequestableResources(c))
}

// DroppedResources returns the resources of list that are not in kept.
func (*Set) DroppedResources(list, kept []string) (dropped []string) {
	for _, one := range list {
		if _, ok := apiresource.Find(kept, one); !ok {
			dropped = append(dropped, one)
		}
	}
	return dropped
}

// WithDetails sets the types of authorization details, and returns s.
func (s *Set) WithDetails(types *detail.Set) *Set {
	s.details = types
	return s
}

// Details returns the types of authorization details.
func (s *Set) Details() *detail.Set { return s.details }

// All returns the records, sorted by name. The caller must not change them.
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

// Claims returns the names of the claims that a scope releases in places.
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

// Releases reports whether a scope releases a claim in any destination. The name may have a
// language tag, as in name#ja.
//
// Spec: OpenID Connect Core §5.2.
func (s *Set) Releases(claim string) bool {
	return slices.ContainsFunc(s.All(), func(record *Scope) bool { return len(record.places(claim)) > 0 })
}

// places returns the destinations in which a scope releases a claim. The name may have a
// language tag.
func (s *Scope) places(claim string) []Destination {
	if places, ok := s.Claims[claim]; ok {
		return places
	}
	base, _, _ := strings.Cut(claim, "#")
	return s.Claims[base]
}

// SelfRegistration returns the scopes that dynamically registered clients may have.
func (s *Set) SelfRegistration() []string { return slices.Clone(s.selfRegistered) }

// Allowed returns the scopes that a client may have now: its registered scopes and, if it
// was registered dynamically, only the ones allowed to such clients.
func (s *Set) Allowed(c *client.Client) []string {
	if !c.Dynamic || c.OperatorScope {
		return c.Scopes()
	}
	return common(c.Scopes(), s.selfRegistered)
}

// LimitsOf returns the limits of a client now.
func (s *Set) LimitsOf(c *client.Client) Limits {
	return Limits{Scopes: s.Allowed(c), Resources: s.RequestableResources(c), Details: detail.Limits{Types: c.AuthorizationDetailsTypes}}
}

// common returns the elements of list that are allowed.
func common(list, allowed []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(one string) bool { return !slices.Contains(allowed, one) })
}
