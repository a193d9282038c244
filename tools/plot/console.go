package main

import (
	"image/color"
	"regexp"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// consolePage has the processor time of a page of the console, in milliseconds; -1 without a result.
type consolePage struct {
	name                       string
	sqlite, postgres, database float64
}

// pageCostLimit is the processor time that a page may take, in milliseconds.
const pageCostLimit = 20

// readPage reads a line of the output of BenchmarkConsolePages. Other lines of go test have no result.
func (d *data) readPage(line string) error {
	parts := regexp.MustCompile(`^BenchmarkConsolePages/(sqlite|postgres)/(\S+?)(?:-\d+)?\s.*?([\d.]+) database-ms/op\s+([\d.]+) server-ms/op`).FindStringSubmatch(line)
	if parts == nil {
		return nil
	}
	database, err := strconv.ParseFloat(parts[3], 64)
	if err != nil {
		return err
	}
	server, err := strconv.ParseFloat(parts[4], 64)
	if err != nil {
		return err
	}
	name := strings.ReplaceAll(parts[2], "-", " ")
	i := 0
	for i < len(d.pages) && d.pages[i].name != name {
		i++
	}
	if i == len(d.pages) {
		d.pages = append(d.pages, consolePage{name, -1, -1, -1})
	}
	if parts[1] == "sqlite" {
		d.pages[i].sqlite = server
	} else {
		d.pages[i].postgres, d.pages[i].database = server, database
	}
	return nil
}

func (v *view) consoleTable() table {
	t := table{{"page", "SQLite, ms", "PostgreSQL: server, ms", "database, ms"}}
	for _, p := range v.pages {
		t = append(t, []string{p.name, optional(p.sqlite), optional(p.postgres), optional(p.database)})
	}
	return t
}

// console draws the processor time of the pages.
func (v *view) console() (*canvas, error) {
	if len(v.pages) == 0 {
		return nil, nil
	}
	const row = 19
	c := newCanvas(vg.Length(len(v.pages)*row+110), "Processor time of a page of the console, in milliseconds")
	c.caption(label{"■ SQLite", hue(0)}, label{"■ PostgreSQL, server", hue(2)}, label{"■ and database", peers()}, label{"| at most", warning()})
	p := newPlot("")
	p.X.Min, p.X.Max = 0, pageCostLimit*1.05
	marks := []float64{0, 5, 10, 15, pageCostLimit}
	p.X.Tick.Marker = ticks(marks, trim)
	p.Y.Min, p.Y.Max = 0, float64(len(v.pages))
	var names plot.ConstantTicks
	for i, page := range v.pages {
		names = append(names, plot.Tick{Value: float64(len(v.pages)-i) - 0.5, Label: page.name})
	}
	p.Y.Tick.Marker = names
	p.Y.Tick.Label.Color = ink()
	p.Add(verticals(marks), pageBars(v.pages))
	p.Draw(c.panel(0, 1, 0, 1))
	return c, nil
}

// pageBars draws the pages from the top down.
type pageBars []consolePage

// Plot implements [plot.Plotter].
func (b pageBars) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	bar := func(hue color.Color, from, to, bottom, top float64) {
		if to > from {
			r := vg.Rectangle{Min: vg.Point{X: x(from), Y: y(bottom)}, Max: vg.Point{X: x(min(to, p.X.Max)), Y: y(top)}}
			c.SetColor(hue)
			c.Fill(r.Path())
		}
	}
	for i, page := range b {
		at := float64(len(b)-i) - 0.5
		bar(hue(0), 0, page.sqlite, at+0.02, at+0.36)
		bar(hue(2), 0, page.postgres, at-0.36, at-0.02)
		bar(peers(), page.postgres, page.postgres+page.database, at-0.36, at-0.02)
	}
	c.StrokeLine2(draw.LineStyle{Color: warning(), Width: 1.5}, x(pageCostLimit), c.Min.Y, x(pageCostLimit), c.Max.Y)
}
