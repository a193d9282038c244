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

// table has the rows of a table, the header first.
type table [][]string

// tabulate writes the tables between their markers in a Markdown file:
//
//	<!-- table:NAME -->
//	<!-- /table -->
func (v *view) tabulate(name string, stdout io.Writer) error {
	text, err := os.ReadFile(name) //nolint:gosec // the path is from the command line
	if err != nil {
		return err
	}
	written, err := v.fill(string(text), stdout)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := os.WriteFile(name, []byte(written), 0o644); err != nil { //nolint:gosec // a public document
		return fmt.Errorf("write tables: %w", err)
	}
	return nil
}

// fill returns text with the tables filled in.
func (v *view) fill(text string, stdout io.Writer) (string, error) {
	tables := map[string]func() table{
		"throughput": v.throughputTable, "latency": v.latencyTable, "overload": v.overloadTable, "growth": v.growthTable,
		"cost": v.costTable, "limits": v.limitsTable, "start": v.startTable, "console": v.consoleTable,
	}
	marked := regexp.MustCompile(`(?s)(<!-- table:([a-z]+) -->\n).*?(<!-- /table -->)`)
	var unknown []string
	text = marked.ReplaceAllStringFunc(text, func(whole string) string {
		part := marked.FindStringSubmatch(whole)
		build, ok := tables[part[2]]
		if !ok {
			unknown = append(unknown, part[2])
			return whole
		}
		rows := build()
		if len(rows) < 2 {
			printf(stdout, "table %s: no data\n", part[2])
			return whole
		}
		printf(stdout, "table %s: %d rows\n", part[2], len(rows)-1)
		return part[1] + rows.markdown() + part[3]
	})
	if len(unknown) > 0 {
		return "", fmt.Errorf("unknown table %s", strings.Join(unknown, ", "))
	}
	return text, nil
}

// markdown formats the table with all columns but the first aligned to the right.
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
	for _, c := range v.comparisons("") {
		row := []string{c.label(), grouped(c.ours.PerSecond), grouped(c.ours.P99), "-"}
		if c.limit > 0 {
			row[3] = strconv.FormatFloat(100*c.ours.PerSecond/c.limit, 'f', 0, 64) + " %"
		}
		for _, peer := range peers {
			i := slices.IndexFunc(v.comparisons(peer), func(other comparison) bool { return other.series == c.series })
			r := v.comparisons(peer)[i].peer
			if r == nil {
				row = append(row, "-", "-", "-")
				continue
			}
			row = append(row, grouped(r.PerSecond), grouped(r.P99), times(c.ours.PerSecond, r.PerSecond))
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
	for _, c := range v.comparisons("") {
		r := c.ours
		row := []string{
			c.label(), cost(r.ServerCPU), cost(r.DatabaseCPU), optional(r.Statements), trim(r.Writes),
			grouped(max(0, r.Stored)), grouped(r.PeakMB),
		}
		for _, peer := range peers {
			for _, other := range v.comparisons(peer) {
				if other.series != c.series {
					continue
				}
				if other.peer == nil {
					row = append(row, "-", "-")
					continue
				}
				row = append(row, cost(other.peer.ServerCPU), cost(other.peer.DatabaseCPU))
			}
		}
		t = append(t, row)
	}
	return t
}

func (v *view) latencyTable() table {
	all := v.filter(func(r *result) bool { return r.plain() && r.Target == v.ours })
	var callers []int
	for _, r := range all {
		callers = append(callers, r.Callers)
	}
	slices.Sort(callers)
	callers = slices.Compact(callers)
	if len(callers) < 2 {
		return nil
	}
	head := []string{"p50 / p99, ms"}
	for _, n := range callers {
		head = append(head, strconv.Itoa(n)+plural(n))
	}
	t := table{head}
	rows := map[series]int{}
	for _, r := range all {
		i, found := rows[r.series()]
		if !found {
			i = len(t)
			rows[r.series()] = i
			t = append(t, append([]string{r.series().label()}, slices.Repeat([]string{"-"}, len(callers))...))
		}
		t[i][1+slices.Index(callers, r.Callers)] = grouped(r.P50) + " / " + grouped(r.P99)
	}
	return t
}

func (v *view) overloadTable() table {
	t := table{{"flow", "offered", "offered, /s", "answered, /s", "p99 from sending, ms", "p99 from arrival, ms", "refused, /s", "errors"}}
	for _, r := range v.filter(func(r *result) bool { return r.Multiple > 0 }) {
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
	for _, s := range v.filledSeries() {
		for _, r := range v.byGrants(s) {
			sizes = append(sizes, r.Grants)
		}
	}
	slices.Sort(sizes)
	sizes = slices.Compact(sizes)
	head := []string{"operations per second, and processor time in ms"}
	for _, n := range sizes {
		head = append(head, short(float64(n))+" grants")
	}
	t := table{append(head, "time, change")}
	for _, s := range v.filledSeries() {
		row := append([]string{s.label()}, slices.Repeat([]string{"-"}, len(sizes)+1)...)
		results := v.byGrants(s)
		for _, r := range results {
			row[1+slices.Index(sizes, r.Grants)] = grouped(r.PerSecond) + ", " + cost(r.cost())
		}
		if len(results) > 1 {
			row[len(row)-1] = signed(math.Round(100 * (results[len(results)-1].cost()/results[0].cost() - 1)))
		}
		t = append(t, row)
	}
	return t
}

func (v *view) limitsTable() table {
	t := table{{"limit", "callers", "per second", "p99, ms", "processor, ms"}}
	for _, l := range v.limits {
		t = append(t, []string{l.Name, strconv.Itoa(l.Callers), grouped(l.PerSecond), grouped(l.P99), cost(l.CPU)})
	}
	return t
}

func (v *view) startTable() table {
	t := table{{"", "first response, ms", "processor, ms", "idle memory, MB", "binary, MB"}}
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

// optional formats a number, and "-" for a negative one, which was not measured.
func optional(v float64) string {
	if v < 0 {
		return "-"
	}
	return trim(v)
}

// cost formats milliseconds with three decimals.
func cost(v float64) string {
	if v == 0 {
		return "0"
	}
	return strconv.FormatFloat(v, 'f', 3, 64)
}

// grouped formats a number with commas between thousands.
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
