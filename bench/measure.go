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

// plan has the parameters of a measurement.
type plan struct {
	Callers  int
	Duration time.Duration
	WarmUp   time.Duration
	// Rate is the arrival rate of an open loop in operations per second; 0 is a
	// closed loop.
	Rate float64
}

// Size of a pool: large enough for a long section of the measurement, and small
// enough that prepared values do not expire before use.
const (
	minPool     = 64 // plus one for each caller
	maxPool     = 40_000
	maxFillTime = 20 * time.Second
)

// measuredTarget is a server with the meter of its resource usage.
type measuredTarget struct {
	target *target.Target
	meter  *meter.Meter
	close  func() error
}

// measurement is the state of the measurement of one flow at one server.
type measurement struct {
	*measuredTarget
	plan

	workload *flows.Workload
	callers  []load.Caller
	tally    load.Tally
	usage    meter.Reading
	sections int
	fillRate float64 // items per second
}

// measure measures one flow at one server.
func (c *measuredTarget) measure(ctx context.Context, f *flows.Flow, p plan) (*result, error) {
	course, err := f.Open(c.target)
	if err != nil {
		return nil, err
	}
	if course.Close != nil {
		defer course.Close()
	}
	m := &measurement{measuredTarget: c, plan: p, workload: course}
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

// warmUp opens connections, fills caches and measures how fast operations can be
// prepared.
func (m *measurement) warmUp(ctx context.Context) error {
	if err := m.fill(minPool + m.Callers); err != nil {
		return err
	}
	tally := load.Closed(ctx, m.callers, m.WarmUp)
	if tally.Latency.Count() == 0 && tally.Errors > 0 {
		return fmt.Errorf("all operations of the warm-up failed: %s", tally.Shown[0])
	}
	if m.workload.Prepare != nil {
		m.Duration = max(m.Duration, time.Millisecond)
		return m.fill(m.poolSize(tally.Rate(), m.Duration))
	}
	return nil
}

func (m *measurement) fill(n int) error {
	if m.workload.Prepare == nil {
		return nil
	}
	begin := time.Now()
	if err := m.workload.Prepare(n); err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	m.fillRate = float64(n) / time.Since(begin).Seconds()
	return nil
}

// poolSize returns the number of items to prepare for a duration at a rate.
func (m *measurement) poolSize(rate float64, d time.Duration) int {
	needed := max(rate, m.Rate)*d.Seconds()*1.2 + float64(m.Callers)
	return int(max(minPool+float64(m.Callers), min(needed, m.fillRate*maxFillTime.Seconds(), maxPool)))
}

// section measures for the duration d or until the pool is empty.
func (m *measurement) section(ctx context.Context, d time.Duration) error {
	if m.sections > 0 {
		if err := m.fill(m.poolSize(m.tally.Rate(), d)); err != nil {
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
	usage := after.Since(before)
	if m.sections > 0 {
		usage = m.usage.Plus(usage)
	}
	m.usage = usage
	m.tally.Merge(tally)
	m.sections++
	return nil
}
