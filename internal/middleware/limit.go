package middleware

import (
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"
)

// LimitRule is how many requests a neighbourhood may make in a time. A Count of 0
// sets no limit.
type LimitRule struct {
	Count  int
	Per    time.Duration
	Refuse Refuser // nil answers in JSON
}

// Limit refuses with 429 and Retry-After who calls too often.
//
// It sheds load and counts in this process alone. Limits that protect an account
// live in the database.
//
// Spec: RFC 6585 section 4.
func Limit(rule LimitRule, now func() time.Time) func(http.Handler) http.Handler {
	if rule.Count <= 0 {
		return func(next http.Handler) http.Handler { return next }
	}
	if rule.Refuse == nil {
		rule.Refuse = JSON
	}
	return func(next http.Handler) http.Handler {
		m := &meter{window: rule.Per, interval: rule.Per / time.Duration(rule.Count), young: map[netip.Prefix]time.Time{}}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if wait := m.spend(Neighbourhood(Address(r.Context())), now()); wait > 0 {
				w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
				rule.Refuse(w, r, http.StatusTooManyRequests, "temporarily_unavailable", "Too many requests. Try again later.")
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// meterSize bounds one generation of a meter. Two are kept, about 10 MB together.
const meterSize = 1 << 16

// meter keeps for each caller the time at which all it has spent is earned again:
// one number holds both the rate and the burst.
//
// A full generation becomes the old one and what was old is forgotten, so a flood
// of addresses costs bounded memory and no search for whom to evict.
type meter struct {
	window, interval time.Duration

	mu         sync.Mutex
	young, old map[netip.Prefix]time.Time
}

// spend takes one request off a caller's allowance, or says how long to wait.
func (m *meter) spend(caller netip.Prefix, now time.Time) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()

	earned, ok := m.young[caller]
	if !ok {
		earned = m.old[caller]
	}
	if earned.Before(now) {
		earned = now
	}
	if wait := earned.Add(m.interval).Sub(now) - m.window; wait > 0 {
		return wait
	}
	if len(m.young) >= meterSize {
		m.young, m.old = map[netip.Prefix]time.Time{}, m.young
	}
	m.young[caller] = earned.Add(m.interval)
	return 0
}
