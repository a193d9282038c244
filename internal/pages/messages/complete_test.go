package messages

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/feature/plural"
)

// TestEveryLanguageIsComplete compares the catalogues: each has the keys of the English one, with
// the same arguments, and the plural categories that its language needs for small numbers.
func TestEveryLanguageIsComplete(t *testing.T) {
	t.Parallel()
	english, err := Load(English)
	if err != nil {
		t.Fatal(err)
	}
	for _, language := range Languages() {
		t.Run(language.Tag, func(t *testing.T) {
			t.Parallel()
			c, err := load(language)
			if err != nil {
				t.Fatal(err)
			}
			for _, key := range slices.Sorted(maps.Keys(english.texts)) {
				if _, ok := c.texts[key]; !ok {
					t.Errorf("%s.json lacks %q", language.Tag, key)
				}
			}
			for _, key := range slices.Sorted(maps.Keys(c.texts)) {
				of, ok := english.texts[key]
				if !ok {
					t.Errorf("%s.json has %q, which en.json lacks", language.Tag, key)
					continue
				}
				want := arguments(of[plural.Other])
				for category, parts := range c.texts[key] {
					if got := arguments(parts); parts != nil && !slices.Equal(got, want) {
						t.Errorf("%s.json: %q (plural %d) has the arguments %q, want %q", language.Tag, key, category, got, want)
					}
				}
				if of[plural.One] != nil {
					c.checkPlural(t, key)
				}
			}
		})
	}
}

// checkPlural fails the test if the text lacks a category of a number that pages show.
func (c *Catalogue) checkPlural(t *testing.T, key string) {
	t.Helper()
	for n := range 200 {
		if category := plural.Cardinal.MatchPlural(c.tag, n, 0, 0, 0, 0); c.texts[key][category] == nil {
			t.Errorf("%s.json: %q has no plural category for %d", c.Tag, key, n)
			return
		}
	}
}

// arguments returns the names of the arguments in parts, sorted.
func arguments(parts []part) []string {
	var names []string
	for _, p := range parts {
		if p.argument != "" && !slices.Contains(names, p.argument) {
			names = append(names, p.argument)
		}
	}
	slices.Sort(names)
	return names
}

// TestTextsHaveNoMarkup holds the sentences to plain text, and to no accidental spaces.
func TestTextsHaveNoMarkup(t *testing.T) {
	t.Parallel()
	for _, language := range Languages() {
		c, err := load(language)
		if err != nil {
			t.Fatal(err)
		}
		for key, text := range c.texts {
			for _, parts := range text {
				for _, p := range parts {
					if strings.ContainsAny(p.literal, "<>&") || strings.Contains(p.literal, "  ") {
						t.Errorf("%s.json: %q contains markup or two spaces: %q", language.Tag, key, p.literal)
					}
				}
			}
		}
	}
}
