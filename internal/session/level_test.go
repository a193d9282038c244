package session

import "testing"

func TestReaches(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		have, want string
		reaches    bool
	}{
		{"1", "1", true},
		{"2", "1", true},
		{"1", "2", false},
		{"phr", "2", true},
		{"phr", "phrh", false},
		{"phrh", "phr", true},
		{"0", "1", false},
		{"urn:ostiary:acr:password", "1", true},
		{"1", "urn:ostiary:acr:password", true},
		{"gold", "gold", true},
		{"gold", "1", false},
		{"2", "gold", false},
		{"", "1", false},
	} {
		if got := Reaches(tc.have, tc.want); got != tc.reaches {
			t.Errorf("Reaches(%q, %q) = %v", tc.have, tc.want, got)
		}
	}
}

func TestStrongest(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		have   string
		values []string
		want   string // empty for none
	}{
		"the strongest that is reached":   {"phr", []string{"1", "2", "phrh"}, "2"},
		"in any order":                    {"2", []string{"2", "1"}, "2"},
		"none":                            {"1", []string{"2", "phr"}, ""},
		"no values":                       {"2", nil, ""},
		"by the current name":             {"1", []string{"urn:ostiary:acr:password"}, "1"},
		"a value of the operator's app":   {"gold", []string{"silver", "gold"}, "gold"},
		"unknown values are not compared": {"2", []string{"gold"}, ""},
	} {
		got, ok := Strongest(tc.have, tc.values)
		if got != tc.want || ok != (tc.want != "") {
			t.Errorf("%s: Strongest(%q, %q) = %q, %v, want %q", name, tc.have, tc.values, got, ok, tc.want)
		}
	}
}
