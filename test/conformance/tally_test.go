//go:build conformance

package conformance

import (
	"fmt"
	"os"
	"strings"

	"github.com/ostiary/ostiary/test/rig"
)

// tally collects how the plans went.
type tally struct {
	version string
	rows    map[rig.Engine][]string
	sums    map[rig.Engine]*counts
}

// counts are the modules of one or more plans by their result.
type counts struct{ passed, review, warned, skipped, failed int }

func (c *counts) add(result string) {
	switch result {
	case "PASSED":
		c.passed++
	case "REVIEW":
		c.review++
	case "WARNING":
		c.warned++
	case "SKIPPED":
		c.skipped++
	default:
		c.failed++
	}
}

func (c *counts) cells() string {
	return fmt.Sprintf("%d | %d | %d | %d | %d", c.passed, c.review, c.warned, c.skipped, c.failed)
}

func (t *tally) add(engine rig.Engine, p plan, outcomes []outcome) {
	if t.rows == nil {
		t.rows, t.sums = map[rig.Engine][]string{}, map[rig.Engine]*counts{}
	}
	if t.sums[engine] == nil {
		t.sums[engine] = &counts{}
	}
	var own counts
	for _, o := range outcomes {
		own.add(o.Result)
		t.sums[engine].add(o.Result)
	}
	t.rows[engine] = append(t.rows[engine], fmt.Sprintf("| %s | %s | %s |", p.title(), p.variants(), own.cells()))
}

// tables are the results as Markdown.
func (t *tally) tables() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Suite %s.\n", t.version)
	for _, engine := range rig.Engines() {
		if len(t.rows[engine]) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n### %s\n\n| plan | variant | passed | review | warned | skipped | failed |\n|---|---|---|---|---|---|---|\n",
			map[rig.Engine]string{rig.SQLite: "SQLite", rig.Postgres: "PostgreSQL"}[engine])
		fmt.Fprintf(&b, "%s\n| **all** | | %s |\n", strings.Join(t.rows[engine], "\n"), t.sums[engine].cells())
	}
	return b.String()
}

// The part of the page that is written from the results lies between these.
const (
	begin = "<!-- results: written by make conformance -->\n"
	end   = "<!-- end of results -->\n"
)

// write puts the tables into the page.
func (t *tally) write(page string) error {
	text, err := os.ReadFile(page)
	if err != nil {
		return fmt.Errorf("read page: %w", err)
	}
	before, rest, found := strings.Cut(string(text), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return fmt.Errorf("write page: %s has no place for results", page)
	}
	err = os.WriteFile(page, []byte(before+begin+"\n"+t.tables()+"\n"+end+after), 0o600)
	if err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}
