package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// rules are the content of rules.txt.
type rules struct {
	budget  float64 // hits in 10,000 words of comments and Markdown
	allowed []*regexp.Regexp
	text    []rule
	names   map[string]string // denied word of an identifier -> plain alternative
}

// rule is a construction to avoid.
type rule struct {
	name    string
	areas   []area // empty means all areas
	pattern *regexp.Regexp
	plain   string
}

// hit is a place where a rule matches.
type hit struct {
	text    *text
	line    int
	rule    string
	plain   string
	excerpt string
}

// parseRules reads the format that rules.txt describes.
func parseRules(source string) (*rules, error) {
	r := &rules{names: map[string]string{}}
	for number, line := range strings.Split(source, "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := r.add(line); err != nil {
			return nil, fmt.Errorf("rules.txt:%d: %w", number+1, err)
		}
	}
	return r, nil
}

func (r *rules) add(line string) error {
	fields := strings.Split(line, " :: ")
	switch {
	case fields[0] == "budget" && len(fields) == 2:
		budget, err := strconv.ParseFloat(fields[1], 64)
		r.budget = budget
		return err
	case fields[0] == "names" && len(fields) == 3:
		for word := range strings.FieldsSeq(fields[1]) {
			r.names[word] = fields[2]
		}
		return nil
	case fields[0] == "allowed" && len(fields) == 2:
		pattern, err := regexp.Compile(expand(fields[1]))
		r.allowed = append(r.allowed, pattern)
		return err
	case len(fields) != 3:
		return errors.New("want name :: pattern :: plain alternative")
	}
	name, areas, _ := strings.Cut(fields[0], " @")
	pattern, err := regexp.Compile(expand(fields[1]))
	if err != nil {
		return err
	}
	added := rule{name: name, pattern: pattern, plain: fields[2]}
	if areas != "" {
		for name := range strings.SplitSeq(areas, ",") {
			added.areas = append(added.areas, area(name))
		}
	}
	r.text = append(r.text, added)
	return nil
}

// expand turns a pattern of rules.txt into a regular expression: it matches
// whole words in any case, and a blank matches a line break too.
func expand(pattern string) string {
	pattern = strings.ReplaceAll(pattern, "<start>", `(?:^|\n\s*\n|[.:;!?|]\s+|^[-*] |\n\s*[-*] )\s*`)
	pattern = strings.ReplaceAll(pattern, "<doc>", `^(?:[A-Z]\S* |[a-z]\w* )`)
	pattern = strings.ReplaceAll(pattern, " ", `\s+`)
	return `(?i)(?:\b|^)(?:` + pattern + `)(?:\b|$)`
}

// check finds the hits in all texts.
func (r *rules) check(texts []*text) *report {
	result := &report{budget: r.budget, words: map[string]map[area]int{}}
	for _, t := range texts {
		result.add(t, r.hits(t))
	}
	return result
}

// hits returns the places in t where rules match, each word counted once.
func (r *rules) hits(t *text) []hit {
	if t.area == names {
		return r.nameHits(t)
	}
	var hits []hit
	taken := make([]bool, len(t.content))
	take := func(from, to int) bool {
		if slices.Contains(taken[from:to], true) {
			return false
		}
		for i := range to - from {
			taken[from+i] = true
		}
		return true
	}
	for _, pattern := range r.allowed {
		for _, at := range pattern.FindAllStringIndex(t.content, -1) {
			take(at[0], at[1])
		}
	}
	for _, rule := range r.text {
		if len(rule.areas) > 0 && !slices.Contains(rule.areas, t.area) {
			continue
		}
		for _, at := range rule.pattern.FindAllStringIndex(t.content, -1) {
			if take(at[0], at[1]) {
				hits = append(hits, hit{t, t.lineAt(at[1] - 1), rule.name, rule.plain, t.excerpt(at[0], at[1])})
			}
		}
	}
	return hits
}

func (r *rules) nameHits(t *text) []hit {
	for _, word := range camelWords(t.content) {
		if plain, denied := r.names[word]; denied {
			return []hit{{t, t.line, "name: " + word, plain, t.content}}
		}
	}
	return nil
}

// camelWords splits an identifier or file name into its words in lower case.
func camelWords(name string) []string {
	var words []string
	var word strings.Builder
	flush := func() {
		if word.Len() > 0 {
			words = append(words, strings.ToLower(word.String()))
			word.Reset()
		}
	}
	runes := []rune(name)
	for i, c := range runes {
		if !unicode.IsLetter(c) {
			flush()
			continue
		}
		lowerBefore := i > 0 && unicode.IsLower(runes[i-1])
		lowerAfter := i+1 < len(runes) && unicode.IsLower(runes[i+1])
		if unicode.IsUpper(c) && (lowerBefore || lowerAfter) {
			flush()
		}
		word.WriteRune(c)
	}
	flush()
	return words
}
