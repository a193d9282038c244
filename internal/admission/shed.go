package admission

import (
	"runtime"
	"time"
)

// A queue with fairness is checked every tick, and rejects a limited number of requests
// for each processor. Rejecting costs time as well, and rejected clients retry immediately:
// without the limit the server would do nothing else.
const (
	tick            = 10 * time.Millisecond
	rejectedPerTick = 20
)

// shed rejects requests that have waited for too long.
func (q *Queue) shed() {
	q.mu.Lock()
	defer q.mu.Unlock()
	now, longest := q.now(), q.wait
	if now.Sub(q.emptyAt) > q.wait {
		longest = 2 * q.late()
	}
	for range rejectedPerTick * runtime.GOMAXPROCS(0) {
		if oldest := q.waiting.oldest(); oldest == nil || now.Sub(oldest.since) < longest {
			break
		}
		q.waiting.rejectOldest()
	}
	if q.ticking = q.waiting.len() > 0; q.ticking {
		time.AfterFunc(tick, q.shed)
	}
}

// overloaded reports whether more requests wait than the server can serve soon.
func (q *Queue) overloaded() bool {
	if q.now == nil {
		return false
	}
	oldest := q.waiting.oldest()
	return oldest != nil && (2*q.waiting.len() > q.queue || q.now().Sub(oldest.since) > q.late())
}

// late returns the wait for a slot at which the server is just able to do the work.
func (q *Queue) late() time.Duration {
	return min(max(4*q.hold, 50*time.Millisecond), q.wait/2)
}
