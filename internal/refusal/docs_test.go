package refusal_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// docs/refusals.md explains each rule, and only existing rules.
func TestEachRuleIsDocumented(t *testing.T) {
	t.Parallel()

	source, err := os.ReadFile("rules.go")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/refusals.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| .+ \\|$").FindAllStringSubmatch(string(page), -1) {
		documented[row[1]] = true
	}
	rules := regexp.MustCompile(`Rule += "([a-z_]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(rules) < 50 {
		t.Fatalf("found %d rules: the test does not parse rules.go", len(rules))
	}
	for _, rule := range rules {
		if !documented[rule[1]] {
			t.Errorf("docs/refusals.md does not explain %s", rule[1])
		}
		delete(documented, rule[1])
	}
	var left []string
	for rule := range documented {
		left = append(left, rule)
	}
	if len(left) > 0 {
		t.Errorf("docs/refusals.md explains rules that do not exist: %s", strings.Join(left, ", "))
	}
}
