package main

import (
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// contest is a flow as we and one peer do it.
type contest struct {
	series

	ours, theirs *result // theirs is nil where the peer was not asked
	most         float64 // that the machine allows, or 0
}

// contests pairs our results with those of the peer, in the order of ours.
func (v *view) contests(peer string) []contest {
	var all []contest
	for _, r := range v.where(func(r *result) bool { return r.plain() && r.Target == v.ours && r.Callers == v.callers }) {
		c := contest{series: r.series(), ours: r, most: v.most(r.Flow, r.Variant, r.Callers)}
		for _, p := range v.where(func(p *result) bool {
			return p.plain() && p.Target == peer && p.Flow == r.Flow && p.Variant == r.Variant && p.Callers == r.Callers
		}) {
			c.theirs = p
		}
		all = append(all, c)
	}
	return all
}

// peerNames are the other targets, in the order in which they came.
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

// throughput draws what servers do in a second, against the first peer.
func (v *view) throughput() (*canvas, error) {
	var peer string
	if names := v.peerNames(); len(names) > 0 {
		peer = names[0]
	}
	all := v.contests(peer)
	if len(all) == 0 {
		return nil, nil
	}
	const row = 34
	c := newCanvas(vg.Length(len(all)*row+110), "Operations a second, "+short(float64(v.callers))+" callers at once")
	legend := []words{{"■ " + v.ours, hue(0)}}
	if peer != "" {
		legend = append(legend, words{"■ " + peer, pale()})
	}
	c.say(append(legend, words{"| what the scarcest step alone allows on this machine", warning()})...)

	p := newPlot("")
	b := &bars{contests: all}
	least, most := b.span()
	p.X.Scale, p.X.Min, p.X.Max = plot.LogScale{}, least, most
	p.X.Tick.Marker = ticks(decades(least, most), short)
	p.Y.Min, p.Y.Max = 0, float64(len(all))
	var names plot.ConstantTicks
	for i, contest := range all {
		names = append(names, plot.Tick{Value: b.middle(i), Label: contest.label()})
	}
	p.Y.Tick.Marker = names
	p.Y.Tick.Label.Color = ink()
	p.Add(verticals(decades(least, most)), b)
	p.Draw(c.panel(0, 1, 0, 1))
	return c, nil
}

// bars draws contests from the top down.
type bars struct{ contests []contest }

func (b *bars) middle(i int) float64 { return float64(len(b.contests)-i) - 0.5 }

// span is the axis: whole decades, with room for figures behind the longest bar.
func (b *bars) span() (least, most float64) {
	least = math.Inf(1)
	for _, c := range b.contests {
		least, most = min(least, c.ours.PerSecond), max(most, c.ours.PerSecond, c.most)
		if c.theirs != nil {
			least = min(least, c.theirs.PerSecond)
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
	for i, contest := range b.contests {
		at, mine := b.middle(i), contest.ours.PerSecond
		line := []words{{short(mine), ink()}}
		c.SetColor(hue(0))
		if contest.theirs == nil {
			bar(mine, at-0.16, at+0.16)
			at -= 0.16
		} else {
			theirs := contest.theirs.PerSecond
			bar(mine, at+0.01, at+0.33)
			c.SetColor(peers())
			bar(theirs, at-0.33, at-0.01)
			write(c, small, vg.Point{X: x(theirs) + 5, Y: y(at - 0.3)}, 0, words{short(theirs), pale()})
			line = append(line, words{times(mine, theirs), hue(0)})
		}
		from := x(mine)
		if contest.most > 0 {
			limit := x(contest.most)
			c.SetColor(warning())
			tick := vg.Rectangle{Min: vg.Point{X: limit - 1, Y: y(at - 0.04)}, Max: vg.Point{X: limit + 1, Y: y(at + 0.38)}}
			c.Fill(tick.Path())
			if from < limit && from+width(small, gap, line...)+10 > limit {
				from = limit // the figures must not run into the tick
			}
		}
		write(c, small, vg.Point{X: from + 5, Y: y(at + 0.04)}, gap, line...)
	}
}

// The figures behind bars: their size, and what lies between two.
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
