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

var update = flag.Bool("update", false, "write docs/configuration.md anew")

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
		t.Errorf("docs/configuration.md is not what `go test ./internal/config -update` writes (-want +got):\n%s", diff)
	}
}

func TestEveryKeyIsDescribedInASentence(t *testing.T) {
	t.Parallel()

	seen := map[string]bool{}
	for _, row := range config.Describe() {
		if !strings.HasSuffix(row.Doc, ".") {
			t.Errorf("%s is described by %q, which is no sentence", row.Name, row.Doc)
		}
		if row.Allowed == "" && !row.Later {
			t.Errorf("%s does not say what it allows", row.Name)
		}
		if seen[row.Name] {
			t.Errorf("%s is in the table twice", row.Name)
		}
		seen[row.Name] = true
	}
}

const referenceHead = `# Configuration

<!-- Written by the tests of internal/config: go test ./internal/config -update -->

Settings come from, the later ones winning:

1. the defaults below (the command ` + "`dev`" + ` has a few of its own),
2. the YAML file that ` + "`--config FILE`" + ` names, with the keys below,
3. the environment: ` + "`OSTIARY_`" + ` and the key in capitals,
4. flags.

A key that does not exist is an error which names one that is spelled nearly so, and all that is wrong is listed at once.
An empty value is the same as none. Lists are comma separated, or YAML lists. Times have a unit: ` + "`90s`, `10m`, `12h`, `30d`" + `.

A secret (marked *secret*) can be put in a file instead: ` + "`OSTIARY_SYSTEM_SECRETS_FILE=/run/secrets/system`" + `, or
` + "`system_secrets_file`" + ` in YAML. It is never shown in an error or a log.

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
	var reserved []string
	for _, row := range config.Describe() {
		if row.Later {
			reserved = append(reserved, "`"+row.Name+"`")
			continue
		}
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
	fmt.Fprintf(&b, "\nReserved for later versions, and refused until they do something: %s.\n", strings.Join(reserved, ", "))
	return b.String()
}
