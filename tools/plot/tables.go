package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// table is the rows of a table, its head first.
type table [][]string

// tabulate writes the tables between their markers in a Markdown file:
//
//	<!-- table:NAME -->
//	<!-- /table -->
func (v *view) tabulate(name string, stdout io.Writer) error {
	text, err := os.ReadFile(name) //nolint:gosec // whoever calls names it
	if err != nil {
		return err
	}
	written, err := v.fill(string(text), stdout)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := os.WriteFile(name, []byte(written), 0o644); err != nil { //nolint:gosec // for everybody
		return fmt.Errorf("write tables: %w", err)
	}
	return nil
}

// fill returns text with the tables filled in.
func (v *view) fill(text string, stdout io.Writer) (string, error) {
	known := map[string]func() table{
		"throughput": v.throughputTable, "latency": v.latencyTable, "overload": v.overloadTable, "growth": v.growthTable,
		"cost": v.costTable, "limits": v.limitsTable, "start": v.startTable,
	}
	marked := regexp.MustCompile(`(?s)(<!-- table:([a-z]+) -->\n).*?(<!-- /table -->)`)
	var unknown []string
	text = marked.ReplaceAllStringFunc(text, func(whole string) string {
		part := marked.FindStringSubmatch(whole)
		make, ok := known[part[2]]
		if !ok {
			unknown = append(unknown, part[2])
			return whole
		}
		rows := make()
		if len(rows) < 2 {
			remark(stdout, "table %s: nothing to show\n", part[2])
			return whole
		}
		remark(stdout, "table %s: %d rows\n", part[2], len(rows)-1)
		return part[1] + rows.markdown() + part[3]
	})
	if len(unknown) > 0 {
		return "", fmt.Errorf("no table %s", strings.Join(unknown, ", "))
	}
	return text, nil
}

// markdown aligns figures to the right, which is every column but the first.
func (t table) markdown() string {
	var b strings.Builder
	for i, row := range t {
		b.WriteString("| " + strings.Join(row, " | ") + " |\n")
		if i == 0 {
			b.WriteString("|---|" + strings.Repeat("---:|", len(row)-1) + "\n")
		}
	}
	return b.String()
}

func (v *view) throughputTable() table {
	peers := v.peerNames()
	head := []string{"flow", v.ours + ", /s", "p99, ms", "of the limit"}
	for _, peer := range peers {
		head = append(head, peer+", /s", "p99, ms", "ratio")
	}
	t := table{head}
	for _, c := range v.contests("") {
		row := []string{c.label(), grouped(c.ours.PerSecond), grouped(c.ours.P99), "-"}
		if c.most > 0 {
			row[3] = strconv.FormatFloat(100*c.ours.PerSecond/c.most, 'f', 0, 64) + " %"
		}
		for _, peer := range peers {
			i := slices.IndexFunc(v.contests(peer), func(other contest) bool { return other.series == c.series })
			theirs := v.contests(peer)[i].theirs
			if theirs == nil {
				row = append(row, "-", "-", "-")
				continue
			}
			row = append(row, grouped(theirs.PerSecond), grouped(theirs.P99), times(c.ours.PerSecond, theirs.PerSecond))
		}
		t = append(t, row)
	}
	return t
}

func (v *view) costTable() table {
	peers := v.peerNames()
	head := []string{"flow", "server, ms", "database, ms", "statements", "writes", "stored, bytes", "peak, MB"}
	for _, peer := range peers {
		head = append(head, peer+", server, ms", "database, ms")
	}
	t := table{head}
	for _, c := range v.contests("") {
		r := c.ours
		row := []string{
			c.label(), cost(r.ServerCPU), cost(r.DatabaseCPU), known(r.Statements), trim(r.Writes),
			grouped(max(0, r.Stored)), grouped(r.PeakMB),
		}
		for _, peer := range peers {
			for _, other := range v.contests(peer) {
				if other.series != c.series {
					continue
				}
				if other.theirs == nil {
					row = append(row, "-", "-")
					continue
				}
				row = append(row, cost(other.theirs.ServerCPU), cost(other.theirs.DatabaseCPU))
			}
		}
		t = append(t, row)
	}
	return t
}

func (v *view) latencyTable() table {
	all := v.where(func(r *result) bool { return r.plain() && r.Target == v.ours })
	var crowds []int
	for _, r := range all {
		crowds = append(crowds, r.Callers)
	}
	slices.Sort(crowds)
	crowds = slices.Compact(crowds)
	if len(crowds) < 2 {
		return nil
	}
	head := []string{"p50 / p99, ms"}
	for _, n := range crowds {
		head = append(head, strconv.Itoa(n)+plural(n))
	}
	t := table{head}
	rows := map[series]int{}
	for _, r := range all {
		i, begun := rows[r.series()]
		if !begun {
			i = len(t)
			rows[r.series()] = i
			t = append(t, append([]string{r.series().label()}, slices.Repeat([]string{"-"}, len(crowds))...))
		}
		t[i][1+slices.Index(crowds, r.Callers)] = grouped(r.P50) + " / " + grouped(r.P99)
	}
	return t
}

func (v *view) overloadTable() table {
	t := table{{"flow", "offered", "offered, /s", "answered, /s", "p99 once sent, ms", "p99 from when due, ms", "refused, /s", "errors"}}
	for _, r := range v.where(func(r *result) bool { return r.Multiple > 0 }) {
		name := r.series().label()
		if r.Target != v.ours {
			name += ", " + r.Target
		}
		t = append(t, []string{
			name, trim(r.Multiple) + "x", grouped(r.Offered), grouped(r.PerSecond), grouped(r.inServer()), grouped(r.P99),
			grouped(r.Refused / max(r.Seconds, 0.001)), grouped(r.Errors),
		})
	}
	return t
}

func (v *view) growthTable() table {
	var sizes []int64
	for _, s := range v.grown() {
		for _, r := range v.at(s) {
			sizes = append(sizes, r.Grants)
		}
	}
	slices.Sort(sizes)
	sizes = slices.Compact(sizes)
	head := []string{"operations a second, and processor time in ms"}
	for _, n := range sizes {
		head = append(head, short(float64(n))+" grants")
	}
	t := table{append(head, "time, change")}
	for _, s := range v.grown() {
		row := append([]string{s.label()}, slices.Repeat([]string{"-"}, len(sizes)+1)...)
		some := v.at(s)
		for _, r := range some {
			row[1+slices.Index(sizes, r.Grants)] = grouped(r.PerSecond) + ", " + cost(r.cost())
		}
		if len(some) > 1 {
			row[len(row)-1] = signed(math.Round(100 * (some[len(some)-1].cost()/some[0].cost() - 1)))
		}
		t = append(t, row)
	}
	return t
}

func (v *view) limitsTable() table {
	t := table{{"what the machine can do", "callers", "a second", "p99, ms", "processor, ms"}}
	for _, l := range v.limits {
		t = append(t, []string{l.Name, strconv.Itoa(l.Callers), grouped(l.PerSecond), grouped(l.P99), cost(l.CPU)})
	}
	return t
}

func (v *view) startTable() table {
	t := table{{"", "first answer, ms", "processor, ms", "idle memory, MB", "binary, MB"}}
	for _, s := range v.starts {
		t = append(t, []string{s.Target, trim(s.FirstAnswer), trim(s.CPU), trim(s.IdleMB), trim(s.BinaryMB)})
	}
	return t
}

func plural(callers int) string {
	if callers == 1 {
		return " caller"
	}
	return " callers"
}

// known writes a figure that may not have been counted.
func known(v float64) string {
	if v < 0 {
		return "-"
	}
	return trim(v)
}

// cost writes milliseconds with as many digits as mean something.
func cost(v float64) string {
	if v == 0 {
		return "0"
	}
	return strconv.FormatFloat(v, 'f', 3, 64)
}

// grouped writes a whole number with its thousands apart.
func grouped(v float64) string {
	if v < 99.95 {
		return trim(v)
	}
	digits := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
