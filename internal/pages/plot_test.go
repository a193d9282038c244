package pages

import (
	"math"
	"testing"
	"time"
)

// The highest number is below the top of the plot, 0 at its bottom, and a line has gaps where there is no
// number.
func TestPlot(t *testing.T) {
	t.Parallel()

	start := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
	p := Plot{Times: []time.Time{start, start.Add(day), start.Add(2 * day), start.Add(3 * day)}}
	nan := math.NaN()
	for _, tc := range []struct {
		values []float64
		top    float64
		path   string
	}{
		{[]float64{0, 0, 0, 0}, 1, "M84 126h0L266.7 126L449.3 126L632 126"},
		{[]float64{0, 30, 50, 25}, 50, "M84 126h0L266.7 58.8L449.3 14L632 70"},
		{[]float64{nan, 3, nan, 5}, 5, "M266.7 58.8h0M632 14h0"},
		{[]float64{nan, nan, nan, nan}, 1, ""},
		{[]float64{0, 0, 0, 1001}, 2000, "M84 126h0L266.7 126L449.3 126L632 69.9"},
	} {
		line := PlotLine{Values: tc.values}
		p.Lines = []PlotLine{line}
		if got := p.Top(); got != tc.top {
			t.Errorf("Top() of %v = %v, want %v", tc.values, got, tc.top)
		}
		if got := p.Path(line); got != tc.path {
			t.Errorf("Path(%v) = %q, want %q", tc.values, got, tc.path)
		}
	}
	if p.Start() != "2026-11-30" || p.End() != "2026-12-03" {
		t.Errorf("from %s to %s", p.Start(), p.End())
	}
	if p.Clock = true; p.End() != "00:00" {
		t.Errorf("End() = %s with a clock", p.End())
	}
}

func TestBars(t *testing.T) {
	t.Parallel()

	b := Bars{Rows: []Bar{{"a", "", 30}, {"b", "", 15}, {"c", "", 1}, {"d", "", 1}, {"e", "", 1}, {"f", "", 1}}}
	plotted := b.Plotted()
	if len(plotted) != maxBars || plotted[0].Width != "632" || plotted[1].Width != "316" {
		t.Errorf("the bars are %+v", plotted)
	}
	if last := plotted[maxBars-1]; last.Y+barHeight > plotHeight {
		t.Errorf("the last bar ends at %d, below the plot", last.Y+barHeight)
	}
	if len(Bars{}.Plotted()) != 0 {
		t.Error("there are bars without rows")
	}
}
