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
	rows    map[rig.Engine][]*row
}

// row is how one plan went.
type row struct {
	plan
	counts
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

func (c *counts) sum(other counts) {
	c.passed += other.passed
	c.review += other.review
	c.warned += other.warned
	c.skipped += other.skipped
	c.failed += other.failed
}

func (c *counts) cells() string {
	return fmt.Sprintf("%d | %d | %d | %d | %d", c.passed, c.review, c.warned, c.skipped, c.failed)
}

// row makes room for a plan.
func (t *tally) row(engine rig.Engine, p plan) *row {
	if t.rows == nil {
		t.rows = map[rig.Engine][]*row{}
	}
	r := &row{plan: p}
	t.rows[engine] = append(t.rows[engine], r)
	return r
}

func (r *row) count(outcomes []outcome) {
	for _, o := range outcomes {
		r.add(o.Result)
	}
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
		var all counts
		for _, r := range t.rows[engine] {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", r.title(), r.variants(), r.cells())
			all.sum(r.counts)
		}
		fmt.Fprintf(&b, "| **all** | | %s |\n", all.cells())
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
