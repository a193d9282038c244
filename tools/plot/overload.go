package main

import (
	"cmp"
	"slices"

	"gonum.org/v1/plot"
)

// overload draws what is left when more is offered than a server can do.
func (v *view) overload() (*canvas, error) {
	goodput, tail := v.underLoad()
	if len(goodput) == 0 {
		return nil, nil
	}
	c := newCanvas(330, "More offered than can be done")
	c.say(words{"Horizontally: offered, as a multiple of what the same server does when its callers wait for each answer.", pale()})
	least, most := goodput.span(xOf)
	steps := callersOf(goodput)
	for i, side := range []struct {
		curves

		title string
	}{{goodput, "answered, % of that"}, {tail, "p99 of the answered, ms from when they were sent"}} {
		p := newPlot(side.title)
		p.X.Scale = plot.LogScale{}
		p.X.Min, p.X.Max = least, most
		p.X.Max *= p.X.Max / p.X.Min // where the names are
		p.X.Tick.Marker = ticks(steps, func(x float64) string { return trim(x) + "x" })
		lowest, highest := side.span(yOf)
		if i == 0 {
			p.Y.Min, p.Y.Max = 0, max(110, highest*1.05)
			var marks []float64
			for mark := 0.0; mark <= p.Y.Max; mark += 25 {
				marks = append(marks, mark)
			}
			p.Y.Tick.Marker = ticks(marks, trim)
			p.Add(horizontals(marks))
		} else {
			marks := decades(lowest, highest)
			p.Y.Scale, p.Y.Min, p.Y.Max = plot.LogScale{}, marks[0], highest*1.5
			p.Y.Tick.Marker = ticks(marks, trim)
			p.Add(horizontals(marks))
		}
		p.Add(side.curves)
		p.Draw(c.panel(i, 2, 0, 1))
	}
	return c, nil
}

// underLoad returns a pair of curves for each flow that an open loop measured.
// Those of peers are dashed.
func (v *view) underLoad() (goodput, tail curves) {
	all := v.where(func(r *result) bool { return r.Multiple > 0 })
	var order []series
	for _, r := range all {
		if !slices.Contains(order, r.series()) {
			order = append(order, r.series())
		}
	}
	flows := map[string]int{}
	for _, s := range order {
		if _, known := flows[s.label()]; !known {
			flows[s.label()] = len(flows)
		}
		line := curve{color: hue(flows[s.label()]), name: s.label()}
		if s.target != v.ours {
			line.dashed, line.name = true, s.label()+", "+s.target
		}
		some := slices.DeleteFunc(slices.Clone(all), func(r *result) bool { return r.series() != s })
		slices.SortFunc(some, func(a, b *result) int { return cmp.Compare(a.Multiple, b.Multiple) })
		rate, late := line, line
		for _, r := range some {
			rate.add(r.Multiple, 100*r.PerSecond*r.Multiple/r.Offered)
			late.add(r.Multiple, max(r.inServer(), 0.01))
		}
		goodput, tail = append(goodput, rate), append(tail, late)
	}
	return goodput, tail
}

// inServer is the p99 without the time that a request waited for a caller to send
// it, where the generator told the two apart.
func (r *result) inServer() float64 { return cmp.Or(r.SentP99, r.P99) }
