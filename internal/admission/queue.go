// Package admission limits concurrent work: a [Queue] has slots, and requests wait for one
// in bounded number and time.
//
// It has no HTTP: middleware turns [ErrBusy] into 503 with Retry-After. It limits requests
// by endpoint, RSA signatures, password hashes, and outbound requests.
package admission

import (
	"context"
	"math"
	"net/netip"
	"runtime"
	"sync"
	"time"

	"github.com/ostiary/ostiary/internal/network"
	"github.com/ostiary/ostiary/internal/unavailable"
)

// ErrBusy reports that no slot became free in time, or that the queue is full.
var ErrBusy = unavailable.New("too many requests are waiting")

// Unlimited is a queue length without a limit.
const Unlimited = math.MaxInt

// Queue limits concurrent work to a number of slots.
//
// Requests get slots in the order of arrival. A full queue rejects new requests; with
// fairness (see [NewFair]) it rejects the oldest, which is the least likely to still need
// a response.
type Queue struct {
	slots, queue int
	wait         time.Duration
	now          func() time.Time // nil without fairness

	mu      sync.Mutex
	free    int
	waiting waiters

	// With fairness:
	hold    time.Duration // how long a slot is held, on average
	emptyAt time.Time     // when a request last found the queue empty
	ticking bool
}

// New returns a queue for a number of slots, in which up to queue requests wait, none of
// them longer than wait. If either is 0, a request without a free slot is rejected
// immediately.
func New(slots, queue int, wait time.Duration) *Queue {
	return &Queue{slots: slots, free: slots, queue: queue, wait: wait}
}

// NewFair returns a queue that is fair to networks under overload.
//
// The queue absorbs a burst or a short stall of the database. If it was not empty for
// longer than wait, there is more work than the server can do: it then rejects requests
// that would wait for more than a few slots, serves the newest requests first, and
// alternates between networks. now is a monotonic clock.
func NewFair(slots, queue int, wait time.Duration, now func() time.Time) *Queue {
	q := New(slots, queue, wait)
	q.now = now
	return q
}

// Slots returns the number of slots.
func (q *Queue) Slots() int { return q.slots }

// Capacity returns how many requests hold a slot or wait at most.
func (q *Queue) Capacity() int { return q.slots + q.queue }

// Waiting returns how many requests wait.
func (q *Queue) Waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting.len()
}

// Slot is the right to work. The zero value holds none.
type Slot struct {
	queue *Queue
	began time.Time // with fairness
}

// Release returns the slot. The caller calls it once.
func (s Slot) Release() {
	if s.queue != nil {
		s.queue.release(s)
	}
}

// Acquire takes a slot. It returns [ErrBusy] if none becomes free in time, or the cause of
// ctx if that ends first.
func (q *Queue) Acquire(ctx context.Context) (Slot, error) {
	return q.AcquireFrom(ctx, network.Nested{})
}

// AcquireFrom is [Queue.Acquire] for a request from a network.
func (q *Queue) AcquireFrom(ctx context.Context, from network.Nested) (Slot, error) {
	w, acquired := q.enter(from)
	if !acquired && w == nil {
		return Slot{}, ErrBusy
	}
	if !acquired {
		var err error
		if acquired, err = q.await(ctx, w); err != nil {
			return Slot{}, err
		}
	}
	if !acquired {
		return Slot{}, ErrBusy
	}
	if q.now != nil {
		// Let other requests that have arrived enter the queue before this work begins.
		// Otherwise they all wait in the run queue of the Go scheduler.
		runtime.Gosched()
	}
	return q.slot(), nil
}

// slot returns a slot that is held from now on.
func (q *Queue) slot() Slot {
	if q.now == nil {
		return Slot{queue: q}
	}
	return Slot{queue: q, began: q.now()}
}

// enter takes a free slot or enters the queue. Without either it returns nil and false.
func (q *Queue) enter(from network.Nested) (w *waiter, acquired bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.free > 0 {
		q.free--
		return nil, true
	}
	if q.queue == 0 || q.wait == 0 {
		return nil, false
	}
	if q.now == nil {
		if q.waiting.len() >= q.queue {
			return nil, false
		}
		w = &waiter{decided: make(chan bool, 1)}
		q.waiting.add(w)
		return w, false
	}
	if from.Levels() == 0 {
		from = network.Of(netip.Addr{})
	}
	w = &waiter{from: from, since: q.now(), decided: make(chan bool, 1)}
	switch q.waiting.len() {
	case 0:
		q.emptyAt = w.since
	case q.queue:
		q.waiting.rejectOldest()
	}
	q.waiting.add(w)
	if !q.ticking {
		q.ticking = true
		time.AfterFunc(tick, q.shed)
	}
	return w, false
}

// await waits until w gets a slot or is rejected.
func (q *Queue) await(ctx context.Context, w *waiter) (acquired bool, err error) {
	var timeout <-chan time.Time
	if q.now == nil {
		timer := time.NewTimer(q.wait)
		defer timer.Stop()
		timeout = timer.C
	}
	select {
	case acquired = <-w.decided:
		return acquired, nil
	case <-timeout:
		q.abandon(w)
		return false, nil
	case <-ctx.Done():
		q.abandon(w)
		return false, context.Cause(ctx)
	}
}

// abandon removes w, or passes on the slot that it has just got.
func (q *Queue) abandon(w *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if w.waits() {
		q.waiting.remove(w)
	} else if <-w.decided {
		q.passOn()
	}
}

func (q *Queue) release(s Slot) {
	var held time.Duration
	if q.now != nil {
		held = q.now().Sub(s.began)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.hold += (held - q.hold) / 16
	q.passOn()
}

// passOn gives a slot to the next waiter, if there is one.
func (q *Queue) passOn() {
	if w := q.waiting.next(q.overloaded()); w != nil {
		w.decided <- true
		return
	}
	q.free++
}

// Resume takes a slot again for a request that released it to wait for another server. It
// is served before all requests in the queue, and waits until ctx ends: its work may be
// impossible to undo. It reports false if ctx ended.
func (q *Queue) Resume(ctx context.Context) (Slot, bool) {
	if w := q.enterFirst(); w != nil {
		select {
		case <-w.decided:
		case <-ctx.Done():
			q.abandon(w)
			return Slot{}, false
		}
	}
	return q.slot(), true
}

// enterFirst takes a free slot, or enters the queue at the front.
func (q *Queue) enterFirst() *waiter {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.free > 0 {
		q.free--
		return nil
	}
	w := &waiter{decided: make(chan bool, 1)}
	q.waiting.resume(w)
	return w
}
