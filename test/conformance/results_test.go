//go:build conformance

package conformance

import (
	"fmt"
	"os"
	"strings"

	"github.com/ostiary/ostiary/test/rig"
)

// results collects how the plans went on an engine.
type results struct {
	version string
	engine  rig.Engine
	rows    []*row
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

// table is the results as Markdown. Of a plan that did not run, the row of the last
// table stands.
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

// readCounts reads the row of that name.
func readCounts(table, name string) (c counts) {
	_, rest, _ := strings.Cut(table, name)
	_, _ = fmt.Sscanf(rest, "%d | %d | %d | %d | %d", &c.passed, &c.review, &c.warned, &c.skipped, &c.failed)
	return c
}

// write puts the results into their place in the page.
func (t *results) write(page string) error {
	text, err := os.ReadFile(page)
	if err != nil {
		return fmt.Errorf("read page: %w", err)
	}
	begin, end := fmt.Sprintf("<!-- %s -->\n", t.engine), fmt.Sprintf("<!-- end of %s -->\n", t.engine)
	before, rest, found := strings.Cut(string(text), begin)
	last, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return fmt.Errorf("write page: %s has no place for results on %s", page, t.engine)
	}
	if err := os.WriteFile(page, []byte(before+begin+"\n"+t.table(last)+"\n"+end+after), 0o600); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}
