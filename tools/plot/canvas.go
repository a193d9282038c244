package main

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// The background is light, so that a figure looks the same on light and dark pages.
func card() color.Color    { return color.RGBA{0xfc, 0xfc, 0xfa, 0xff} }
func ink() color.Color     { return color.RGBA{0x24, 0x29, 0x2f, 0xff} }
func pale() color.Color    { return color.RGBA{0x65, 0x6d, 0x76, 0xff} }
func hair() color.Color    { return color.RGBA{0xdd, 0xe1, 0xe6, 0xff} }
func peers() color.Color   { return color.RGBA{0xa3, 0xac, 0xb6, 0xff} }
func warning() color.Color { return color.RGBA{0xc2, 0x41, 0x0c, 0xff} }

// hue returns the colour of the i-th line.
func hue(i int) color.Color {
	all := []color.RGBA{
		{0x0b, 0x72, 0x85, 0xff},
		{0xc2, 0x57, 0x1a, 0xff},
		{0x5f, 0x3d, 0xc4, 0xff},
		{0x2b, 0x8a, 0x3e, 0xff},
		{0xa6, 0x1e, 0x4d, 0xff},
		{0x49, 0x50, 0x57, 0xff},
	}
	return all[i%len(all)]
}

// canvas is a figure with a title.
type canvas struct {
	draw.Canvas

	file *fitted
	line vg.Length // height of the last line of text below the title
}

// fitted is an SVG file that records the width of each text.
type fitted struct {
	*vgsvg.Canvas

	widths []vg.Length
}

// FillString implements [vg.Canvas].
func (f *fitted) FillString(face font.Face, at vg.Point, s string) {
	f.widths = append(f.widths, face.Width(s))
	f.Canvas.FillString(face, at, s)
}

// bytes returns the file. Figures are drawn with the metrics of Liberation Sans,
// which equal those of Arial. With any other font the attribute textLength scales
// each text to the same width.
func (f *fitted) bytes() []byte {
	var file bytes.Buffer
	_, _ = f.WriteTo(&file) // a write to a buffer cannot fail
	fonts := bytes.ReplaceAll(file.Bytes(), []byte("font-family:Liberation Sans"), []byte("font-family:Arial,'Liberation Sans',Helvetica,sans-serif"))
	parts := bytes.Split(fonts, []byte("<text "))
	out := parts[0]
	for i, part := range parts[1:] {
		out = fmt.Appendf(out, `<text textLength="%.1f" lengthAdjust="spacingAndGlyphs" `, float64(f.widths[i]))
		out = append(out, part...)
	}
	return out
}

// margin is the free space around a figure.
const margin = 14 * vg.Length(1)

func newCanvas(height vg.Length, title string) *canvas {
	const width = 720
	file := &fitted{Canvas: vgsvg.NewWith(vgsvg.UseWH(width, height))}
	c := &canvas{Canvas: draw.New(file), file: file, line: height - margin}
	c.SetColor(card())
	c.Fill(c.Path())
	c.line -= 14
	c.FillText(style(14, ink(), draw.XLeft), vg.Point{X: margin, Y: c.line}, title)
	return c
}

// label is a text with its colour.
type label struct {
	text  string
	color color.Color
}

// caption writes a line below the title.
func (c *canvas) caption(line ...label) {
	c.line -= 17
	write(c.Canvas, 10.5, vg.Point{X: margin, Y: c.line}, 14, line...)
}

// write writes labels in a line, with a distance between them.
func write(c draw.Canvas, size font.Length, at vg.Point, distance vg.Length, line ...label) {
	x := at.X
	for i, w := range line {
		if i > 0 {
			x += distance
		}
		s := style(size, w.color, draw.XLeft)
		c.FillText(s, vg.Point{X: x, Y: at.Y}, w.text)
		x += s.Width(w.text)
	}
}

// width returns the width of a line of [write].
func width(size font.Length, distance vg.Length, line ...label) vg.Length {
	total := distance * vg.Length(len(line)-1)
	for _, w := range line {
		total += style(size, w.color, draw.XLeft).Width(w.text)
	}
	return total
}

// panel returns a part of the canvas below the text, which is divided into columns
// and rows.
func (c *canvas) panel(column, columns, row, rows int) draw.Canvas {
	const gutter = 16
	width := (c.Max.X - 2*margin + gutter) / vg.Length(columns)
	height := (c.line - 12 - margin + gutter) / vg.Length(rows)
	left, bottom := margin+width*vg.Length(column), margin+height*vg.Length(rows-1-row)
	part := c.Canvas
	part.Rectangle = vg.Rectangle{Min: vg.Point{X: left, Y: bottom}, Max: vg.Point{X: left + width - gutter, Y: bottom + height - gutter}}
	return part
}

// style returns the style of a text.
func style(size font.Length, c color.Color, align text.XAlignment) text.Style {
	return text.Style{
		Color: c, XAlign: align, YAlign: draw.YBottom, Handler: plot.DefaultTextHandler,
		Font: font.From(font.Font{Typeface: "Liberation", Variant: "Sans"}, size),
	}
}

// newPlot returns a plot without a frame, with pale numbers at the axes.
func newPlot(title string) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = color.Transparent
	p.Title.Text, p.Title.Padding = title, 6
	p.Title.TextStyle = style(11, ink(), draw.XCenter)
	p.Title.TextStyle.YAlign = draw.YTop
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Width, axis.Tick.Width, axis.Tick.Length = 0, 0, 3
		axis.Label.TextStyle = style(10, pale(), draw.XCenter)
		axis.Tick.Label.Color, axis.Tick.Label.Font = pale(), style(9.5, pale(), draw.XCenter).Font
	}
	p.Y.Label.TextStyle.Rotation = math.Pi / 2
	return p
}

// ticks returns labelled values of an axis.
func ticks(values []float64, name func(float64) string) plot.ConstantTicks {
	marks := make(plot.ConstantTicks, len(values))
	for i, v := range values {
		marks[i] = plot.Tick{Value: v, Label: name(v)}
	}
	return marks
}

// decades returns the powers of ten from least (rounded down) to most (rounded up).
func decades(least, most float64) []float64 {
	var all []float64
	for e := math.Floor(math.Log10(least)); ; e++ {
		all = append(all, math.Pow(10, e))
		if all[len(all)-1] >= most {
			return all
		}
	}
}

// short formats a number with a unit prefix: 950, 1.04k, 17.4k, 1.2M.
func short(v float64) string {
	switch {
	case v >= 999_500:
		return trim(v/1e6) + "M"
	case v >= 999.5:
		return trim(v/1e3) + "k"
	}
	return trim(v)
}

// trim formats a number with three significant digits.
func trim(v float64) string {
	digits := max(0, 2-int(math.Floor(math.Log10(max(v, 0.01)))))
	return strconv.FormatFloat(math.Round(v*math.Pow10(digits))/math.Pow10(digits), 'f', -1, 64)
}

// times formats a ratio: 41x, 5.6x.
func times(a, b float64) string {
	if b == 0 {
		return "-"
	}
	if a/b >= 9.95 {
		return strconv.FormatFloat(a/b, 'f', 0, 64) + "x"
	}
	return strconv.FormatFloat(a/b, 'f', 1, 64) + "x"
}
