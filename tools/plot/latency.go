package main

import (
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
)

// latencyFlows are the flows in the figure of latencies: a signature, a read, a
// write, and several requests.
func latencyFlows() []string {
	return []string{"client-credentials", "introspection", "refresh", "code-session"}
}

// latency draws latencies by number of callers.
func (v *view) latency() (*canvas, error) {
	var panels []curves
	var titles []string
	for _, flow := range latencyFlows() {
		results := v.filter(func(r *result) bool { return r.plain() && r.Target == v.ours && r.Flow == flow && r.Variant == "" })
		if len(results) < 2 {
			continue
		}
		slices.SortFunc(results, func(a, b *result) int { return a.Callers - b.Callers })
		p50, p99 := curve{color: hue(0), name: "p50"}, curve{color: hue(1), name: "p99"}
		for _, r := range results {
			p50.add(float64(r.Callers), r.P50)
			p99.add(float64(r.Callers), r.P99)
		}
		panels, titles = append(panels, curves{p50, p99}), append(titles, results[0].series().label())
	}
	if len(panels) == 0 {
		return nil, nil
	}
	columns := min(2, len(panels))
	rows := (len(panels) + columns - 1) / columns
	c := newCanvas(vg.Length(rows)*200+90, "Latency in milliseconds by number of callers")
	c.caption(label{"both axes are logarithmic, and the same in all panels", pale()})
	everything := slices.Concat(panels...)
	callers := callersOf(everything)
	fastest, slowest := everything.span(yOf)
	marks := decades(fastest, slowest)
	for i := range panels {
		p := newPlot(titles[i])
		p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
		p.X.Min, p.X.Max = callers[0], callers[len(callers)-1]*1.7 // space for the names
		p.Y.Min, p.Y.Max = marks[0], slowest*1.5
		p.X.Tick.Marker = ticks(callers, func(n float64) string { return strconv.Itoa(int(n)) })
		p.Y.Tick.Marker = ticks(marks, trim)
		p.Add(horizontals(marks), panels[i])
		p.Draw(c.panel(i%columns, columns, i/columns, rows))
	}
	return c, nil
}

// callersOf returns the distinct horizontal values of all points, sorted.
func callersOf(all curves) []float64 {
	var values []float64
	for _, one := range all {
		for _, at := range one.points {
			values = append(values, at.X)
		}
	}
	slices.Sort(values)
	return slices.Compact(values)
}
