// Package limits measures what a machine can do at all: signatures, durable
// commits, bare answers over HTTP. No server on it can be faster, so these figures
// say how far one is from the end.
package limits

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/ostiary/ostiary/bench/load"
	"github.com/ostiary/ostiary/bench/meter"
)

// Limit is one figure.
type Limit struct {
	Name      string  `json:"limit"`
	Callers   int     `json:"callers"`
	PerSecond float64 `json:"per_second"`
	// P99 is in milliseconds.
	P99 float64 `json:"p99_ms"`
	// CPU is the processor time of what is measured, in milliseconds an operation:
	// of the work itself, the bare server or the database.
	CPU float64 `json:"cpu_ms"`
}

// function is a caller made of a function.
type function func() error

func (f function) Call() error { return f() }

// crowd makes n callers, each with what it needs.
func crowd(n int, maker func() (func() error, error)) ([]load.Caller, error) {
	all := make([]load.Caller, n)
	for i := range all {
		call, err := maker()
		if err != nil {
			return nil, err
		}
		all[i] = function(call)
	}
	return all, nil
}

// gauge measures callers and what they cost.
type gauge struct {
	meter *meter.Meter
	// cost says whose processor time counts.
	cost     func(meter.Reading) time.Duration
	duration time.Duration
	each     func(Limit) error
}

// measure lets callers do something as fast as they can, and hands the figure on.
func (g *gauge) measure(ctx context.Context, name string, callers []load.Caller) error {
	load.Closed(ctx, callers, g.duration/10)
	before, err := g.meter.Read(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	tally := load.Closed(ctx, callers, g.duration)
	after, err := g.meter.Read(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if tally.Errors > 0 {
		return fmt.Errorf("%s: %s", name, tally.Shown[0])
	}
	return g.each(Limit{
		Name: name, Callers: len(callers), PerSecond: tally.Rate(), P99: ms(tally.Latency.Percentile(99)),
		CPU: ms(g.cost(after.Since(before))) / float64(max(tally.Latency.Count(), 1)),
	})
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// cores are the numbers of goroutines at which work of the processor is measured.
func cores() []int {
	if n := runtime.GOMAXPROCS(0); n > 1 {
		return []int{1, n}
	}
	return []int{1}
}
