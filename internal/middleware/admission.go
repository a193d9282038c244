package middleware

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ostiary/ostiary/internal/admission"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/network"
	"github.com/ostiary/ostiary/internal/refusal"
)

// AdmissionRule configures an [Admission].
type AdmissionRule struct {
	Work   string        // the name of the work, in the log and the metrics
	Slots  int           // how many requests run concurrently
	Queue  int           // how many requests wait, 0 for none
	Wait   time.Duration // how long a request waits
	Refuse Refuser       // nil writes JSON
}

// Admission limits the requests of one type of work, with a [admission.Queue] that is fair
// to networks.
type Admission struct {
	*admission.Queue

	rule AdmissionRule
	log  *slog.Logger

	mu       sync.Mutex
	unlogged int // refusals since the last log line

	refusals atomic.Uint64
}

// NewAdmission returns the admission for one type of work. It logs the number of refusals
// at most once per second. now is a monotonic clock.
func NewAdmission(rule AdmissionRule, now func() time.Time, log *slog.Logger) *Admission {
	return &Admission{Queue: admission.NewFair(rule.Slots, rule.Queue, rule.Wait, now), rule: rule, log: log}
}

// Work returns the name of the work.
func (a *Admission) Work() string { return a.rule.Work }

// Refusals returns how many requests were refused.
func (a *Admission) Refusals() uint64 { return a.refusals.Load() }

// Handler admits requests. A request holds its slot until its response begins, so that a
// client that reads slowly blocks no other. Requests without a slot get [Unavailable].
//
// next must not wait for the client, so it comes after the middleware that reads the body.
// It waits for other servers only in [WithoutSlot].
func (a *Admission) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := record(w)
		slot, err := a.AcquireFrom(r.Context(), network.Of(Address(r.Context())))
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
		r, info := withInfo(r)
		info.slot = &heldSlot{queue: a.Queue, slot: slot, held: true}
		rec.whenAnswered(info.slot.end)
		defer rec.begin() // if there was no response
		next.ServeHTTP(rec, r)
	})
}

// count counts a refusal. One log line per second reports all of them, so that a flood of
// requests is no flood of log lines.
func (a *Admission) count(ctx context.Context) {
	a.refusals.Add(1)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.unlogged++; a.unlogged == 1 {
		ctx = context.WithoutCancel(ctx)
		time.AfterFunc(time.Second, func() { a.logRefusals(ctx) })
	}
}

func (a *Admission) logRefusals(ctx context.Context) {
	a.mu.Lock()
	refused := a.unlogged
	a.unlogged = 0
	a.mu.Unlock()
	a.log.LogAttrs(ctx, slog.LevelWarn, "too busy",
		slog.String("work", a.rule.Work), slog.Int("refused", refused), slog.Int("waiting", a.Waiting()))
}

// Unavailable responds with 503 and a random Retry-After of 1 to 5 seconds, so that
// clients that were refused together do not retry together.
func Unavailable(w http.ResponseWriter, r *http.Request, refuse Refuser) {
	if refuse == nil {
		refuse = JSON
	}
	httpapi.SetRetryAfter(w, time.Duration(1+rand.IntN(5))*time.Second) //nolint:gosec // randomness for spreading, not for security
	refuse(w, r, http.StatusServiceUnavailable, "temporarily_unavailable", "The server is busy. Try again shortly.")
}
