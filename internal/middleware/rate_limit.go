package middleware

import (
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ostiary/ostiary/internal/network"
	"github.com/ostiary/ostiary/internal/refusal"
)

// RateLimitRule limits the requests of a network in a period. A Count of 0 is no limit.
// Count is the limit of the narrowest of [network.Nested]; each wider one may send four
// times as many.
type RateLimitRule struct {
	Count  int
	Per    time.Duration
	Refuse Refuser // nil writes JSON
	// Refusals counts rejected requests; it may be nil.
	Refusals *atomic.Uint64
}

// RateLimit rejects requests above the limit with 429 and Retry-After.
//
// It counts in this process, to reduce load. Limits that protect accounts are in the
// database.
//
// Spec: RFC 6585 §4.
func RateLimit(rule RateLimitRule, now func() time.Time) func(http.Handler) http.Handler {
	if rule.Count <= 0 {
		return func(next http.Handler) http.Handler { return next }
	}
	if rule.Refuse == nil {
		rule.Refuse = JSON
	}
	if rule.Refusals == nil {
		rule.Refusals = new(atomic.Uint64)
	}
	return func(next http.Handler) http.Handler {
		m := newRateMeter(rule.Count, rule.Per)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if wait := m.spend(network.Of(Address(r.Context())), now()); wait > 0 {
				rule.Refusals.Add(1)
				w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
				refusal.Note(r.Context(), refusal.Rejection{
					Rule: refusal.RateLimited, Status: http.StatusTooManyRequests, Code: "temporarily_unavailable",
					Text:  "the network sent more requests to this endpoint than the rate limit allows",
					Attrs: []refusal.Attr{refusal.Registered("limit", strconv.Itoa(rule.Count)), refusal.Seconds("per_seconds", rule.Per)},
					Flood: true,
				})
				rule.Refuse(w, r, http.StatusTooManyRequests, "temporarily_unavailable", "Too many requests. Try again later.")
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// meterSize is the maximum size of one generation of a level. Two generations take about
// 10 MB.
const meterSize = 1 << 16

// rateMeter stores for each network the time at which its allowance is full again: one
// value for both the rate and the burst (the generic cell rate algorithm).
type rateMeter struct {
	window time.Duration

	mu     sync.Mutex
	levels [network.MaxLevels]meterLevel
}

// meterLevel has the networks of one size. A full generation becomes the old one, and the
// previous old one is dropped, so that many addresses take bounded memory without a
// search for entries to evict. Unlike package cache it prefers to drop networks without
// recent requests: a flood of addresses must not reset the count of others.
type meterLevel struct {
	interval   time.Duration // per request
	young, old map[netip.Prefix]time.Time
}

func newRateMeter(count int, per time.Duration) *rateMeter {
	m := &rateMeter{window: per}
	for level := range m.levels {
		m.levels[level] = meterLevel{interval: per / time.Duration(network.Scale(count, network.RateGrowth, level)), young: map[netip.Prefix]time.Time{}}
	}
	return m
}

// spend takes one request from the allowance of each network, or returns how long to
// wait.
func (m *rateMeter) spend(caller network.Nested, now time.Time) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()

	var earned [network.MaxLevels]time.Time
	var wait time.Duration
	for level := range caller.Levels() {
		l := &m.levels[level]
		earned[level] = l.earned(caller.At(level), now).Add(l.interval)
		wait = max(wait, earned[level].Sub(now)-m.window)
	}
	if wait > 0 {
		return wait
	}
	for level := range caller.Levels() {
		m.levels[level].set(caller.At(level), earned[level])
	}
	return 0
}

func (l *meterLevel) earned(prefix netip.Prefix, now time.Time) time.Time {
	earned, ok := l.young[prefix]
	if !ok {
		earned = l.old[prefix]
	}
	if earned.Before(now) {
		return now
	}
	return earned
}

func (l *meterLevel) set(prefix netip.Prefix, earned time.Time) {
	if len(l.young) >= meterSize {
		l.young, l.old = map[netip.Prefix]time.Time{}, l.young
	}
	l.young[prefix] = earned
}
