package scope

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/grant"
)

func attribute(name string, kind account.AttributeType, scope, claim string) *account.Attribute {
	return &account.Attribute{Name: name, AttributeDefinition: account.AttributeDefinition{Type: kind, Scope: scope, Claim: claim}}
}

// A scope releases the attributes that name it, as their claims, and no value of another type.
func TestScopesReleaseAttributes(t *testing.T) {
	t.Parallel()
	records := []*Scope{{Name: "hr", Claims: map[string][]Destination{"floor": {Introspection}}}}
	set := NewSet(WithAttributes(records, []*account.Attribute{
		attribute("department", account.StringAttribute, "hr", "dept"),
		attribute("floor", account.NumberAttribute, "hr", ""),
		attribute("badges", account.ListAttribute, "new", ""),
		attribute("nick", account.StringAttribute, "profile", "nick"),
		attribute("secret", account.StringAttribute, "", ""),
		attribute("manager", account.BooleanAttribute, "hr", ""),
	}), nil, nil)
	held := &grant.WithAccount{
		Claims:   json.RawMessage(`{"name":"Ada"}`),
		Released: account.Released{Attributes: json.RawMessage(`{"department":"R&D","floor":7,"badges":["a","b"],"nick":"A","secret":"x","manager":"yes","gone":1}`)},
	}
	claims, err := set.AccountClaims(held)
	if err != nil {
		t.Fatal(err)
	}
	for scopes, want := range map[string]map[string]any{
		"hr":      {"dept": "R&D"},
		"new":     {"badges": []any{"a", "b"}},
		"profile": {"nick": "A", "name": "Ada"},
		"email":   {},
	} {
		if diff := cmp.Diff(want, set.UserinfoClaims(claims, Access{Scopes: []string{scopes}})); diff != "" {
			t.Errorf("scope %s at userinfo (-want +got):\n%s", scopes, diff)
		}
	}
	if diff := cmp.Diff(map[string]any{"floor": json.Number("7")}, set.ByScope(claims, Access{Scopes: []string{"hr"}}, Introspection)); diff != "" {
		t.Errorf("scope hr at introspection (-want +got):\n%s", diff)
	}
	if len(records[0].Claims) != 1 || len(records[0].Attributes) != 0 {
		t.Errorf("the record was changed: %+v", records[0])
	}
}

func TestCheckAttribute(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]*account.Attribute{
		"a scope with a space":      attribute("a", account.StringAttribute, "h r", ""),
		"a built-in scope":          attribute("a", account.StringAttribute, "openid", ""),
		"a standard claim":          attribute("a", account.StringAttribute, "hr", "email"),
		"a standard claim, by name": attribute("name", account.StringAttribute, "hr", ""),
		"in a language":             attribute("a", account.StringAttribute, "hr", "name#de"),
		"groups":                    attribute("groups", account.ListAttribute, "hr", ""),
		"a claim of the protocol":   attribute("sub", account.StringAttribute, "hr", ""),
		"a claim with a control":    attribute("a", account.StringAttribute, "hr", "a\x01"),
	} {
		if CheckAttribute(a) == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if err := CheckAttribute(attribute("name", account.StringAttribute, "", "")); err != nil {
		t.Errorf("an attribute that no scope releases: %v", err)
	}
}
