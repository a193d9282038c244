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
	bodyTick  = 250 * time.Millisecond // how often bodies that are being read are looked at
	slowAfter = time.Second            // a body that takes longer is slow
	bodyGrace = 5 * time.Second        // after that it must have come at the least rate
)

// BodyRule bounds slow request bodies. A value of 0 sets no bound.
type SlowBodyRule struct {
	MinRate int // bytes a second, once a body has taken five seconds
	// PerNetwork is how many slow bodies the narrowest of [network.Nested] may send at once;
	// each wider one may send twice as many.
	PerNetwork int
}

// Bodies watches the request bodies of a listener while they are read. It cuts off those
// that come too slowly (408), and the newest of a network that sends too many slow ones
// at once (429). A body that comes within a second costs a list operation.
//
// It belongs behind [ClientAddress], and in front of whatever reads the body.
type SlowBodies struct {
	rule SlowBodyRule
	now  func() time.Time

	mu      sync.Mutex
	reading list.List // of *watchedBody, the oldest in front
	ticking bool

	tooSlow, tooMany atomic.Uint64
}

// NewBodies returns a Bodies. The clock is one that nobody sets.
func NewSlowBodies(rule SlowBodyRule, now func() time.Time) *SlowBodies {
	return &SlowBodies{rule: rule, now: now}
}

// TooSlow returns how many bodies were cut off that came too slowly.
func (b *SlowBodies) TooSlow() uint64 { return b.tooSlow.Load() }

// TooMany returns how many bodies were cut off whose network sent too many slow ones.
func (b *SlowBodies) TooMany() uint64 { return b.tooMany.Load() }

// The reasons for which a body is cut off.
var (
	errBodyTooSlow = refused(http.StatusRequestTimeout, "The request body came too slowly.")
	errTooManySlow = refused(http.StatusTooManyRequests, "Too many slow request bodies come from your network.")
)

// Reading returns how many bodies are being read.
func (b *SlowBodies) Reading() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.reading.Len()
}

// Handler watches the body of each request.
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
		defer body.done() // before w is given back
		next.ServeHTTP(w, r)
	})
}

// watchedBody is a request body that somebody reads. It is watched from the first read
// until the last.
type watchedBody struct {
	io.ReadCloser

	bodies *SlowBodies
	w      http.ResponseWriter
	r      *http.Request

	since time.Time     // of the first read
	at    *list.Element // in bodies.reading; nil before the first read and after the last
	ended bool
	read  atomic.Int64 // bytes
	cut   error        // why it was cut off; guarded by bodies.mu
}

// Read reads from the body. Its error says why the body was cut off.
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

// done ends the watching.
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
		time.AfterFunc(bodyTick, b.look)
	}
}

// look cuts off the bodies that break the rule. The mutex keeps each of them from ending
// meanwhile.
func (b *SlowBodies) look() {
	b.mu.Lock()
	defer b.mu.Unlock()
	now, slow := b.now(), map[netip.Prefix]int{}
	for e := b.reading.Front(); e != nil; e = e.Next() {
		body := e.Value.(*watchedBody)
		age := now.Sub(body.since)
		if age < slowAfter {
			break // the others are younger
		}
		if body.cut != nil {
			continue
		}
		switch {
		case int(body.read.Load()) < b.least(age):
			b.tooSlow.Add(1)
			body.cutOff(errBodyTooSlow)
		case b.overdone(slow, network.Of(Address(body.r.Context()))):
			b.tooMany.Add(1)
			body.cutOff(errTooManySlow)
		}
	}
	if b.ticking = b.reading.Len() > 0; b.ticking {
		time.AfterFunc(bodyTick, b.look)
	}
}

// least returns how many bytes of a body of an age must have come.
func (b *SlowBodies) least(age time.Duration) int {
	return int((age - bodyGrace).Seconds() * float64(b.rule.MinRate))
}

// overdone counts a slow body and reports whether it is too many for one of its
// networks. Then it does not count.
func (b *SlowBodies) overdone(slow map[netip.Prefix]int, from network.Nested) bool {
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

// cutOff ends the read that waits. Nothing can be read from the connection afterwards.
func (b *watchedBody) cutOff(why error) {
	b.cut = why
	_ = http.NewResponseController(b.w).SetReadDeadline(time.Unix(1, 0)) // which has passed
}
