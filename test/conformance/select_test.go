package conformance

import (
	"slices"
	"testing"

	"github.com/ostiary/ostiary/test/rig"
)

func TestPlansAreSelected(t *testing.T) {
	t.Parallel()
	for patterns, want := range map[string]int{
		"":                                       len(plans()),
		"^config":                                1,
		"^config,^basic":                         3,
		"formpost":                               6,
		"^dynamic ":                              6,
		"security.*simple private.*openid.*dpop": 1,
		"client_credentials":                     4,
		"ciba.*static_client, ciba.*ping":        6,
	} {
		if list, err := selected(rig.SQLite, patterns); err != nil || len(list) != want {
			t.Errorf("%q selects %d plans, %v; want %d", patterns, len(list), err, want)
		}
	}
}

func TestPatternWithoutPlanIsAnError(t *testing.T) {
	t.Parallel()
	for _, patterns := range []string{"fapi3", "basic,fapi3", "basic,", "("} {
		if list, err := selected(rig.SQLite, patterns); err == nil {
			t.Errorf("%q selects %d plans, want an error", patterns, len(list))
		}
	}
}

// The set for PostgreSQL is smaller, but has every plan and every pair of values.
func TestEachPairOfVariantsRunsOnPostgreSQL(t *testing.T) {
	t.Parallel()
	list, err := selected(rig.Postgres, "")
	if err != nil {
		t.Fatal(err)
	}
	if len(list) >= len(plans()) {
		t.Errorf("%d of %d plans run on PostgreSQL, want fewer", len(list), len(plans()))
	}
	for _, p := range plans() {
		for one, value := range p.variant {
			for other, with := range p.variant {
				if !slices.ContainsFunc(list, func(q plan) bool {
					return q.name == p.name && q.variant[one] == value && q.variant[other] == with
				}) {
					t.Errorf("%s: %s=%s and %s=%s do not run together", p.name, one, value, other, with)
				}
			}
		}
		if !slices.ContainsFunc(list, func(q plan) bool { return q.name == p.name }) {
			t.Errorf("%s does not run", p.name)
		}
	}
}

func TestPlansHaveNamesOfTheirOwn(t *testing.T) {
	t.Parallel()
	ids, clients := map[string]bool{}, map[string]bool{}
	for _, p := range plans() {
		if ids[p.id()] || p.static != "" && clients[p.static] {
			t.Errorf("%s (%s) exists twice", p.id(), p.static)
		}
		ids[p.id()], clients[p.static] = true, true
	}
}
