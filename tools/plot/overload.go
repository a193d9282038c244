package main

import (
	"cmp"
	"slices"

	"gonum.org/v1/plot"
)

// overload draws throughput and latency under overload.
func (v *view) overload() (*canvas, error) {
	goodput, tail := v.underLoad()
	if len(goodput) == 0 {
		return nil, nil
	}
	c := newCanvas(330, "Throughput and latency under overload")
	c.caption(label{"Horizontal: arrival rate, as a multiple of the rate of the same server in a closed loop.", pale()})
	least, most := goodput.span(xOf)
	steps := callersOf(goodput)
	for i, side := range []struct {
		curves

		title string
	}{{goodput, "successful, % of the closed-loop rate"}, {tail, "p99 of successful requests, ms from sending"}} {
		p := newPlot(side.title)
		p.X.Scale = plot.LogScale{}
		p.X.Min, p.X.Max = least, most
		p.X.Max *= p.X.Max / p.X.Min // space for the names
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

// underLoad returns a pair of curves for each flow with results of open loops. The
// curves of peers are dashed.
func (v *view) underLoad() (goodput, tail curves) {
	all := v.filter(func(r *result) bool { return r.Multiple > 0 })
	var order []series
	for _, r := range all {
		if !slices.Contains(order, r.series()) {
			order = append(order, r.series())
		}
	}
	flows := map[string]int{}
	for _, s := range order {
		if _, found := flows[s.label()]; !found {
			flows[s.label()] = len(flows)
		}
		line := curve{color: hue(flows[s.label()]), name: s.label()}
		if s.target != v.ours {
			line.dashed, line.name = true, s.label()+", "+s.target
		}
		results := slices.DeleteFunc(slices.Clone(all), func(r *result) bool { return r.series() != s })
		slices.SortFunc(results, func(a, b *result) int { return cmp.Compare(a.Multiple, b.Multiple) })
		rate, late := line, line
		for _, r := range results {
			rate.add(r.Multiple, 100*r.PerSecond*r.Multiple/r.Offered)
			late.add(r.Multiple, max(r.inServer(), 0.01))
		}
		goodput, tail = append(goodput, rate), append(tail, late)
	}
	return goodput, tail
}

// inServer returns the p99 from sending the request if it was measured, otherwise
// the p99 from the arrival of the operation.
func (r *result) inServer() float64 { return cmp.Or(r.SentP99, r.P99) }
