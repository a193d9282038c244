package admin

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/theme"
)

// jsonNames returns the names of the members of a struct.
func jsonNames(t reflect.Type) (names []string) {
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
			names = append(names, name)
		}
	}
	return names
}

// Each member of a client is on the page of all members or on that of lifetimes, and each member of
// the look on its page.
func TestEveryMemberIsOnAPage(t *testing.T) {
	t.Parallel()
	has := func(p memberPage, name string) bool {
		return slices.ContainsFunc(p.members(), func(m member) bool { return m.name == name })
	}
	unset := []string{"localized", "software_statement", "operator_scope"} // not set by operators, or with a language
	for _, name := range jsonNames(reflect.TypeFor[client.Metadata]()) {
		if !slices.Contains(unset, name) && !has(advancedPage(), name) && !has(lifespansPage(), name) {
			t.Errorf("%s is on no page", name)
		}
	}
	for _, name := range jsonNames(reflect.TypeFor[theme.Theme]()) {
		if !has(lookPage(), "theme."+name) {
			t.Errorf("theme.%s is on no page", name)
		}
	}
	for _, p := range memberPages() {
		for _, m := range p.members() {
			outer, _, _ := strings.Cut(m.name, ".")
			if !slices.Contains(jsonNames(reflect.TypeFor[client.Metadata]()), outer) {
				t.Errorf("%s: no client has the member %s", p.path, m.name)
			}
		}
	}
}

// A value is shown as a text that means the same value.
func TestMemberRoundTrip(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		m    member
		text string
		json string // empty for none
	}{
		"a text":           {member{name: "scope"}, "openid email", `{"scope":"openid email"}`},
		"an empty text":    {member{name: "scope"}, "", `{}`},
		"lines":            {member{name: "contacts", kind: memberLines}, "a\nb", `{"contacts":["a","b"]}`},
		"a flag":           {member{name: "require_pkce", kind: memberFlag}, "true", `{"require_pkce":true}`},
		"a number":         {member{name: "default_max_age", kind: memberNumber}, "60", `{"default_max_age":60}`},
		"JSON":             {member{name: "jwks", kind: memberJSON}, "{\n  \"keys\": []\n}", `{"jwks":{"keys":[]}}`},
		"a nested text":    {member{name: "theme.accent_color"}, "#0b57d0", `{"theme":{"accent_color":"#0b57d0"}}`},
		"links":            {member{name: "theme.footer_links", kind: memberLinks}, "Terms = https://a.example/?x=1", `{"theme":{"footer_links":[{"text":"Terms","uri":"https://a.example/?x=1"}]}}`},
		"a nested nothing": {member{name: "theme.accent_color"}, "", `{}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			value, err := tc.m.parse(tc.text)
			if err != nil {
				t.Fatal(err)
			}
			members := map[string]json.RawMessage{}
			if err := tc.m.set(members, value); err != nil {
				t.Fatal(err)
			}
			got, err := json.Marshal(members)
			if err != nil {
				t.Fatal(err)
			}
			if !sameJSON(got, json.RawMessage(tc.json)) {
				t.Errorf("%q means %s, want %s", tc.text, got, tc.json)
			}
			if text := tc.m.text(members); text != tc.text {
				t.Errorf("shown as %q, want %q", text, tc.text)
			}
		})
	}
	for name, m := range map[string]member{
		"yes": {name: "require_pkce", kind: memberFlag}, "1.5": {name: "default_max_age", kind: memberNumber}, "{": {name: "jwks", kind: memberJSON},
		"no address": {name: "theme.footer_links", kind: memberLinks},
	} {
		if _, err := m.parse(name); err == nil {
			t.Errorf("%q is accepted as %s", name, m.name)
		}
	}
}
