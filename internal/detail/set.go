package detail

import (
	"encoding/json"
	"maps"
	"math/big"
	"slices"
	"sync"
)

// Set is an immutable snapshot of all types. A nil Set has none.
type Set struct{ byName map[string]*declared }

// declared is a type, compiled when it is first used.
type declared struct {
	*Type

	compiled func() (*compiled, error)
}

// NewSet returns the set of types.
func NewSet(types []*Type) *Set {
	s := &Set{byName: map[string]*declared{}}
	for _, t := range types {
		s.byName[t.Name] = &declared{t, sync.OnceValues(t.compile)}
	}
	return s
}

// Get returns a type, or nil.
func (s *Set) Get(name string) *Type {
	if t := s.find(name); t != nil {
		return t.Type
	}
	return nil
}

func (s *Set) find(name string) *declared {
	if s == nil {
		return nil
	}
	return s.byName[name]
}

// Names returns the sorted names of the types.
func (s *Set) Names() []string {
	if s == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(s.byName))
}

// Read reads the parameter authorization_details of a client that may request the given types. It returns
// an [InvalidError] for a detail that is malformed, of another type, does not match the schema of its
// type, or cannot be shown to the user.
//
// Spec: RFC 9396 §5.
func (s *Set) Read(raw string, types []string) (List, error) {
	list, err := Parse(raw)
	if err != nil {
		return nil, err
	}
	for _, d := range list {
		t := s.find(d.Type)
		switch {
		case t == nil:
			return nil, invalid("authorization_details has a type that this server does not know")
		case !slices.Contains(types, d.Type):
			return nil, invalid("the client may not request this type of authorization_details")
		}
		c, err := t.compiled()
		if err != nil {
			return nil, invalid("the declaration of this type of authorization_details cannot be used")
		}
		if err := c.check(d); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Words returns a detail in words, by language tag. It is empty for a detail whose type is not declared,
// or which the sentences of its type cannot show.
func (s *Set) Words(d Detail) map[string]Words {
	t := s.find(d.Type)
	if t == nil {
		return nil
	}
	c, err := t.compiled()
	if err != nil {
		return nil
	}
	all, err := c.words(d)
	if err != nil {
		return nil
	}
	return all
}

// Resources returns the resources to which the types of the details belong, each once.
func (s *Set) Resources(list List) (resources []string) {
	for _, d := range list {
		if t := s.Get(d.Type); t != nil && t.Resource != "" && !slices.Contains(resources, t.Resource) {
			resources = append(resources, t.Resource)
		}
	}
	return resources
}

// For returns the details whose type belongs to no resource, or to one that includes reports.
func (s *Set) For(list List, includes func(resource string) bool) (kept List) {
	for _, d := range list {
		if t := s.Get(d.Type); t != nil && (t.Resource == "" || includes(t.Resource)) {
			kept = append(kept, d)
		}
	}
	return kept
}

// Limits is an upper bound for details: types, or a list if Listed is set.
type Limits struct {
	Types  []string
	Listed bool
	List   List
}

// Downscope returns the part of list that is within limits and whose types are declared. With a list as
// limits, it returns those of the limits that are within list; see [Set.Narrow].
func (s *Set) Downscope(list List, limits Limits) (kept List) {
	if !limits.Listed {
		for _, d := range list {
			if s.Get(d.Type) != nil && slices.Contains(limits.Types, d.Type) {
				kept = append(kept, d)
			}
		}
		return kept
	}
	for i, used := range s.match(limits.List, list) {
		if used >= 0 {
			kept = append(kept, limits.List[i])
		}
	}
	return kept
}

// Narrow reports whether each detail of requested is within a granted one, no two within the same: a
// token request may narrow the granted details, by the comparison of their types.
//
// Spec: RFC 9396 §6, §6.1.
func (s *Set) Narrow(granted, requested List) bool {
	return !slices.Contains(s.match(requested, granted), -1)
}

// match returns for each detail of requested the index of the granted detail that it is within, or -1. No
// index is there twice, and as few as possible are -1.
func (s *Set) match(requested, granted List) []int {
	found, takenBy := make([]int, len(requested)), make([]int, len(granted))
	for i := range takenBy {
		takenBy[i] = -1
	}
	var place func(i int, seen []bool) bool
	place = func(i int, seen []bool) bool {
		for j := range granted {
			if seen[j] || !s.within(requested[i], granted[j]) {
				continue
			}
			seen[j] = true
			if takenBy[j] < 0 || place(takenBy[j], seen) {
				takenBy[j] = i
				return true
			}
		}
		return false
	}
	for i := range requested {
		place(i, make([]bool, len(granted)))
		found[i] = -1
	}
	for j, i := range takenBy {
		if i >= 0 {
			found[i] = j
		}
	}
	return found
}

// within reports whether d grants nothing beyond granted.
func (s *Set) within(d, granted Detail) bool {
	t := s.Get(granted.Type)
	if t == nil || d.Type != granted.Type {
		return false
	}
	return d.Equal(granted) || len(t.Narrowing) > 0 && t.compare("", d.members, granted.members)
}

// compare reports whether the value at a path is within the granted one.
func (t *Type) compare(path string, value, granted any) bool {
	switch t.Narrowing[path] {
	case Subset:
		return isSubset(value, granted)
	case AtMost:
		return isAtMost(value, granted)
	}
	members, isObject := value.(map[string]any)
	all, ok := granted.(map[string]any)
	if !isObject || !ok {
		return encode(value) == encode(granted)
	}
	if len(members) != len(all) {
		return false
	}
	for name, of := range members {
		in, ok := all[name]
		if !ok || !t.compare(join(path, name), of, in) {
			return false
		}
	}
	return true
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// isSubset reports whether both are lists, and the values of the first are in the second.
func isSubset(value, granted any) bool {
	some, ok := value.([]any)
	all, isList := granted.([]any)
	return ok && isList && len(some) > 0 && !slices.ContainsFunc(some, func(one any) bool {
		return !slices.ContainsFunc(all, func(other any) bool { return encode(one) == encode(other) })
	})
}

// isAtMost reports whether both are decimals of the same JSON type, and 0 <= value <= granted.
func isAtMost(value, granted any) bool {
	_, isText := value.(string)
	_, text := granted.(string)
	some, all := decimal(value), decimal(granted)
	return isText == text && some != nil && all != nil && some.Sign() >= 0 && some.Cmp(all) <= 0
}

// decimal returns the value of a number, or of a text with one; nil for other values.
func decimal(value any) *big.Rat {
	text, ok := value.(string)
	if ok {
		n, err := plain(json.Number(text))
		if err != nil || !json.Valid([]byte(n)) {
			return nil
		}
		value = n
	}
	n, ok := value.(json.Number)
	if !ok {
		return nil
	}
	rat, ok := new(big.Rat).SetString(n.String())
	if !ok {
		return nil
	}
	return rat
}
