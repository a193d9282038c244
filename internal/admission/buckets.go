package admission

import (
	"container/list"
	"net/netip"
	"time"

	"github.com/ostiary/ostiary/internal/network"
)

// waiter is a request that waits for a slot.
type waiter struct {
	from    network.Nested
	since   time.Time
	decided chan bool // receives one value: whether the request got a slot

	inAll, inBucket *list.Element // nil after the wait; inAll may be an element of resumed
}

func (w *waiter) waits() bool { return w.inAll != nil }

// bucket holds the waiters of a network: the narrowest networks have waiters, wider ones
// the buckets within them. Empty buckets do not exist.
type bucket struct {
	prefix   netip.Prefix
	parent   *bucket
	inParent *list.Element
	within   list.List // of *bucket, the next one first; or of *waiter, the oldest first
}

// waiters is the list of waiting requests, ordered by arrival and by network.
//
// Without overload the oldest is next. Under overload that would serve each request when
// its client has nearly given up. The newest request is then next, and the
// networks alternate at each level of [network.Nested]: a network is served again after all
// other networks with waiting requests, so that a flood delays only itself.
type waiters struct {
	all     list.List // of *waiter, the oldest first
	root    bucket
	buckets map[netip.Prefix]*bucket // without the root; nil until the first use

	resumed list.List // of *waiter with WithoutSlot behind them, which are served first
}

// len returns the number of waiting requests without the resumed ones.
func (q *waiters) len() int { return q.all.Len() }

// oldest returns the waiter that arrived first, or nil.
func (q *waiters) oldest() *waiter { return asWaiter(q.all.Front()) }

// add appends w. A network without other waiting requests is served before all others.
func (q *waiters) add(w *waiter) {
	at := &q.root
	for level := w.from.Levels() - 1; level >= 0; level-- {
		prefix := w.from.At(level)
		inner, ok := q.buckets[prefix]
		if !ok {
			inner = &bucket{prefix: prefix, parent: at}
			inner.inParent = at.within.PushFront(inner)
			if q.buckets == nil {
				q.buckets = make(map[netip.Prefix]*bucket)
			}
			q.buckets[prefix] = inner
		}
		at = inner
	}
	w.inAll, w.inBucket = q.all.PushBack(w), at.within.PushBack(w)
}

// resume appends w to the requests that are served before all others.
func (q *waiters) resume(w *waiter) { w.inAll = q.resumed.PushBack(w) }

// remove removes w.
func (q *waiters) remove(w *waiter) {
	if w.inBucket == nil {
		q.resumed.Remove(w.inAll)
		w.inAll = nil
		return
	}
	at := &q.root
	if w.from.Levels() > 0 {
		at = q.buckets[w.from.At(0)]
	}
	q.all.Remove(w.inAll)
	at.within.Remove(w.inBucket)
	w.inAll, w.inBucket = nil, nil
	for ; at.parent != nil && at.within.Len() == 0; at = at.parent {
		at.parent.within.Remove(at.inParent)
		delete(q.buckets, at.prefix)
	}
}

// rejectOldest removes the oldest waiter without a slot.
func (q *waiters) rejectOldest() {
	w := q.oldest()
	q.remove(w)
	w.decided <- false
}

// next removes and returns the next waiter, or nil if there is none.
func (q *waiters) next(overload bool) *waiter {
	w := asWaiter(q.resumed.Front())
	switch {
	case w != nil:
	case !overload:
		w = q.oldest()
	default:
		w = q.fairest()
	}
	if w != nil {
		q.remove(w)
	}
	return w
}

// fairest returns the newest waiter of the next network. There is at least one waiter.
func (q *waiters) fairest() *waiter {
	at := &q.root
	for {
		first, ok := at.within.Front().Value.(*bucket)
		if !ok {
			return asWaiter(at.within.Back())
		}
		at.within.MoveToBack(first.inParent)
		at = first
	}
}

func asWaiter(e *list.Element) *waiter {
	if e == nil {
		return nil
	}
	return e.Value.(*waiter)
}
