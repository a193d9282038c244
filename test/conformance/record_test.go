package conformance

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/test/rig"
)

const report = `# Report

<!-- sqlite -->

Suite 1.

| plan | variant | passed | review | warned | skipped | failed | date | commit |
|---|---|---|---|---|---|---|---|---|
| config |  | 1 | 0 | 0 | 0 | 0 | 2026-11-01 | 0123abc |
| basic | static_client | 30 | 3 | 0 | 2 | 0 | 2026-11-02 | 4567def |
| **all** | | 31 | 3 | 0 | 2 | 0 |  |  |

<!-- end of sqlite -->

<!-- postgres -->
<!-- end of postgres -->
end
`

func testRecord(t *testing.T) *record {
	t.Helper()
	k := &record{
		version: "2", engine: rig.SQLite, date: "2026-12-01", commit: "89ab012",
		folder: filepath.Join(t.TempDir(), "results"), page: filepath.Join(t.TempDir(), "report.md"),
	}
	if err := os.WriteFile(k.page, []byte(report), 0o600); err != nil {
		t.Fatal(err)
	}
	return k
}

// onePlan returns the plan with the title and variants.
func onePlan(t *testing.T, pattern string) plan {
	t.Helper()
	list, err := selected(rig.SQLite, pattern)
	if err != nil || len(list) != 1 {
		t.Fatalf("%q selects %d plans, %v", pattern, len(list), err)
	}
	return list[0]
}

// A new row, and a row again, change nothing else but the sum.
func TestRowsOfThisRunAreReplaced(t *testing.T) {
	t.Parallel()
	k := testRecord(t)
	for pattern, r := range map[string]result{"^basic dynamic": {Passed: 31, Skipped: 4}, "^basic static": {Passed: 29, Warned: 1}} {
		if err := k.keep(onePlan(t, pattern), r); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(k.page)
	if err != nil {
		t.Fatal(err)
	}
	const want = `Suite 2.

| plan | variant | passed | review | warned | skipped | failed | date | commit |
|---|---|---|---|---|---|---|---|---|
| config |  | 1 | 0 | 0 | 0 | 0 | 2026-11-01 | 0123abc |
| basic | dynamic_client | 31 | 0 | 0 | 4 | 0 | 2026-12-01 | 89ab012 |
| basic | static_client | 29 | 0 | 1 | 0 | 0 | 2026-12-01 | 89ab012 |
| **all** | | 61 | 0 | 1 | 4 | 0 |  |  |

<!-- end of sqlite -->
`
	if !strings.Contains(string(text), want) || !strings.HasSuffix(string(text), "<!-- end of postgres -->\nend\n") {
		t.Errorf("the report is\n%s", text)
	}
}

func TestPassedPlansAreKeptForTheSameCommit(t *testing.T) {
	t.Parallel()
	k := testRecord(t)
	p, other := onePlan(t, "^config"), onePlan(t, "^basic static")
	if err := k.keep(p, result{Passed: 1}); err != nil {
		t.Fatal(err)
	}
	if r, found := k.kept(p); !found || r != (result{Passed: 1, Date: "2026-12-01", Commit: "89ab012"}) {
		t.Errorf("the result is %+v, %t", r, found)
	}
	if _, found := k.kept(other); found {
		t.Error("a plan that did not run has a result")
	}
	changed := &record{version: k.version, engine: k.engine, commit: k.commit + "+", folder: k.folder}
	if _, found := changed.kept(p); found {
		t.Error("changed files have the result of the commit")
	}
	if err := k.forget(); err != nil {
		t.Fatal(err)
	}
	if _, found := k.kept(p); found {
		t.Error("a result is left after forget")
	}
}
