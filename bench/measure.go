package main

import (
	"context"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/bench/flows"
	"github.com/ostiary/ostiary/bench/load"
	"github.com/ostiary/ostiary/bench/meter"
	"github.com/ostiary/ostiary/bench/target"
)

// plan says how to measure.
type plan struct {
	Callers  int
	Duration time.Duration
	WarmUp   time.Duration
	// Rate is how many operations a second begin; 0 lets the callers go as fast as
	// they can.
	Rate float64
}

// Stocks are prepared so large that a section of the measurement takes a while,
// and so small that what is prepared is used before it gets too old.
const (
	firstStock  = 64 // and as many again for each caller
	largest     = 40_000
	longestFill = 20 * time.Second
)

// contender is a server and what watches it.
type contender struct {
	target *target.Target
	meter  *meter.Meter
	close  func() error
}

// measurement is one flow at one server, as it goes on.
type measurement struct {
	*contender
	plan

	course   *flows.Course
	callers  []load.Caller
	tally    load.Tally
	spent    meter.Reading
	sections int
	fillRate float64 // pieces a second
}

// measure measures one flow at one server.
func (c *contender) measure(ctx context.Context, f *flows.Flow, p plan) (*result, error) {
	course, err := f.Open(c.target)
	if err != nil {
		return nil, err
	}
	if course.Close != nil {
		defer course.Close()
	}
	m := &measurement{contender: c, plan: p, course: course}
	for i := range p.Callers {
		caller, err := course.Caller(i)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		m.callers = append(m.callers, caller)
	}
	if err := m.warmUp(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	c.meter.ResetPeak()
	for m.tally.Elapsed < p.Duration && ctx.Err() == nil {
		if err := m.section(ctx, p.Duration-m.tally.Elapsed); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return m.result(f), nil
}

// warmUp lets connections open and caches fill, and learns how fast operations
// are prepared.
func (m *measurement) warmUp(ctx context.Context) error {
	if err := m.fill(firstStock + m.Callers); err != nil {
		return err
	}
	tally := load.Closed(ctx, m.callers, m.WarmUp)
	if tally.Latency.Count() == 0 && tally.Errors > 0 {
		return fmt.Errorf("nothing goes right: %s", tally.Shown[0])
	}
	if m.course.Stock != nil {
		m.Duration = max(m.Duration, time.Millisecond)
		return m.fill(m.stockFor(tally.Rate(), m.Duration))
	}
	return nil
}

func (m *measurement) fill(n int) error {
	if m.course.Stock == nil {
		return nil
	}
	begin := time.Now()
	if err := m.course.Stock(n); err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	m.fillRate = float64(n) / time.Since(begin).Seconds()
	return nil
}

// stockFor is how much to prepare for a duration at a rate.
func (m *measurement) stockFor(rate float64, d time.Duration) int {
	wanted := max(rate, m.Rate)*d.Seconds()*1.2 + float64(m.Callers)
	return int(max(firstStock+float64(m.Callers), min(wanted, m.fillRate*longestFill.Seconds(), largest)))
}

// section measures until the time is over or the stock is used up.
func (m *measurement) section(ctx context.Context, d time.Duration) error {
	if m.sections > 0 {
		if err := m.fill(m.stockFor(m.tally.Rate(), d)); err != nil {
			return err
		}
	}
	before, err := m.meter.Read(ctx)
	if err != nil {
		return err
	}
	var tally *load.Tally
	if m.Rate > 0 {
		tally = load.Open(ctx, m.callers, m.Rate, d)
	} else {
		tally = load.Closed(ctx, m.callers, d)
	}
	after, err := m.meter.Read(ctx)
	if err != nil {
		return err
	}
	spent := after.Since(before)
	if m.sections > 0 {
		spent = m.spent.Plus(spent)
	}
	m.spent = spent
	m.tally.Merge(tally)
	m.sections++
	return nil
}
