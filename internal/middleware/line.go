package middleware

import (
	"container/list"
	"net/netip"
	"time"
)

// line is the queue of requests that wait for a slot.
//
// First come is first served, unless it is crowded. Then that would serve everybody
// when it is nearly too late for them, so the newest comes first, and who is not served
// soon is not served at all. And networks take turns, at each level of [Networks]: after
// a request of one network the others are served before it is its turn again, and within
// its turn its own smaller networks do the same. A flood from one place keeps out itself.
type line struct {
	all      list.List // of *waiter, the oldest in front
	root     network
	networks map[netip.Prefix]*network // all of them but the root

	back list.List // of *waiter who were inside before, and come before all others
}

// waiter is a request in a line.
type waiter struct {
	from  Networks
	since time.Time
	turn  chan bool // told once: whether there is a slot for them

	inAll, inNetwork *list.Element // nil after the wait; inAll may be of back
}

func (w *waiter) waits() bool { return w.inAll != nil }

// network is a network of which a request waits: one of the narrowest has the waiters, a
// wider one the networks within it. There is none without anybody.
type network struct {
	prefix  netip.Prefix
	parent  *network
	inTurns *list.Element
	within  list.List // of *network, whose turn it is in front; or of *waiter, the oldest in front
}

func newLine() line { return line{networks: make(map[netip.Prefix]*network)} }

// len is how many wait who were not inside before.
func (l *line) len() int { return l.all.Len() }

// oldest returns who has waited longest, or nil.
func (l *line) oldest() *waiter { return asWaiter(l.all.Front()) }

// add lets w wait. A network that has none waiting has its turn before all others.
func (l *line) add(w *waiter) {
	at := &l.root
	for level := w.from.levels - 1; level >= 0; level-- {
		prefix := w.from.nested[level]
		inner, ok := l.networks[prefix]
		if !ok {
			inner = &network{prefix: prefix, parent: at}
			inner.inTurns = at.within.PushFront(inner)
			l.networks[prefix] = inner
		}
		at = inner
	}
	w.inAll, w.inNetwork = l.all.PushBack(w), at.within.PushBack(w)
}

// addBack lets w wait before everybody else but those who did so earlier.
func (l *line) addBack(w *waiter) { w.inAll = l.back.PushBack(w) }

// remove takes w out.
func (l *line) remove(w *waiter) {
	if w.inNetwork == nil {
		l.back.Remove(w.inAll)
		w.inAll = nil
		return
	}
	at := l.networks[w.from.nested[0]]
	l.all.Remove(w.inAll)
	at.within.Remove(w.inNetwork)
	w.inAll, w.inNetwork = nil, nil
	for ; at.parent != nil && at.within.Len() == 0; at = at.parent {
		at.parent.within.Remove(at.inTurns)
		delete(l.networks, at.prefix)
	}
}

// dismiss sends away who has waited longest.
func (l *line) dismiss() {
	w := l.oldest()
	l.remove(w)
	w.turn <- false
}

// next takes out whose turn it is, or returns nil if nobody waits.
func (l *line) next(crowded bool) *waiter {
	w := asWaiter(l.back.Front())
	switch {
	case w != nil:
	case !crowded:
		w = l.oldest()
	default:
		w = l.inTurn()
	}
	if w != nil {
		l.remove(w)
	}
	return w
}

// inTurn returns the newest waiter of the network whose turn it is. There is one.
func (l *line) inTurn() *waiter {
	at := &l.root
	for {
		first, ok := at.within.Front().Value.(*network)
		if !ok {
			return asWaiter(at.within.Back())
		}
		at.within.MoveToBack(first.inTurns)
		at = first
	}
}

func asWaiter(e *list.Element) *waiter {
	if e == nil {
		return nil
	}
	return e.Value.(*waiter)
}
