package load

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

// Open begins operations at given moments, at a rate a second on average, as
// people do who do not know of each other (a Poisson process).
//
// What took long is counted from the moment at which the operation was due, not
// from when a caller was free for it: a server that is slow for a while delays
// the operations behind as well, and that must show. With more arrivals than
// callers the rest waits, and what still waits at the end is not sent any more.
func Open(ctx context.Context, callers []Caller, rate float64, duration time.Duration) *Tally {
	s := newSchedule(rate, duration)
	t := together(callers, func(c Caller, t *Tally, start time.Time) {
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

// schedule hands out the moments of arrival.
type schedule struct {
	mu       sync.Mutex
	random   *rand.Rand
	mean     float64
	duration time.Duration
	last     time.Duration
}

// newSchedule draws the same moments every time, so that runs can be compared.
func newSchedule(rate float64, duration time.Duration) *schedule {
	return &schedule{
		random:   rand.New(rand.NewPCG(1, 2)), //nolint:gosec // no secret is drawn
		mean:     float64(time.Second) / rate,
		duration: duration,
	}
}

// next returns the next moment, counted from the start, unless it is too late.
func (s *schedule) next() (time.Duration, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last += time.Duration(s.random.ExpFloat64() * s.mean)
	return s.last, s.last < s.duration
}
