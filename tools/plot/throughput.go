package main

import (
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// comparison has the results of a flow at our target and a peer.
type comparison struct {
	series

	ours, peer *result // peer is nil if the peer was not measured
	limit      float64 // of the machine, or 0
}

// comparisons returns the results of our target, in order, with those of a peer.
func (v *view) comparisons(peer string) []comparison {
	var all []comparison
	for _, r := range v.filter(func(r *result) bool { return r.plain() && r.Target == v.ours && r.Callers == v.callers }) {
		c := comparison{series: r.series(), ours: r, limit: v.limitOf(r.Flow, r.Variant, r.Callers)}
		for _, p := range v.filter(func(p *result) bool {
			return p.plain() && p.Target == peer && p.Flow == r.Flow && p.Variant == r.Variant && p.Callers == r.Callers
		}) {
			c.peer = p
		}
		all = append(all, c)
	}
	return all
}

// peerNames returns the names of the other targets, in the order of the files.
func (v *view) peerNames() []string {
	var names []string
	seen := map[string]bool{v.ours: true}
	for _, r := range v.results {
		if !seen[r.Target] {
			seen[r.Target] = true
			names = append(names, r.Target)
		}
	}
	return names
}

// throughput draws the rates of our target and of the first peer.
func (v *view) throughput() (*canvas, error) {
	var peer string
	if names := v.peerNames(); len(names) > 0 {
		peer = names[0]
	}
	all := v.comparisons(peer)
	if len(all) == 0 {
		return nil, nil
	}
	const row = 34
	c := newCanvas(vg.Length(len(all)*row+110), "Operations per second, "+short(float64(v.callers))+" concurrent callers")
	legend := []label{{"■ " + v.ours, hue(0)}}
	if peer != "" {
		legend = append(legend, label{"■ " + peer, pale()})
	}
	c.caption(append(legend, label{"| limit of the slowest step on this machine", warning()})...)

	p := newPlot("")
	b := &bars{comparisons: all}
	least, most := b.span()
	p.X.Scale, p.X.Min, p.X.Max = plot.LogScale{}, least, most
	p.X.Tick.Marker = ticks(decades(least, most), short)
	p.Y.Min, p.Y.Max = 0, float64(len(all))
	var names plot.ConstantTicks
	for i, c := range all {
		names = append(names, plot.Tick{Value: b.middle(i), Label: c.label()})
	}
	p.Y.Tick.Marker = names
	p.Y.Tick.Label.Color = ink()
	p.Add(verticals(decades(least, most)), b)
	p.Draw(c.panel(0, 1, 0, 1))
	return c, nil
}

// bars draws comparisons from the top down.
type bars struct{ comparisons []comparison }

func (b *bars) middle(i int) float64 { return float64(len(b.comparisons)-i) - 0.5 }

// span returns the range of the axis, with space for numbers after the longest bar.
func (b *bars) span() (least, most float64) {
	least = math.Inf(1)
	for _, c := range b.comparisons {
		least, most = min(least, c.ours.PerSecond), max(most, c.ours.PerSecond, c.limit)
		if c.peer != nil {
			least = min(least, c.peer.PerSecond)
		}
	}
	return math.Pow(10, math.Floor(math.Log10(least*0.8))), most * 4
}

// Plot implements [plot.Plotter].
func (b *bars) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	bar := func(rate, from, to float64) {
		r := vg.Rectangle{Min: vg.Point{X: x(p.X.Min), Y: y(from)}, Max: vg.Point{X: x(rate), Y: y(to)}}
		c.Fill(r.Path())
	}
	for i, compared := range b.comparisons {
		at, rate := b.middle(i), compared.ours.PerSecond
		line := []label{{short(rate), ink()}}
		c.SetColor(hue(0))
		if compared.peer == nil {
			bar(rate, at-0.16, at+0.16)
			at -= 0.16
		} else {
			peer := compared.peer.PerSecond
			bar(rate, at+0.01, at+0.33)
			c.SetColor(peers())
			bar(peer, at-0.33, at-0.01)
			write(c, small, vg.Point{X: x(peer) + 5, Y: y(at - 0.3)}, 0, label{short(peer), pale()})
			line = append(line, label{times(rate, peer), hue(0)})
		}
		from := x(rate)
		if compared.limit > 0 {
			limit := x(compared.limit)
			c.SetColor(warning())
			tick := vg.Rectangle{Min: vg.Point{X: limit - 1, Y: y(at - 0.04)}, Max: vg.Point{X: limit + 1, Y: y(at + 0.38)}}
			c.Fill(tick.Path())
			if from < limit && from+width(small, gap, line...)+10 > limit {
				from = limit // keep the numbers off the tick
			}
		}
		write(c, small, vg.Point{X: from + 5, Y: y(at + 0.04)}, gap, line...)
	}
}

// small is the font size of the numbers after bars, gap the distance between two numbers.
const small, gap = 9.5, 7

// verticals are hairlines at values of the horizontal axis.
type verticals []float64

// Plot implements [plot.Plotter].
func (v verticals) Plot(c draw.Canvas, p *plot.Plot) {
	x, _ := p.Transforms(&c)
	for _, value := range v {
		if value >= p.X.Min && value <= p.X.Max {
			c.StrokeLine2(draw.LineStyle{Color: hair(), Width: 0.7}, x(value), c.Min.Y, x(value), c.Max.Y)
		}
	}
}

// horizontals are hairlines at values of the vertical axis.
type horizontals []float64

// Plot implements [plot.Plotter].
func (h horizontals) Plot(c draw.Canvas, p *plot.Plot) {
	_, y := p.Transforms(&c)
	for _, value := range h {
		if value >= p.Y.Min && value <= p.Y.Max {
			c.StrokeLine2(draw.LineStyle{Color: hair(), Width: 0.7}, c.Min.X, y(value), c.Max.X, y(value))
		}
	}
}
