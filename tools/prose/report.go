package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// report has the hits of a check.
type report struct {
	budget float64
	words  map[string]map[area]int // package -> area -> words
	hits   []hit
}

func (r *report) add(t *text, hits []hit) {
	if r.words[t.pkg] == nil {
		r.words[t.pkg] = map[area]int{}
	}
	r.words[t.pkg][t.area] += t.words()
	r.hits = append(r.hits, hits...)
}

// ok reports whether comments and Markdown keep within the budget, and no
// string that people see has a hit.
func (r *report) ok() bool {
	hits, words := r.count("", comments, docs)
	inStrings, _ := r.count("", visible)
	return per10000(hits, words) <= r.budget && inStrings == 0
}

// count returns hits and words of a package, or of all if pkg is empty.
func (r *report) count(pkg string, areas ...area) (hits, words int) {
	for name, byArea := range r.words {
		if pkg == "" || name == pkg {
			for _, a := range areas {
				words += byArea[a]
			}
		}
	}
	for _, h := range r.hits {
		if (pkg == "" || h.text.pkg == pkg) && slices.Contains(areas, h.text.area) {
			hits++
		}
	}
	return hits, words
}

func per10000(hits, words int) float64 {
	return float64(hits) * 10_000 / float64(max(words, 1))
}

func (r *report) list(w *strings.Builder) {
	for _, h := range r.hits {
		rule := h.rule
		if h.text.area == visible {
			rule = "string: " + rule
		}
		fmt.Fprintf(w, "%s:%d: %s: %s (%s)\n", strings.TrimPrefix(h.text.file, "../"), h.line, rule, h.excerpt, h.plain)
	}
}

func (r *report) byRule(w *strings.Builder) {
	count := map[string]int{}
	for _, h := range r.hits {
		count[h.rule]++
	}
	rules := slices.Collect(maps.Keys(count))
	slices.SortFunc(rules, func(a, b string) int {
		if count[a] != count[b] {
			return count[b] - count[a]
		}
		return strings.Compare(a, b)
	})
	for _, rule := range rules {
		fmt.Fprintf(w, "%6d  %s\n", count[rule], rule)
	}
}

func (r *report) summary(w *strings.Builder) {
	row := func(name string, hits, words int) {
		fmt.Fprintf(w, "%-40s %6d hits %8d words %6.0f per 10,000\n", name, hits, words, per10000(hits, words))
	}
	all := []area{comments, visible, names, docs}
	for _, pkg := range slices.Sorted(maps.Keys(r.words)) {
		if hits, words := r.count(pkg, all...); hits > 0 {
			row(pkg, hits, words)
		}
	}
	fmt.Fprintln(w)
	for _, a := range all {
		hits, words := r.count("", a)
		row(string(a), hits, words)
	}
	hits, words := r.count("", all...)
	row("total", hits, words)
	hits, words = r.count("", comments, docs)
	row(fmt.Sprintf("comments and docs (budget %.0f)", r.budget), hits, words)
}
