package middleware

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ostiary/ostiary/internal/refusal"
)

// ErrBusy reports that there is no room now.
var ErrBusy = errors.New("too busy")

// AdmissionRule says how much of one kind of work may be done and wait.
type AdmissionRule struct {
	Work   string        // what it is, in the log
	Slots  int           // how much is done at once
	Queue  int           // how much waits, 0 for none
	Wait   time.Duration // and for how long
	Refuse Refuser       // nil answers in JSON
}

// Admission bounds how much of one kind of work is done at once and how much of it
// waits, in number and time. Beyond that it is better to refuse than to finish late:
// what is done is then still of use to whoever asked.
//
// A burst or a hiccup of the database is waited out. But where the line was never empty
// for as long as one may wait, there is more work than can be done, and whoever comes
// too late to be served in a few turns is sent away.
type Admission struct {
	rule AdmissionRule
	now  func() time.Time
	log  *slog.Logger

	mu      sync.Mutex
	free    int
	turn    time.Duration // how long a slot is taken, on average
	line    line
	emptyAt time.Time // when a newcomer last found nobody waiting
	ticking bool
	refused int // since the log was last told

	refusals atomic.Uint64 // in all
}

// Work is what the admission is for.
func (a *Admission) Work() string { return a.rule.Work }

// Refusals returns how many were sent away.
func (a *Admission) Refusals() uint64 { return a.refusals.Load() }

// NewAdmission returns the admission of one kind of work. Every second in which
// something was refused has one line in log. The clock is one that nobody sets.
func NewAdmission(rule AdmissionRule, now func() time.Time, log *slog.Logger) *Admission {
	return &Admission{rule: rule, now: now, log: log, free: rule.Slots, line: newLine()}
}

// Enter takes a slot, which leave gives back. It returns [ErrBusy] if none comes
// free in time, and the context's error if the caller gave up.
func (a *Admission) Enter(ctx context.Context) (leave func(), err error) {
	w, entered := a.arrive(ctx)
	if !entered && w == nil {
		return nil, ErrBusy
	}
	if !entered {
		select {
		case entered = <-w.turn:
		case <-ctx.Done():
			a.giveUp(w)
			return nil, context.Cause(ctx)
		}
	}
	if !entered {
		return nil, ErrBusy
	}
	// Whoever else has arrived is to be in the line, or answered if that takes no
	// time, before this work is begun. Else the run queue would be the line, and
	// everything would wait in it.
	runtime.Gosched()
	return a.leaving(), nil
}

// arrive takes a free slot, or else a place in the line. When that is full, who has
// waited longest makes room: they are the least likely to still want an answer.
func (a *Admission) arrive(ctx context.Context) (w *waiter, entered bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.free > 0 {
		a.free--
		return nil, true
	}
	if a.rule.Queue == 0 || a.rule.Wait == 0 {
		return nil, false
	}
	now := a.now()
	switch a.line.len() {
	case 0:
		a.emptyAt = now
	case a.rule.Queue:
		a.line.dismiss()
	}
	w = &waiter{from: NetworksOf(Address(ctx)), since: now, turn: make(chan bool, 1)}
	a.line.add(w)
	if !a.ticking {
		a.ticking = true
		time.AfterFunc(tick, a.shed)
	}
	return w, false
}

// giveUp takes w out of the line, or hands on the slot that came meanwhile.
func (a *Admission) giveUp(w *waiter) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if w.waits() {
		a.line.remove(w)
	} else if <-w.turn {
		a.handOn()
	}
}

// leaving returns what gives back a slot that is taken now.
func (a *Admission) leaving() func() {
	began := a.now()
	return func() { a.leave(a.now().Sub(began)) }
}

// leave gives back a slot that was taken for a time.
func (a *Admission) leave(taken time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.turn += (taken - a.turn) / 16
	a.handOn()
}

func (a *Admission) handOn() {
	if w := a.line.next(a.crowded()); w != nil {
		w.turn <- true
		return
	}
	a.free++
}

// crowded reports whether those who wait are more than can be served soon.
func (a *Admission) crowded() bool {
	oldest := a.line.oldest()
	return oldest != nil && (2*a.line.len() > a.rule.Queue || a.now().Sub(oldest.since) > a.late())
}

// late is how long one waits to be served in turn where the work can just be done.
func (a *Admission) late() time.Duration {
	return min(max(4*a.turn, 50*time.Millisecond), a.rule.Wait/2)
}

// The line is looked through once in a tick, and so many are sent away at most for
// each processor. To refuse costs something too, and a caller who is refused at once
// comes again at once: without a bound they would have us do nothing else.
const (
	tick            = 10 * time.Millisecond
	refusalsPerTick = 20
)

// shed sends away who has waited too long.
func (a *Admission) shed() {
	a.mu.Lock()
	defer a.mu.Unlock()
	now, patience := a.now(), a.rule.Wait
	if now.Sub(a.emptyAt) > a.rule.Wait {
		patience = 2 * a.late()
	}
	for range refusalsPerTick * runtime.GOMAXPROCS(0) {
		if oldest := a.line.oldest(); oldest == nil || now.Sub(oldest.since) < patience {
			break
		}
		a.line.dismiss()
	}
	if a.ticking = a.line.len() > 0; a.ticking {
		time.AfterFunc(tick, a.shed)
	}
}

// Handler admits requests until their answer begins: how fast a caller reads it is
// not to keep others out. Those for whom there is no room get [Unavailable].
//
// What it stands in front of must not wait for the caller, so it belongs behind
// whatever reads the body; nor for anybody else, but by [Aside].
func (a *Admission) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := record(w)
		leave, err := a.Enter(r.Context())
		if err != nil {
			a.count(r.Context())
			rec.counted = true
			refusal.Note(r.Context(), refusal.Rejection{
				Rule: refusal.Overloaded, Status: http.StatusServiceUnavailable, Code: "temporarily_unavailable",
				Text: "no slot became free in time for this kind of work", Attrs: []refusal.Attr{refusal.Registered("work", a.rule.Work)},
				Flood: true, Quiet: true,
			})
			Unavailable(rec, r, a.rule.Refuse)
			return
		}
		r, arrived := arriving(r)
		arrived.pass = &pass{admission: a, leave: leave}
		rec.whenAnswered(arrived.pass.end)
		defer rec.begin() // if there was none
		next.ServeHTTP(rec, r)
	})
}

// count lets a refusal be told within a second, with all others of that second: those
// who are many outside are not to become many in the log.
func (a *Admission) count(ctx context.Context) {
	a.refusals.Add(1)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.refused++; a.refused == 1 {
		ctx = context.WithoutCancel(ctx)
		time.AfterFunc(time.Second, func() { a.tell(ctx) })
	}
}

func (a *Admission) tell(ctx context.Context) {
	a.mu.Lock()
	refused, waiting := a.refused, a.line.len()
	a.refused = 0
	a.mu.Unlock()
	a.log.LogAttrs(ctx, slog.LevelWarn, "too busy",
		slog.String("work", a.rule.Work), slog.Int("refused", refused), slog.Int("waiting", waiting))
}

// Unavailable answers 503 with a Retry-After of 1 to 5 seconds. The spread keeps
// those who were refused together from coming back together.
func Unavailable(w http.ResponseWriter, r *http.Request, refuse Refuser) {
	if refuse == nil {
		refuse = JSON
	}
	w.Header().Set("Retry-After", strconv.Itoa(1+rand.IntN(5))) //nolint:gosec // a spread, not a secret
	refuse(w, r, http.StatusServiceUnavailable, "temporarily_unavailable", "The server is busy. Try again shortly.")
}
