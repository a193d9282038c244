package middleware

import (
	"container/list"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ostiary/ostiary/internal/network"
)

const (
	bodyTick  = 250 * time.Millisecond // between checks
	slowAfter = time.Second            // a body that takes longer is slow
	bodyGrace = 5 * time.Second        // before the minimum rate applies
)

// SlowBodyRule limits slow request bodies. A value of 0 is no limit.
type SlowBodyRule struct {
	MinRate int // bytes per second, after five seconds
	// PerNetwork is the maximum number of concurrent slow bodies of the narrowest of
	// [network.Nested]; each wider one may send twice as many.
	PerNetwork int
}

// SlowBodies monitors the request bodies of a listener while they are read. It aborts
// bodies below the minimum rate (408), and the newest of a network with too many slow
// bodies (429). A body that arrives within one second costs one list operation.
//
// It comes after [ClientAddress], and before the middleware that reads the body.
type SlowBodies struct {
	rule SlowBodyRule
	now  func() time.Time

	mu      sync.Mutex
	reading list.List // of *watchedBody, the oldest first
	ticking bool

	tooSlow, tooMany atomic.Uint64
}

// NewSlowBodies returns a SlowBodies. now is a monotonic clock.
func NewSlowBodies(rule SlowBodyRule, now func() time.Time) *SlowBodies {
	return &SlowBodies{rule: rule, now: now}
}

// TooSlow returns how many bodies were aborted because they were too slow.
func (b *SlowBodies) TooSlow() uint64 { return b.tooSlow.Load() }

// TooMany returns how many bodies were aborted because their network sent too many slow
// ones.
func (b *SlowBodies) TooMany() uint64 { return b.tooMany.Load() }

// The reasons for which a body is aborted.
var (
	errBodyTooSlow = refused(http.StatusRequestTimeout, "The request body was too slow.")
	errTooManySlow = refused(http.StatusTooManyRequests, "Your network sends too many slow request bodies.")
)

// Reading returns how many bodies are being read.
func (b *SlowBodies) Reading() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.reading.Len()
}

// Handler monitors the body of each request.
//
// Spec: RFC 9110 §15.5.9, RFC 6585 §4.
func (b *SlowBodies) Handler(next http.Handler) http.Handler {
	if b.rule == (SlowBodyRule{}) {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength == 0 {
			next.ServeHTTP(w, r)
			return
		}
		body := &watchedBody{ReadCloser: r.Body, bodies: b, w: w, r: r}
		r.Body = body
		defer body.done() // before net/http reuses w
		next.ServeHTTP(w, r)
	})
}

// watchedBody is a monitored request body, from the first read to the last.
type watchedBody struct {
	io.ReadCloser

	bodies *SlowBodies
	w      http.ResponseWriter
	r      *http.Request

	since time.Time     // of the first read
	at    *list.Element // in bodies.reading; nil before the first read and after the last
	ended bool
	read  atomic.Int64 // bytes
	cut   error        // why it was aborted; guarded by bodies.mu
}

// Read reads from the body. Its error is the reason for which the body was aborted.
func (b *watchedBody) Read(p []byte) (int, error) {
	if b.at == nil && !b.ended {
		b.bodies.watch(b)
	}
	n, err := b.ReadCloser.Read(p)
	b.read.Add(int64(n))
	if err != nil {
		b.done()
		if b.cut != nil && !errors.Is(err, io.EOF) {
			err = b.cut
		}
	}
	return n, err
}

// done ends the monitoring.
func (b *watchedBody) done() {
	b.ended = true
	if b.at == nil {
		return
	}
	b.bodies.mu.Lock()
	defer b.bodies.mu.Unlock()
	b.bodies.reading.Remove(b.at)
	b.at = nil
}

func (b *SlowBodies) watch(body *watchedBody) {
	body.since = b.now()
	b.mu.Lock()
	defer b.mu.Unlock()
	body.at = b.reading.PushBack(body)
	if !b.ticking {
		b.ticking = true
		time.AfterFunc(bodyTick, b.check)
	}
}

// check aborts the bodies that violate the rule. The mutex prevents them from ending
// during the check.
func (b *SlowBodies) check() {
	b.mu.Lock()
	defer b.mu.Unlock()
	now, slow := b.now(), map[netip.Prefix]int{}
	for e := b.reading.Front(); e != nil; e = e.Next() {
		body := e.Value.(*watchedBody)
		age := now.Sub(body.since)
		if age < slowAfter {
			break // the rest is younger
		}
		if body.cut != nil {
			continue
		}
		switch {
		case int(body.read.Load()) < b.least(age):
			b.tooSlow.Add(1)
			body.cutOff(errBodyTooSlow)
		case b.exceeds(slow, network.Of(Address(body.r.Context()))):
			b.tooMany.Add(1)
			body.cutOff(errTooManySlow)
		}
	}
	if b.ticking = b.reading.Len() > 0; b.ticking {
		time.AfterFunc(bodyTick, b.check)
	}
}

// least returns the minimum number of bytes of a body of an age.
func (b *SlowBodies) least(age time.Duration) int {
	return int((age - bodyGrace).Seconds() * float64(b.rule.MinRate))
}

// exceeds counts a slow body. If one of its networks has too many, it returns true and
// does not count it.
func (b *SlowBodies) exceeds(slow map[netip.Prefix]int, from network.Nested) bool {
	if b.rule.PerNetwork == 0 {
		return false
	}
	for level, prefix := range from.List() {
		if slow[prefix] >= network.Scale(b.rule.PerNetwork, network.AmountGrowth, level) {
			return true
		}
	}
	for _, prefix := range from.List() {
		slow[prefix]++
	}
	return false
}

// cutOff ends the pending read. The connection cannot be read afterwards.
func (b *watchedBody) cutOff(why error) {
	b.cut = why
	_ = http.NewResponseController(b.w).SetReadDeadline(time.Unix(1, 0)) // a time in the past
}
