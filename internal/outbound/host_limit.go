package outbound

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ostiary/ostiary/internal/admission"
	"github.com/ostiary/ostiary/internal/client"
)

const (
	// maxFetches and maxPerHost limit concurrent fetches: any client can start an
	// authorization request that needs one.
	maxFetches = 128
	maxPerHost = 16
	// queueWait is how long a fetch waits for a slot.
	queueWait = 500 * time.Millisecond
	// preemptAfter is the duration after which a waiting fetch may end a running one.
	preemptAfter = time.Second
)

// errPreempted is the cause of a slow fetch that ended because another one waited.
var errPreempted = errors.New("ended in favour of another fetch")

// hostLimit limits concurrent fetches in total and for each host, so that a slow host
// blocks its own fetches first. If slow hosts hold all slots, a waiting fetch
// replaces the longest-running one.
type hostLimit struct {
	total *admission.Queue

	mu      sync.Mutex
	hosts   map[string]*hostQueue
	running list.List // of *fetch, the oldest first
}

// fetch is a running fetch.
type fetch struct {
	end   context.CancelCauseFunc
	watch *time.Timer
	slow  bool // it may be preempted; guarded by hostLimit.mu
}

// hostQueue is the queue of a host. It exists while a fetch uses it.
type hostQueue struct {
	*admission.Queue

	users int // guarded by hostLimit.mu
}

func newHostLimit() *hostLimit {
	return &hostLimit{total: admission.New(maxFetches, admission.Unlimited, queueWait), hosts: make(map[string]*hostQueue)}
}

// acquire takes a slot for a fetch from host until release is called. The fetch uses the
// context that it returns, whose cause is errPreempted after the slot has been taken away.
// The error is [client.ErrBusy].
func (l *hostLimit) acquire(ctx context.Context, host string) (fetching context.Context, release func(), err error) {
	queue := l.use(host)
	ofHost, err := acquireSlot(ctx, queue.Queue)
	if err != nil {
		l.unuse(host, queue)
		return nil, nil, err
	}
	slot, err := acquireSlot(ctx, l.total)
	if err != nil && ctx.Err() == nil && l.preempt() {
		slot, err = acquireSlot(ctx, l.total)
	}
	if err != nil {
		ofHost.Release()
		l.unuse(host, queue)
		return nil, nil, err
	}
	fetching, end := context.WithCancelCause(ctx)
	running := l.begin(end)
	return fetching, func() {
		l.finish(running)
		end(nil)
		slot.Release()
		ofHost.Release()
		l.unuse(host, queue)
	}, nil
}

// acquireSlot takes a slot, or returns [client.ErrBusy].
func acquireSlot(ctx context.Context, queue *admission.Queue) (admission.Slot, error) {
	slot, err := queue.Acquire(ctx)
	switch {
	case err == nil:
		return slot, nil
	case ctx.Err() != nil:
		return slot, fmt.Errorf("%w: %w", client.ErrBusy, ctx.Err())
	default:
		return slot, fmt.Errorf("%w: no slot in %s", client.ErrBusy, queueWait)
	}
}

func (l *hostLimit) begin(end context.CancelCauseFunc) *list.Element {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := &fetch{end: end}
	f.watch = time.AfterFunc(preemptAfter, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		f.slow = true
	})
	return l.running.PushBack(f)
}

func (l *hostLimit) finish(running *list.Element) {
	l.mu.Lock()
	defer l.mu.Unlock()
	running.Value.(*fetch).watch.Stop()
	l.running.Remove(running) // unless it was preempted
}

// preempt ends the longest fetch and returns true, if it is slow.
func (l *hostLimit) preempt() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	oldest := l.running.Front()
	if oldest == nil {
		return false
	}
	f := oldest.Value.(*fetch)
	if !f.slow {
		return false
	}
	l.running.Remove(oldest)
	f.end(errPreempted)
	return true
}

func (l *hostLimit) use(host string) *hostQueue {
	l.mu.Lock()
	defer l.mu.Unlock()
	queue, ok := l.hosts[host]
	if !ok {
		queue = &hostQueue{Queue: admission.New(maxPerHost, admission.Unlimited, queueWait)}
		l.hosts[host] = queue
	}
	queue.users++
	return queue
}

func (l *hostLimit) unuse(host string, queue *hostQueue) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if queue.users--; queue.users == 0 {
		delete(l.hosts, host)
	}
}
