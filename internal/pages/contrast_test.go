package pages

import (
	"maps"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// schemes reads the colours of the light and the dark scheme from the style.
func schemes(t *testing.T) map[string]map[string]string {
	t.Helper()

	css, err := static.ReadFile("static/app.css")
	if err != nil {
		t.Fatalf("read style: %v", err)
	}
	before, after, ok := strings.Cut(string(css), "@media (prefers-color-scheme: dark)")
	if !ok {
		t.Fatal("the style has no dark scheme")
	}
	after, _, _ = strings.Cut(after, "\n}\n")

	token := regexp.MustCompile(`--([a-z-]+):\s*(#[0-9a-f]{6});`)
	read := func(part string, colours map[string]string) map[string]string {
		for _, m := range token.FindAllStringSubmatch(part, -1) {
			colours[m[1]] = m[2]
		}
		return colours
	}
	light := read(before, make(map[string]string))
	dark := read(after, make(map[string]string))
	if len(light) == 0 || len(light) != len(dark) {
		t.Fatalf("the light scheme has %d colours, the dark one %d", len(light), len(dark))
	}
	return map[string]map[string]string{"light": light, "dark": maps.Clone(dark)}
}

// luminance is the relative luminance of WCAG 2.2.
func luminance(t *testing.T, colour string) float64 {
	t.Helper()

	n, err := strconv.ParseUint(strings.TrimPrefix(colour, "#"), 16, 24)
	if err != nil {
		t.Fatalf("parse colour %q: %v", colour, err)
	}
	channel := func(shift uint) float64 {
		c := float64(n>>shift&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*channel(16) + 0.7152*channel(8) + 0.0722*channel(0)
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()

	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func TestColoursCanBeRead(t *testing.T) {
	t.Parallel()

	if got := contrast(t, "#ffffff", "#000000"); math.Abs(got-21) > 0.001 {
		t.Fatalf("white on black = %.3f, want 21", got)
	}

	const text, shape = 4.5, 3.0 // WCAG 2.2 success criteria 1.4.3 and 1.4.11
	pairs := []struct {
		on, ground string
		least      float64
	}{
		{"ink", "card", text},
		{"ink", "paper", text},
		{"ink", "soft", text},
		{"muted", "card", text},
		{"accent", "card", text},
		{"accent", "soft", text},
		{"accent-strong", "card", text},
		{"accent-strong", "soft", text},
		{"on-accent", "accent", text},
		{"on-accent", "accent-strong", text},
		{"danger", "danger-soft", text},
		{"edge", "card", shape},
		{"danger", "card", shape},
		{"focus", "card", shape},
		{"brass", "paper", shape},
	}
	for scheme, colours := range schemes(t) {
		for _, p := range pairs {
			t.Run(scheme+" "+p.on+" on "+p.ground, func(t *testing.T) {
				t.Parallel()

				if got := contrast(t, colours[p.on], colours[p.ground]); got < p.least {
					t.Errorf("%s on %s = %.2f, want at least %.1f", colours[p.on], colours[p.ground], got, p.least)
				}
			})
		}
	}
}
