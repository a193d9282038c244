package preset_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/preset"
)

var update = flag.Bool("update", false, "write docs/connect.md")

// docs/connect.md has a table of all presets.
func TestPageIsCurrent(t *testing.T) {
	t.Parallel()

	const page, begin, end = "../../docs/connect.md", "<!-- Generated: go test ./internal/preset -run Page -update -->\n", "<!-- end -->\n"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s has no generated part", page)
	}
	want := before + begin + generated(t) + end + after
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("docs/connect.md is out of date; run `go test ./internal/preset -run Page -update` (-want +got):\n%s", diff)
	}
}

// generated returns the tables and the notes of the page.
func generated(t *testing.T) string {
	t.Helper()
	var b, notes strings.Builder
	types := true
	b.WriteString("\n## Types of applications\n\n| type | `--preset` | redirect URI | client authentication |\n|---|---|---|---|\n")
	for _, p := range list(t) {
		if types && p.Kind != preset.KindType {
			types = false
			b.WriteString("\n## Applications\n\n| application | `--preset` | redirect URI | client authentication | PKCE | tried |\n|---|---|---|---|---|---|\n")
		}
		uris := strings.Join(p.Client.RedirectURIs, "`<br>`")
		if p.Second != nil {
			uris += "`<br>" + p.Second.Name + ": `" + strings.Join(p.Second.Client.RedirectURIs, "`<br>`")
		}
		if uris = "`" + uris + "`"; uris == "``" {
			uris = "none"
		}
		uris = strings.NewReplacer("{app}", "APP", "{provider}", "NAME").Replace(uris)
		fmt.Fprintf(&b, "| [%s](%s) | `%s` | %s | `%s` |", p.Name, p.Documentation, p.ID, uris, p.Client.TokenEndpointAuthMethod)
		if !types {
			yes := map[bool]string{true: "yes", false: "no"}
			fmt.Fprintf(&b, " %s | %s |", yes[p.PKCE], yes[p.Tried()])
		}
		b.WriteString("\n")
		for _, note := range p.Notes {
			fmt.Fprintf(&notes, "- %s: %s\n", p.Name, note)
		}
	}
	b.WriteString("\nAPP is the address of the application without a slash at its end, NAME its name for Ostiary.\n")
	b.WriteString("\n## Notes\n\n" + notes.String() + "\n")
	return b.String()
}

// A preset counts as tried only if a test registers an application with it.
func TestTriedPresetsHaveATest(t *testing.T) {
	t.Parallel()

	tried := 0
	for _, p := range list(t) {
		if !p.Tried() {
			continue
		}
		tried++
		folder, name, _ := strings.Cut(p.Test, " ")
		files, err := filepath.Glob(filepath.Join("../..", folder, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			body := regexp.MustCompile(`(?ms)^func ` + name + `\(.*?^}`).Find(text)
			found = found || strings.Contains(string(body), fmt.Sprintf("preset: %q", p.ID))
		}
		if !found {
			t.Errorf("%s: no test %s in %s registers an application with the preset", p.ID, name, folder)
		}
	}
	if tried == 0 {
		t.Error("no preset was tried")
	}
}
