package scope

import (
	"cmp"
	"encoding/json"
	"slices"
)

const (
	maxMembers = 200     // of a list in a token, such as groups
	maxInToken = 6 << 10 // bytes of JSON that scopes add to a token
)

// Shorten removes claims that would make a token too long for a cookie or header: lists of
// more than 200 members, then the longest claims until the rest has at most 6 KiB. It
// returns the sorted names of the removed claims.
func Shorten(claims map[string]any) (removed []string) {
	type sized struct {
		name string
		size int
	}
	var all []sized
	total := 0
	for name, value := range claims {
		raw, _ := json.Marshal(map[string]any{name: value})
		if list, ok := value.([]any); ok && len(list) > maxMembers {
			removed = append(removed, name)
			continue
		}
		all = append(all, sized{name, len(raw)})
		total += len(raw)
	}
	slices.SortFunc(all, func(a, b sized) int { return cmp.Or(cmp.Compare(b.size, a.size), cmp.Compare(a.name, b.name)) })
	for _, longest := range all {
		if total <= maxInToken {
			break
		}
		removed = append(removed, longest.name)
		total -= longest.size
	}
	for _, name := range removed {
		delete(claims, name)
	}
	slices.Sort(removed)
	return removed
}
