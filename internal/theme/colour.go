package theme

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// The grounds of the light and the dark scheme in app.css, on which the accent colour is text.
const (
	lightCard = "#fffefb"
	darkCard  = "#171d1b"
)

// minContrast is the least contrast of text (WCAG 2.2, success criterion 1.4.3).
const minContrast = 4.5

// colour is red, green and blue from 0 to 255.
type colour [3]float64

func parse(text string) (colour, error) {
	digits, ok := strings.CutPrefix(text, "#")
	n, err := strconv.ParseUint(digits, 16, 32)
	if !ok || len(digits) != 6 || err != nil {
		return colour{}, errors.New("must be a colour as in #14594b")
	}
	return colour{float64(n >> 16 & 0xff), float64(n >> 8 & 0xff), float64(n & 0xff)}, nil
}

func (c colour) String() string {
	return fmt.Sprintf("#%02x%02x%02x", uint8(math.Round(c[0])), uint8(math.Round(c[1])), uint8(math.Round(c[2])))
}

// mix returns the colour between c and other, with this part of other.
func (c colour) mix(other colour, part float64) colour {
	var mixed colour
	for i := range mixed {
		mixed[i] = math.Round(c[i]*(1-part) + other[i]*part)
	}
	return mixed
}

// luminance is the relative luminance of WCAG 2.2.
func (c colour) luminance() float64 {
	sum := 0.0
	for i, weight := range [...]float64{0.2126, 0.7152, 0.0722} {
		v := c[i] / 255
		if v <= 0.04045 {
			v /= 12.92
		} else {
			v = math.Pow((v+0.055)/1.055, 2.4)
		}
		sum += weight * v
	}
	return sum
}

func contrast(a, b colour) float64 {
	x, y := a.luminance(), b.luminance()
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// palette is the colours that derive from an accent colour, for one scheme.
type palette struct{ accent, strong, onAccent, soft colour }

// newPalette returns the palette of a scheme.
func newPalette(accent colour, dark bool) palette {
	black, white := colour{10, 14, 12}, colour{255, 255, 255}
	ground, away := scheme(dark)
	p := palette{accent: accent, strong: accent.mix(away, 0.2), soft: ground.mix(accent, 0.08)}
	p.onAccent = white
	if contrast(black, accent) > contrast(white, accent) {
		p.onAccent = black
	}
	return p
}

// scheme returns the ground of a scheme, and the colour that is opposite to it.
func scheme(dark bool) (ground, away colour) {
	if dark {
		ground, _ = parse(darkCard)
		return ground, colour{255, 255, 255}
	}
	ground, _ = parse(lightCard)
	return ground, colour{0, 0, 0}
}

// least returns the lowest contrast of text in the colours of p.
func (p palette) least(dark bool) float64 {
	ground, _ := scheme(dark)
	return min(contrast(p.accent, ground), contrast(p.accent, p.soft), contrast(p.strong, ground),
		contrast(p.strong, p.soft), contrast(p.onAccent, p.accent), contrast(p.onAccent, p.strong))
}

// CheckAccent returns what is wrong with an accent colour for a scheme, as the end of a sentence.
// An empty one is valid.
func CheckAccent(text string, dark bool) error {
	if text == "" {
		return nil
	}
	c, err := parse(text)
	if err != nil {
		return err
	}
	if got := newPalette(c, dark).least(dark); got < minContrast {
		kind, advice := "light", "darker"
		if dark {
			kind, advice = "dark", "lighter"
		}
		return fmt.Errorf("has a contrast of %.1f on %s pages, and text needs %.1f: take a %s colour", got, kind, minContrast, advice)
	}
	return nil
}

// forDark returns the colour for dark pages that derives from the one for light pages.
func forDark(light colour) colour {
	for part := 0.0; part < 1; part += 0.05 {
		if c := light.mix(colour{255, 255, 255}, part); newPalette(c, true).least(true) >= 1.4*minContrast {
			return c
		}
	}
	return colour{255, 255, 255}
}

// Style returns the style sheet that sets the colours of the pages. accent and dark are valid
// colours without the number sign; dark may be empty.
func Style(accent, dark string) (string, error) {
	light, err := parse("#" + accent)
	if err != nil {
		return "", err
	}
	darkColour := forDark(light)
	if dark != "" {
		if darkColour, err = parse("#" + dark); err != nil {
			return "", err
		}
	}
	return ":root {\n" + newPalette(light, false).css() + "}\n@media (prefers-color-scheme: dark) {\n:root {\n" +
		newPalette(darkColour, true).css() + "}\n}\n", nil
}

func (p palette) css() string {
	return fmt.Sprintf("--accent: %s;\n--accent-strong: %s;\n--on-accent: %s;\n--soft: %s;\n", p.accent, p.strong, p.onAccent, p.soft)
}
