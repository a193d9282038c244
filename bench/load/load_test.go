package load

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// callerFunc adapts a function to [Caller].
type callerFunc func() error

func (f callerFunc) Call() error { return f() }

func callers(n int, call func() error) []Caller {
	all := make([]Caller, n)
	for i := range all {
		all[i] = callerFunc(call)
	}
	return all
}

func TestClosedLoopCallsAgainAfterEachResponse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tally := Closed(t.Context(), callers(4, func() error {
			time.Sleep(10 * time.Millisecond)
			return nil
		}), time.Second)
		if tally.Latency.Count() != 400 || tally.Rate() != 400 || tally.Errors != 0 {
			t.Errorf("%d operations, %v a second, %d errors, want 400, 400 and none", tally.Latency.Count(), tally.Rate(), tally.Errors)
		}
	})
}

func TestRefusalsAndErrorsAreCountedSeparately(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	outcomes := []error{nil, &RefusedError{Status: 503, RetryAfter: true}, &RefusedError{Status: 429}, errors.New("broken"), ErrEmpty}
	tally := Closed(t.Context(), callers(1, func() error { return outcomes[n.Add(1)-1] }), time.Minute)
	if tally.Latency.Count() != 1 || tally.Refusal.Count() != 2 || tally.RetryAfter != 1 || tally.Errors != 1 {
		t.Errorf("tally = %d good, %d refused, %d with Retry-After, %d errors", tally.Latency.Count(), tally.Refusal.Count(), tally.RetryAfter, tally.Errors)
	}
	if len(tally.Shown) != 1 || tally.Shown[0] != "broken" {
		t.Errorf("shown errors = %q", tally.Shown)
	}
}

func TestLoopsEndWithTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	stop := callers(2, func() error { cancel(); return nil })
	Closed(ctx, stop, time.Hour)
	Open(ctx, stop, 1000, time.Hour)
}

// A pause of the server delays the following operations, and the open loop counts
// their whole waiting time.
func TestOpenLoopCountsFromWhenAnOperationWasDue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n int
		tally := Open(t.Context(), callers(1, func() error {
			if n++; n == 1 {
				time.Sleep(500 * time.Millisecond)
			}
			return nil
		}), 1000, time.Second)
		if got := tally.Latency.Count(); got < 850 || got > 1150 {
			t.Errorf("%d operations, want about 1000", got)
		}
		if got := tally.Latency.Percentile(75); got < 200*time.Millisecond || got > 300*time.Millisecond {
			t.Errorf("percentile 75 = %v, want about 250ms", got)
		}
	})
}
