// Package contract holds the names that scripts, tests and relying parties depend on
// (docs/architecture.md, section 5): commands and flags, settings, page elements, routes,
// the OpenAPI document, metrics, audit actions, refusal rules, error codes, log keys,
// exit codes, discovery, cookies and response headers.
//
// Each kind is a golden file in testdata. No file holds a sentence: wording may change,
// names may not. A change to a golden file is a change for users; write it with
//
//	go test ./test/contract -update
//
// The tests run the built binary and read the source as text. They import no package of
// the server but its configuration table, so moving code does not change them.
package contract

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares got with testdata/name.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := differences(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s differs (-golden +now); if the change is intended, write it with `go test ./test/contract -update`:\n%s", path, diff)
	}
}

// differences lists the lines that one text has more often than the other.
func differences(want, got []string) string {
	surplus := map[string]int{}
	for _, line := range got {
		surplus[line]++
	}
	for _, line := range want {
		surplus[line]--
	}
	var b strings.Builder
	for i, side := range [][]string{want, got} {
		for n, line := range side {
			if missing := surplus[line] < 0; surplus[line] != 0 && missing == (i == 0) {
				fmt.Fprintf(&b, "%s %d: %s\n", []string{"-", "+"}[i], n+1, line)
			}
		}
	}
	if b.Len() == 0 && !slices.Equal(want, got) {
		return "the order of the lines"
	}
	return b.String()
}

// lines returns the sorted set of lines as a text. It fails for fewer lines than atLeast,
// because then the scan of the source no longer works.
func lines(t *testing.T, atLeast int, set []string) string {
	t.Helper()
	slices.Sort(set)
	set = slices.Compact(set)
	if len(set) < atLeast {
		t.Fatalf("found %d entries, want at least %d: the scan of the source no longer works", len(set), atLeast)
	}
	return strings.Join(set, "\n") + "\n"
}
