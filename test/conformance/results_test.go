//go:build conformance

package conformance

import (
	"fmt"
	"os"
	"strings"

	"github.com/ostiary/ostiary/test/rig"
)

// results has the results of all plans on an engine.
type results struct {
	version string
	engine  rig.Engine
	rows    []*row
}

// row has the results of a plan.
type row struct {
	plan
	counts
}

// counts has the number of modules by result.
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

// row adds a row for a plan.
func (t *results) row(p plan) *row {
	r := &row{plan: p}
	t.rows = append(t.rows, r)
	return r
}

func (r *row) count(outcomes []outcome) {
	for _, o := range outcomes {
		r.add(o.Result)
	}
}

// table formats the results as Markdown. A plan that did not run keeps its row of the
// last table.
func (t *results) table(last string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Suite %s.\n\n| plan | variant | passed | review | warned | skipped | failed |\n|---|---|---|---|---|---|---|\n", t.version)
	var all counts
	for _, p := range plans() {
		name := fmt.Sprintf("| %s | %s |", p.title(), p.variants())
		own := readCounts(last, name)
		for _, r := range t.rows {
			if r.title() == p.title() && r.variants() == p.variants() {
				own = r.counts
			}
		}
		fmt.Fprintf(&b, "%s %s |\n", name, own.cells())
		all.sum(own)
	}
	fmt.Fprintf(&b, "| **all** | | %s |\n", all.cells())
	return b.String()
}

// readCounts parses the row with that name.
func readCounts(table, name string) (c counts) {
	_, rest, _ := strings.Cut(table, name)
	_, _ = fmt.Sscanf(rest, "%d | %d | %d | %d | %d", &c.passed, &c.review, &c.warned, &c.skipped, &c.failed)
	return c
}

// write replaces the results in a document.
func (t *results) write(page string) error {
	text, err := os.ReadFile(page)
	if err != nil {
		return fmt.Errorf("read page: %w", err)
	}
	begin, end := fmt.Sprintf("<!-- %s -->\n", t.engine), fmt.Sprintf("<!-- end of %s -->\n", t.engine)
	before, rest, found := strings.Cut(string(text), begin)
	last, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return fmt.Errorf("write page: %s has no markers for results on %s", page, t.engine)
	}
	if err := os.WriteFile(page, []byte(before+begin+"\n"+t.table(last)+"\n"+end+after), 0o600); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}
