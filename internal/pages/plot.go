package pages

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/pages/messages"
)

// The size of plots, and of the area for their lines or bars.
const (
	plotWidth, plotHeight = 640, 160
	plotLeft, plotRight   = 84, 632
	plotTop, plotBottom   = 14, 126
)

// Plot shows numbers over time as lines, with a sentence that sums them up and a table of the numbers.
type Plot struct {
	ID             string
	Title, Summary messages.Message
	// Times are the starts of the intervals, in UTC. Clock shows the time of day, not the day.
	Times []time.Time
	Clock bool
	// Milliseconds is the unit of the numbers, which are otherwise counts.
	Milliseconds bool
	Lines        []PlotLine
}

// PlotLine is a line of a [Plot], with a value for each time. The line has a gap where a value is NaN.
type PlotLine struct {
	Name   messages.Message
	Values []float64
}

// PlotTick is a text at a place of a plot.
type PlotTick struct {
	X, Y int
	Text messages.Message
}

// Top returns the number at the top of the plot: the first of 1, 2, 5, 10 and so on that no value exceeds.
func (p Plot) Top() float64 {
	highest := 0.0
	for _, line := range p.Lines {
		for _, value := range line.Values {
			if value > highest { // not for NaN
				highest = value
			}
		}
	}
	for top := 1.0; ; top *= 10 {
		for _, digit := range []float64{1, 2, 5} {
			if digit*top >= highest {
				return digit * top
			}
		}
	}
}

// Path returns the line as the d attribute of an SVG path. A value between two gaps is a dot.
func (p Plot) Path(line PlotLine) string {
	var b strings.Builder
	top, pen := p.Top(), "M"
	for i, value := range line.Values {
		if math.IsNaN(value) {
			pen = "M"
			continue
		}
		y := float64(plotBottom) - (plotBottom-plotTop)*value/top
		b.WriteString(pen + decimal(p.x(i)) + " " + decimal(y))
		if pen == "M" {
			b.WriteString("h0")
		}
		pen = "L"
	}
	return b.String()
}

func (p Plot) x(i int) float64 {
	if len(p.Times) < 2 {
		return plotLeft
	}
	return plotLeft + float64(i)*(plotRight-plotLeft)/float64(len(p.Times)-1)
}

// Ticks returns the numbers at the left of the plot.
func (p Plot) Ticks() []PlotTick {
	return []PlotTick{{plotLeft - 8, plotTop + 5, p.number(p.Top())}, {plotLeft - 8, plotBottom + 5, messages.Literal("0")}}
}

// Start and End return the first and the last time.
func (p Plot) Start() string { return p.Label(0) }

// End is the counterpart of [Plot.Start].
func (p Plot) End() string { return p.Label(len(p.Times) - 1) }

// Label returns the time of an interval.
func (p Plot) Label(i int) string {
	if i < 0 || i >= len(p.Times) {
		return ""
	}
	if p.Clock {
		return p.Times[i].UTC().Format("15:04")
	}
	return p.Times[i].UTC().Format("2006-01-02")
}

// Cell returns a number for the table, a dash for none.
func (p Plot) Cell(line PlotLine, i int) messages.Message {
	if math.IsNaN(line.Values[i]) {
		return messages.Literal("–")
	}
	return p.number(line.Values[i])
}

func (p Plot) number(n float64) messages.Message {
	text := strconv.FormatFloat(n, 'f', -1, 64)
	if p.Milliseconds {
		return messages.New("console.overview.ms", "ms", text)
	}
	return messages.Literal(text)
}

// decimal returns a coordinate with one digit after the point.
func decimal(n float64) string { return strconv.FormatFloat(math.Round(10*n)/10, 'f', -1, 64) }

// Bars shows counts by name as bars, with a sentence that sums them up and a table of the numbers.
type Bars struct {
	ID             string
	Title, Summary messages.Message
	// NameOf and CountOf are the headings of the columns of the table.
	NameOf, CountOf messages.Message
	Rows            []Bar // the highest count first
}

// Bar is a bar. URL leads to the counted requests.
type Bar struct {
	Name, URL string
	Count     uint64
}

// maxBars is the number of bars of a plot. The table has all of them.
const maxBars = 4

// PlottedBar is a bar with its place. Y is its top, Baseline that of its text above it.
type PlottedBar struct {
	Bar

	Y, Baseline int
	Width       string
}

// barHeight is the height of a bar, and barText that of its text with the space around it.
const barHeight, barText = 9, 26

// Plotted returns the highest bars.
func (b Bars) Plotted() []PlottedBar {
	var list []PlottedBar
	for i, row := range b.Rows[:min(len(b.Rows), maxBars)] {
		y := i*plotHeight/maxBars + barText
		width := plotRight * float64(row.Count) / float64(max(b.Rows[0].Count, 1))
		list = append(list, PlottedBar{row, y, y - 6, decimal(max(width, 1))})
	}
	return list
}
