package main

import (
	"math"
	"slices"

	"gonum.org/v1/plot"
)

// growth draws how the cost of operations changes with the number of live grants.
func (v *view) growth() (*canvas, error) {
	var all curves
	for _, s := range v.filledSeries() {
		results := v.byGrants(s)
		if len(results) < 2 {
			continue
		}
		line := curve{color: hue(len(all))}
		for _, r := range results {
			line.add(float64(r.Grants), 100*(r.cost()/results[0].cost()-1))
		}
		line.name = s.label() + ", " + cost(results[0].cost()) + " → " + cost(results[len(results)-1].cost()) + " ms"
		all = append(all, line)
	}
	if len(all) == 0 {
		return nil, nil
	}
	c := newCanvas(330, "Processor time per operation by number of live grants")
	c.caption(label{"% more than with the smallest number, server and database", pale()})
	p := newPlot("")
	sizes := callersOf(all)
	p.X.Scale, p.X.Min, p.X.Max = plot.LogScale{}, sizes[0], sizes[len(sizes)-1]
	p.X.Max *= math.Pow(sizes[len(sizes)-1]/sizes[0], 0.6) // space for the names
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

// filledSeries returns the series that were measured on filled databases, without
// their numbers of grants.
func (v *view) filledSeries() []series {
	var order []series
	for _, r := range v.filter(func(r *result) bool { return r.Grants > 0 && r.Offered == 0 && r.Target == v.ours }) {
		s := r.series()
		s.grants = 0
		if !slices.Contains(order, s) {
			order = append(order, s)
		}
	}
	return order
}

// byGrants returns the results of a series, sorted by the number of grants.
func (v *view) byGrants(s series) []*result {
	results := v.filter(func(r *result) bool {
		t := r.series()
		t.grants = 0
		return t == s && r.Grants > 0 && r.Offered == 0 && r.Callers == v.callers
	})
	slices.SortFunc(results, func(a, b *result) int { return int(a.Grants - b.Grants) })
	return results
}
