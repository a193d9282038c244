package load

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

// Open runs an open loop: operations arrive in a Poisson process with the given
// mean rate per second, independent of the responses.
//
// Latency counts from the arrival of the operation, not from the moment when a
// caller was free, so that a slow response also shows in the latencies of the
// operations that it delayed. If there are more arrivals than free callers, the
// operations wait. Operations that still wait at the end are counted as unsent.
func Open(ctx context.Context, callers []Caller, rate float64, duration time.Duration) *Tally {
	s := newSchedule(rate, duration)
	t := runAll(callers, func(c Caller, t *Tally, start time.Time) {
		for ctx.Err() == nil {
			due, more := s.next()
			if !more {
				return
			}
			time.Sleep(due - time.Since(start))
			if time.Since(start) >= duration {
				t.Unsent++
				return
			}
			begin := time.Now()
			err := c.Call()
			if errors.Is(err, ErrEmpty) {
				return
			}
			t.count(time.Since(start)-due, err)
			if err == nil {
				t.Sent.Add(time.Since(begin))
			}
		}
	})
	for ctx.Err() == nil {
		if _, more := s.next(); !more {
			break
		}
		t.Unsent++
	}
	return t
}

// schedule generates the arrival times.
type schedule struct {
	mu       sync.Mutex
	random   *rand.Rand
	mean     float64
	duration time.Duration
	last     time.Duration
}

// newSchedule returns a schedule that generates the same times in every run, so
// that runs can be compared.
func newSchedule(rate float64, duration time.Duration) *schedule {
	return &schedule{
		random:   rand.New(rand.NewPCG(1, 2)), //nolint:gosec // not a credential
		mean:     float64(time.Second) / rate,
		duration: duration,
	}
}

// next returns the next arrival time, relative to the start of the loop, and false
// after the end of the loop.
func (s *schedule) next() (time.Duration, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last += time.Duration(s.random.ExpFloat64() * s.mean)
	return s.last, s.last < s.duration
}
