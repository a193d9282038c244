package main

import (
	"math"
	"slices"

	"gonum.org/v1/plot"
)

// growth draws how the cost of operations changes with the number of live grants.
func (v *view) growth() (*canvas, error) {
	var all curves
	for _, s := range v.grown() {
		some := v.at(s)
		if len(some) < 2 {
			continue
		}
		line := curve{color: hue(len(all))}
		for _, r := range some {
			line.add(float64(r.Grants), 100*(r.cost()/some[0].cost()-1))
		}
		line.name = s.label() + ", " + cost(some[0].cost()) + " → " + cost(some[len(some)-1].cost()) + " ms"
		all = append(all, line)
	}
	if len(all) == 0 {
		return nil, nil
	}
	c := newCanvas(330, "Processor time of an operation with more and more live grants")
	c.say(words{"% more than with the fewest, of the server and its database together", pale()})
	p := newPlot("")
	sizes := callersOf(all)
	p.X.Scale, p.X.Min, p.X.Max = plot.LogScale{}, sizes[0], sizes[len(sizes)-1]
	p.X.Max *= math.Pow(sizes[len(sizes)-1]/sizes[0], 0.6) // where the names are
	p.X.Tick.Marker = ticks(sizes, short)
	lowest, highest := all.span(yOf)
	p.Y.Min, p.Y.Max = min(-30, lowest-5), max(30, highest+5)
	marks := []float64{-25, 0, 25}
	for next := 50.0; next <= p.Y.Max; next += 25 {
		marks = append(marks, next)
	}
	p.Y.Tick.Marker = ticks(marks, signed)
	p.Add(horizontals(marks), all)
	p.Draw(c.panel(0, 1, 0, 1))
	return c, nil
}

func signed(v float64) string {
	if v > 0 {
		return "+" + trim(v) + " %"
	}
	if v < 0 {
		return "−" + trim(-v) + " %"
	}
	return "0 %"
}

// grown are the series, whatever their number of grants, that were measured on
// filled databases.
func (v *view) grown() []series {
	var order []series
	for _, r := range v.where(func(r *result) bool { return r.Grants > 0 && r.Offered == 0 && r.Target == v.ours }) {
		s := r.series()
		s.grants = 0
		if !slices.Contains(order, s) {
			order = append(order, s)
		}
	}
	return order
}

// at returns what was measured of s, by the number of grants.
func (v *view) at(s series) []*result {
	some := v.where(func(r *result) bool {
		t := r.series()
		t.grants = 0
		return t == s && r.Grants > 0 && r.Offered == 0 && r.Callers == v.callers
	})
	slices.SortFunc(some, func(a, b *result) int { return int(a.Grants - b.Grants) })
	return some
}
