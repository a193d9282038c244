package jwks

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// occupied returns a limiter without a free slot.
func occupied() signingLimiter {
	d := newSigningLimiter()
	for range cap(d.slots) {
		d.slots <- struct{}{}
	}
	return d
}

func TestSignStopsWhenTheContextIsDone(t *testing.T) {
	t.Parallel()
	m, _, _ := started(t, RS256)
	m.limiter = occupied()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Sign(ctx, RS256, "", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Sign = %v while every core signs and the caller has left, want context.Canceled", err)
	}
	<-m.limiter.slots
	signer(t, m, RS256)
}

func TestSigningIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := occupied()
		start, results := time.Now(), make(chan error)
		for range cap(d.waiting) {
			go func() {
				_, err := d.acquire(t.Context())
				results <- err
			}()
		}
		synctest.Wait()
		var busy interface{ Unavailable() bool }
		if _, err := d.acquire(t.Context()); !errors.As(err, &busy) || !busy.Unavailable() || time.Since(start) != 0 {
			t.Errorf("one more than may wait: %v after %s, want an immediate rejection", err, time.Since(start))
		}

		<-d.slots
		if err := <-results; err != nil {
			t.Errorf("a slot came free, and who waited got: %v", err)
		}
		for range cap(d.waiting) - 1 {
			if err := <-results; !errors.Is(err, ErrBusy) || time.Since(start) != limiterWait {
				t.Fatalf("who waits in vain: %v after %s, want ErrBusy after %s", err, time.Since(start), limiterWait)
			}
		}
		if len(d.waiting) != 0 {
			t.Errorf("%d still count as waiting", len(d.waiting))
		}
	})
}
