package theme

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestContrast(t *testing.T) {
	t.Parallel()
	if got := contrast(colour{}, colour{255, 255, 255}); math.Abs(got-21) > 0.001 {
		t.Errorf("contrast of black and white = %.3f, want 21", got)
	}
}

func TestCheckAccent(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		colour string
		dark   bool
		want   string
	}{
		"empty":                  {"", false, ""},
		"the default":            {"#14594b", false, ""},
		"the default, dark":      {"#82d3b5", true, ""},
		"a blue":                 {"#0b57d0", false, ""},
		"yellow on light":        {"#ffff00", false, "take a darker colour"},
		"yellow on dark":         {"#ffff00", true, ""},
		"a dark one on dark":     {"#14594b", true, "take a lighter colour"},
		"a name":                 {"red", false, "must be a colour"},
		"too short":              {"#abc", false, "must be a colour"},
		"an injected style":      {"#fff;}*{x", false, "must be a colour"},
		"a sign in the digits":   {"#+12345", false, "must be a colour"},
		"too long for the digit": {"#12345678", false, "must be a colour"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := CheckAccent(tc.colour, tc.dark)
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("CheckAccent(%q, %v) = %v, want %q", tc.colour, tc.dark, err, tc.want)
			}
		})
	}
}

// TestDerivedColoursCanBeRead tries random accent colours.
func TestDerivedColoursCanBeRead(t *testing.T) {
	t.Parallel()
	random, accepted := rand.New(rand.NewPCG(1, 2)), 0
	for range 20_000 {
		light := colour{float64(random.IntN(256)), float64(random.IntN(256)), float64(random.IntN(256))}
		if CheckAccent(light.String(), false) != nil {
			continue
		}
		accepted++
		if got := newPalette(forDark(light), true).least(true); got < minContrast {
			t.Errorf("the dark colour of %s is %s, with a contrast of %.2f", light, forDark(light), got)
		}
	}
	if accepted < 1000 {
		t.Errorf("%d of 20,000 colours are accepted", accepted)
	}
}

func TestStyle(t *testing.T) {
	t.Parallel()
	got, err := Style("0b57d0", "")
	if err != nil || !strings.Contains(got, "--accent: #0b57d0;") || strings.Count(got, "--on-accent") != 2 {
		t.Errorf("Style = %q, %v", got, err)
	}
	for _, bad := range []string{"", "x", "0b57d0}", "../../x"} {
		if got, err := Style(bad, ""); err == nil {
			t.Errorf("Style(%q) = %q, want an error", bad, got)
		}
	}
	if got, err := Style("0b57d0", "}"); err == nil {
		t.Errorf("Style with a malformed dark colour = %q, want an error", got)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	link := Link{"Imprint", "https://acme.example/imprint"}
	for name, tc := range map[string]struct {
		theme Theme
		want  string
	}{
		"empty": {Theme{}, ""},
		"complete": {Theme{
			ProductName: "Acme", LogoURI: "https://acme.example/l.svg", LogoDarkURI: "https://acme.example/d.svg", FaviconURI: "https://acme.example/f.ico",
			AccentColor: "#0b57d0", AccentColorDark: "#a8c7fa", FooterLinks: []Link{link}, SupportAddress: "help@acme.example",
		}, ""},
		"a long name":               {Theme{ProductName: strings.Repeat("x", 65)}, "product_name"},
		"a name in two lines":       {Theme{ProductName: "a\nb"}, "product_name"},
		"a logo over http":          {Theme{LogoURI: "http://acme.example/l.svg"}, "logo_uri"},
		"a logo of a script":        {Theme{LogoDarkURI: "javascript:alert(1)"}, "logo_dark_uri"},
		"a favicon with a user":     {Theme{FaviconURI: "https://a@b.example/f"}, "favicon_uri"},
		"a colour without contrast": {Theme{AccentColor: "#ffff00"}, "accent_color has a contrast"},
		"a malformed dark colour":   {Theme{AccentColorDark: "blue"}, "accent_color_dark must"},
		"a link without text":       {Theme{FooterLinks: []Link{{" ", link.URI}}}, "footer_links"},
		"a link to a script":        {Theme{FooterLinks: []Link{{"x", "javascript:alert(1)"}}}, "footer_links"},
		"too many links":            {Theme{FooterLinks: make([]Link, 9)}, "footer_links must be at most 8"},
		"support with a name":       {Theme{SupportAddress: "Help <help@acme.example>"}, "support_address"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := tc.theme.Check()
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("Check = %v, want %q", err, tc.want)
			}
		})
	}
}
