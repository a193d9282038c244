// Package limits measures upper bounds of the throughput of a machine: signatures,
// hashes, durable commits and HTTP responses of a minimal server.
package limits

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/ostiary/ostiary/bench/load"
	"github.com/ostiary/ostiary/bench/meter"
)

// Limit is a measured upper bound.
type Limit struct {
	Name      string  `json:"limit"`
	Callers   int     `json:"callers"`
	PerSecond float64 `json:"per_second"`
	// P99 is in milliseconds.
	P99 float64 `json:"p99_ms"`
	// CPU is the processor time per operation in milliseconds, of the task itself, the
	// minimal server or the database.
	CPU float64 `json:"cpu_ms"`
}

// callerFunc adapts a function to [load.Caller].
type callerFunc func() error

func (f callerFunc) Call() error { return f() }

// newCallers calls maker n times and returns the callers.
func newCallers(n int, maker func() (func() error, error)) ([]load.Caller, error) {
	all := make([]load.Caller, n)
	for i := range all {
		call, err := maker()
		if err != nil {
			return nil, err
		}
		all[i] = callerFunc(call)
	}
	return all, nil
}

// gauge measures the rate and the cost of callers.
type gauge struct {
	meter *meter.Meter
	// cost selects the processor time of the measured process.
	cost     func(meter.Reading) time.Duration
	duration time.Duration
	each     func(Limit) error
}

// measure runs callers in a closed loop and passes the result to each.
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

// cores are the numbers of goroutines for processor-bound tasks.
func cores() []int {
	if n := runtime.GOMAXPROCS(0); n > 1 {
		return []int{1, n}
	}
	return []int{1}
}
