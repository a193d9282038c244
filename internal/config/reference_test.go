package config_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/config"
)

var update = flag.Bool("update", false, "write docs/configuration.md")

const reference = "../../docs/configuration.md"

func TestReferenceIsCurrent(t *testing.T) {
	t.Parallel()

	want := referenceText()
	if *update {
		if err := os.WriteFile(reference, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/configuration.md is out of date; run `go test ./internal/config -update` (-want +got):\n%s", diff)
	}
}

func TestEachKeyHasADescription(t *testing.T) {
	t.Parallel()

	seen := map[string]bool{}
	for _, row := range config.Describe() {
		if !strings.HasSuffix(row.Doc, ".") {
			t.Errorf("the description of %s, %q, is not a sentence", row.Name, row.Doc)
		}
		if row.Allowed == "" {
			t.Errorf("%s does not list allowed values", row.Name)
		}
		if seen[row.Name] {
			t.Errorf("%s is in the table twice", row.Name)
		}
		seen[row.Name] = true
	}
}

const referenceHead = `# Configuration

<!-- Generated: go test ./internal/config -update -->

Sources of settings, in increasing precedence:

1. the defaults below (` + "`dev`" + ` has a few other defaults),
2. the YAML file that ` + "`--config FILE`" + ` names, with the keys below,
3. the environment: ` + "`OSTIARY_`" + ` and the key in upper case,
4. ` + "`--set KEY=VALUE`" + `.

An unknown key is an error that suggests the most similar key. All errors are listed together. An empty value counts as unset.
Lists are comma separated, or YAML lists. Durations have a unit: ` + "`90s`, `10m`, `12h`, `30d`" + `.

A setting marked *secret* can be read from a file instead: ` + "`OSTIARY_SYSTEM_SECRETS_FILE=/run/secrets/system`" + `, or
` + "`system_secrets_file`" + ` in YAML. Its value is never written to an error or a log.

` + "```yaml" + `
issuer: https://id.example.com
database_url_file: /run/secrets/database
system_secrets_file: /run/secrets/system
trusted_proxies:
  - 10.0.0.0/8
access_token_lifetime: 5m
` + "```" + `

` + "`serve`" + ` does not start without ` + "`issuer`, `system_secrets` and `database_url`" + `.

| key | default | allowed | meaning |
|---|---|---|---|
`

func referenceText() string {
	var b strings.Builder
	b.WriteString(referenceHead)
	for _, row := range config.Describe() {
		secret := ""
		if row.Secret {
			secret = " *secret*"
		}
		initial := ""
		if row.Default != "" {
			initial = "`" + row.Default + "`"
		}
		fmt.Fprintf(&b, "| `%s`%s | %s | %s | %s |\n", row.Name, secret, initial, row.Allowed, row.Doc)
	}
	return b.String()
}
