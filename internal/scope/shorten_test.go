package scope

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func list(members int) []any {
	all := make([]any, members)
	for i := range all {
		all[i] = "g"
	}
	return all
}

func TestLongClaimsAreLeftOutOfTokens(t *testing.T) {
	t.Parallel()
	text := func(n int) string { return strings.Repeat("x", n) }
	for name, tc := range map[string]struct {
		claims        map[string]any
		removed, kept []string
	}{
		"nothing":                      {map[string]any{}, nil, nil},
		"200 groups":                   {map[string]any{"groups": list(200), "name": "Ada"}, nil, []string{"groups", "name"}},
		"201 groups":                   {map[string]any{"groups": list(201), "name": "Ada"}, []string{"groups"}, []string{"name"}},
		"6 KiB":                        {map[string]any{"a": text(6<<10 - 8)}, nil, []string{"a"}},
		"a byte more":                  {map[string]any{"a": text(6<<10 - 7)}, []string{"a"}, nil},
		"the longest goes first":       {map[string]any{"a": text(2000), "b": text(3000), "c": text(2500)}, []string{"b"}, []string{"a", "c"}},
		"as many as need be":           {map[string]any{"a": text(5000), "b": text(5000), "c": text(5000)}, []string{"a", "b"}, []string{"c"}},
		"an object counts as a whole":  {map[string]any{"a": map[string]any{"b": text(6000), "c": text(200)}, "d": true}, []string{"a"}, []string{"d"}},
		"a long list, and a long text": {map[string]any{"a": list(1000), "b": text(7000), "c": 1}, []string{"a", "b"}, []string{"c"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			removed := Shorten(tc.claims)
			if diff := cmp.Diff([][]string{tc.removed, tc.kept}, [][]string{removed, slices.Sorted(maps.Keys(tc.claims))}); diff != "" {
				t.Errorf("removed and kept differ (-want +got):\n%s", diff)
			}
		})
	}
}
