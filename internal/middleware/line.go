package middleware

import (
	"container/list"
	"net/netip"
	"time"
)

// line is who waits for their turn.
//
// First come is first served, unless it is crowded. Then that would serve everybody
// when it is nearly too late for them, so the newest comes first, and who is not served
// soon is not served at all. And when somebody of a neighbourhood that has many waiting
// was served, those from elsewhere have their turn before it is theirs again: a flood
// from one place keeps out itself.
type line struct {
	all     list.List // of *waiter, the oldest in front
	turns   list.List // of *party, whose turn it is in front
	parties map[netip.Prefix]*party

	back list.List // of *waiter who were inside before, and come before all others
}

// waiter is somebody in a line.
type waiter struct {
	from  netip.Prefix
	since time.Time
	turn  chan bool // told once: whether there is a slot for them

	inAll, inParty *list.Element // inAll, which may be of back, is nil when they wait no more
}

func (w *waiter) waits() bool { return w.inAll != nil }

// party is who waits from one neighbourhood. There is none without anybody.
type party struct {
	from    netip.Prefix
	members list.List // of *waiter, the oldest in front
	inTurns *list.Element
}

func newLine() line { return line{parties: make(map[netip.Prefix]*party)} }

// len is how many wait who were not inside before.
func (l *line) len() int { return l.all.Len() }

// oldest returns who has waited longest, or nil.
func (l *line) oldest() *waiter { return asWaiter(l.all.Front()) }

// add lets w wait. A party that has none waiting has its turn before all others.
func (l *line) add(w *waiter) {
	p, ok := l.parties[w.from]
	if !ok {
		p = &party{from: w.from}
		p.inTurns = l.turns.PushFront(p)
		l.parties[w.from] = p
	}
	w.inAll, w.inParty = l.all.PushBack(w), p.members.PushBack(w)
}

// addBack lets w wait before everybody else but those who did so earlier.
func (l *line) addBack(w *waiter) { w.inAll = l.back.PushBack(w) }

// remove takes w out.
func (l *line) remove(w *waiter) {
	if w.inParty == nil {
		l.back.Remove(w.inAll)
		w.inAll = nil
		return
	}
	p := l.parties[w.from]
	l.all.Remove(w.inAll)
	p.members.Remove(w.inParty)
	w.inAll, w.inParty = nil, nil
	if p.members.Len() == 0 {
		l.turns.Remove(p.inTurns)
		delete(l.parties, p.from)
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
		p := l.turns.Front().Value.(*party) //nolint:forcetypeassert // nothing else is put in
		l.turns.MoveToBack(p.inTurns)
		w = asWaiter(p.members.Back())
	}
	if w != nil {
		l.remove(w)
	}
	return w
}

func asWaiter(e *list.Element) *waiter {
	if e == nil {
		return nil
	}
	return e.Value.(*waiter) //nolint:forcetypeassert // nothing else is put in
}
