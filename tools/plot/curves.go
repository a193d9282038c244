package main

import (
	"image/color"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// curve is a line through points, named at its right end.
type curve struct {
	points plotter.XYs
	color  color.Color
	dashed bool
	name   string
}

// add appends a point.
func (c *curve) add(x, y float64) { c.points = append(c.points, plotter.XY{X: x, Y: y}) }

// curves are drawn with their names to the right of the plot, which must leave
// space for them.
type curves []curve

// Plot implements [plot.Plotter].
func (all curves) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for _, one := range all {
		line := make([]vg.Point, len(one.points))
		for i, at := range one.points {
			line[i] = vg.Point{X: x(at.X), Y: y(at.Y)}
		}
		stroke := draw.LineStyle{Color: one.color, Width: 1.8}
		if one.dashed {
			stroke.Dashes = []vg.Length{4, 3}
		}
		c.StrokeLines(stroke, line)
		for _, at := range line {
			c.DrawGlyph(draw.GlyphStyle{Color: one.color, Radius: 2.4, Shape: draw.CircleGlyph{}}, at)
		}
	}
	all.name(c, p)
}

// name writes the names, and moves names that would overlap.
func (all curves) name(c draw.Canvas, p *plot.Plot) {
	const distance = 12
	x, y := p.Transforms(&c)
	ends := slices.DeleteFunc(slices.Clone(all), func(one curve) bool { return one.name == "" || len(one.points) == 0 })
	slices.SortStableFunc(ends, func(a, b curve) int {
		return int(100 * (y(a.last().Y) - y(b.last().Y)))
	})
	heights := make([]vg.Length, len(ends))
	for i, one := range ends {
		heights[i] = y(one.last().Y)
		if i > 0 {
			heights[i] = max(heights[i], heights[i-1]+distance)
		}
	}
	// Move names above the top of the plot down again.
	for i := len(heights) - 1; i >= 0; i-- {
		ceiling := c.Max.Y
		if i < len(heights)-1 {
			ceiling = heights[i+1] - distance
		}
		heights[i] = min(heights[i], ceiling)
	}
	for i, one := range ends {
		s := style(9.5, one.color, draw.XLeft)
		s.YAlign = draw.YCenter
		c.FillText(s, vg.Point{X: x(one.last().X) + 7, Y: heights[i]}, one.name)
	}
}

func (c *curve) last() plotter.XY { return c.points[len(c.points)-1] }

// span returns the smallest and the largest value of all points.
func (all curves) span(of func(plotter.XY) float64) (least, most float64) {
	first := true
	for _, one := range all {
		for _, at := range one.points {
			v := of(at)
			if first || v < least {
				least = v
			}
			if first || v > most {
				most = v
			}
			first = false
		}
	}
	return least, most
}

func xOf(at plotter.XY) float64 { return at.X }
func yOf(at plotter.XY) float64 { return at.Y }
