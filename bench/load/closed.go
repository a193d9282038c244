package load

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Closed runs a closed loop: every caller calls again as soon as it has a response,
// until the duration or the context ends or the caller returns [ErrEmpty]. Each
// caller calls at least once.
func Closed(ctx context.Context, callers []Caller, duration time.Duration) *Tally {
	return runAll(callers, func(c Caller, t *Tally, start time.Time) {
		for ctx.Err() == nil {
			begin := time.Now()
			err := c.Call()
			if errors.Is(err, ErrEmpty) {
				return
			}
			end := time.Now()
			t.count(end.Sub(begin), err)
			if end.Sub(start) >= duration {
				return
			}
		}
	})
}

// runAll runs every caller in a separate goroutine and adds their tallies.
func runAll(callers []Caller, run func(c Caller, t *Tally, start time.Time)) *Tally {
	tallies := make([]Tally, len(callers))
	var running sync.WaitGroup
	start := time.Now()
	for i, c := range callers {
		running.Go(func() { run(c, &tallies[i], start) })
	}
	running.Wait()
	total := &Tally{Elapsed: time.Since(start)}
	for i := range tallies {
		total.merge(&tallies[i])
	}
	return total
}
