package load

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Closed lets every caller call again as soon as it has an answer, for a
// duration or until the context ends or nothing is left to call with. Each calls
// once at least, however busy the machine is.
func Closed(ctx context.Context, callers []Caller, duration time.Duration) *Tally {
	return together(callers, func(c Caller, t *Tally, start time.Time) {
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

// together runs every caller in a goroutine of its own and adds their tallies.
func together(callers []Caller, run func(c Caller, t *Tally, start time.Time)) *Tally {
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
