package main

import (
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
)

// shownFlows are those whose latency is drawn, one of each kind of work: a
// signature alone, a read, a write, and several requests.
func shownFlows() []string {
	return []string{"client-credentials", "introspection", "refresh", "code-session"}
}

// latency draws how long operations take with more and more callers.
func (v *view) latency() (*canvas, error) {
	var panels []curves
	var titles []string
	for _, flow := range shownFlows() {
		some := v.where(func(r *result) bool { return r.plain() && r.Target == v.ours && r.Flow == flow && r.Variant == "" })
		if len(some) < 2 {
			continue
		}
		slices.SortFunc(some, func(a, b *result) int { return a.Callers - b.Callers })
		half, most := curve{color: hue(0), name: "p50"}, curve{color: hue(1), name: "p99"}
		for _, r := range some {
			half.add(float64(r.Callers), r.P50)
			most.add(float64(r.Callers), r.P99)
		}
		panels, titles = append(panels, curves{half, most}), append(titles, some[0].series().label())
	}
	if len(panels) == 0 {
		return nil, nil
	}
	columns := min(2, len(panels))
	rows := (len(panels) + columns - 1) / columns
	c := newCanvas(vg.Length(rows)*200+90, "Milliseconds until an operation is answered, by the number of callers")
	c.say(words{"both axes are logarithmic, and the same in all panels", pale()})
	everything := slices.Concat(panels...)
	crowds := callersOf(everything)
	fastest, slowest := everything.span(yOf)
	marks := decades(fastest, slowest)
	for i := range panels {
		p := newPlot(titles[i])
		p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
		p.X.Min, p.X.Max = crowds[0], crowds[len(crowds)-1]*1.7 // where the names are
		p.Y.Min, p.Y.Max = marks[0], slowest*1.5
		p.X.Tick.Marker = ticks(crowds, func(n float64) string { return strconv.Itoa(int(n)) })
		p.Y.Tick.Marker = ticks(marks, trim)
		p.Add(horizontals(marks), panels[i])
		p.Draw(c.panel(i%columns, columns, i/columns, rows))
	}
	return c, nil
}

// callersOf are the numbers of callers that occur.
func callersOf(all curves) []float64 {
	var some []float64
	for _, one := range all {
		for _, at := range one.points {
			some = append(some, at.X)
		}
	}
	slices.Sort(some)
	return slices.Compact(some)
}
