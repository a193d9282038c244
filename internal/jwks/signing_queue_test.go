package jwks

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ostiary/ostiary/internal/admission"
	"github.com/ostiary/ostiary/internal/unavailable"
)

// occupied returns a signing queue without a free slot, and its slots.
func occupied(t *testing.T) (*admission.Queue, []admission.Slot) {
	t.Helper()
	queue := newSigningQueue()
	var slots []admission.Slot
	for range queue.Slots() {
		slot, err := queue.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		slots = append(slots, slot)
	}
	return queue, slots
}

func TestSignStopsWhenTheContextIsDone(t *testing.T) {
	t.Parallel()
	m, _, _ := started(t, RS256)
	queue, slots := occupied(t)
	m.signing = queue
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Sign(ctx, RS256, "", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Sign = %v while every core signs and the caller has left, want context.Canceled", err)
	}
	slots[0].Release()
	signer(t, m, RS256)
}

func TestSigningIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		queue, slots := occupied(t)
		start, results := time.Now(), make(chan error)
		waiting := queue.Capacity() - queue.Slots()
		for range waiting {
			go func() {
				_, err := acquire(t.Context(), queue)
				results <- err
			}()
		}
		synctest.Wait()
		if _, err := acquire(t.Context(), queue); !unavailable.Is(err) || time.Since(start) != 0 {
			t.Errorf("a signature with a full queue: %v after %s, want an immediate rejection", err, time.Since(start))
		}
		slots[0].Release()
		if err := <-results; err != nil {
			t.Errorf("a slot was released, and a waiting signature got: %v", err)
		}
		for range waiting - 1 {
			if err := <-results; !errors.Is(err, ErrBusy) || time.Since(start) != signingWait {
				t.Fatalf("a signature without a slot: %v after %s, want ErrBusy after %s", err, time.Since(start), signingWait)
			}
		}
		if n := queue.Waiting(); n != 0 {
			t.Errorf("%d signatures count as waiting, want none", n)
		}
	})
}
