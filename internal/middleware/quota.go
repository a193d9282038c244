package middleware

import (
	"container/heap"
	"context"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ostiary/ostiary/internal/network"
)

// QuotaRule configures a [Quota], in bytes.
type QuotaRule struct {
	Total int // of all clients together; 0 is no limit
	// PerNetwork is the limit of the narrowest of [network.Nested]; each wider one may reserve
	// twice as much.
	PerNetwork int
}

// QuotaError reports that a quota is exhausted.
type QuotaError struct {
	Network    bool // the quota of the network, otherwise the total
	RetryAfter time.Duration
}

// Error implements error.
func (e *QuotaError) Error() string {
	if e.Network {
		return "the storage quota of the network is exhausted"
	}
	return "the storage quota is exhausted"
}

// Unavailable marks the error as temporary.
func (e *QuotaError) Unavailable() bool { return true }

// Quota limits the data that clients make the server store for a time, in the database or
// in memory. It counts in this process, from its start.
type Quota struct {
	rule QuotaRule
	now  func() time.Time

	mu       sync.Mutex
	items    reservations
	total    int
	networks map[netip.Prefix]int

	byNetwork, inTotal atomic.Uint64
}

// NewQuota returns an unused quota.
func NewQuota(rule QuotaRule, now func() time.Time) *Quota {
	return &Quota{rule: rule, now: now, networks: map[netip.Prefix]int{}}
}

// Bytes returns how much is reserved.
func (q *Quota) Bytes() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.expire()
	return q.total
}

// RefusedByNetwork returns how often the quota of a network was exhausted.
func (q *Quota) RefusedByNetwork() uint64 { return q.byNetwork.Load() }

// RefusedInTotal returns how often the total quota was exhausted.
func (q *Quota) RefusedInTotal() uint64 { return q.inTotal.Load() }

// Reserve reserves bytes until a time for the client of the request of ctx. It returns a
// [*QuotaError] if the quota is exhausted. release ends the reservation early, if the
// data was not stored.
func (q *Quota) Reserve(ctx context.Context, bytes int, until time.Time) (release func(), err error) {
	if q.rule.Total == 0 {
		return func() {}, nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.expire()
	from := Address(ctx)
	networks := network.Of(from)
	for level, prefix := range networks.List() {
		if q.networks[prefix]+bytes > network.Scale(q.rule.PerNetwork, network.AmountGrowth, level) {
			q.byNetwork.Add(1)
			return nil, &QuotaError{Network: true, RetryAfter: q.nextExpiry()}
		}
	}
	if q.total+bytes > q.rule.Total {
		q.inTotal.Add(1)
		return nil, &QuotaError{RetryAfter: q.nextExpiry()}
	}
	item := &reservation{from: from, bytes: bytes, until: until}
	q.count(item, bytes)
	heap.Push(&q.items, item)
	return func() { q.release(item) }, nil
}

// count adds bytes to the networks of a reservation.
func (q *Quota) count(item *reservation, bytes int) {
	q.total += bytes
	networks := network.Of(item.from)
	for _, prefix := range networks.List() {
		if q.networks[prefix] += bytes; q.networks[prefix] == 0 {
			delete(q.networks, prefix)
		}
	}
}

func (q *Quota) release(item *reservation) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.count(item, -item.bytes)
	item.bytes = 0
}

// expire removes expired reservations.
func (q *Quota) expire() {
	for now := q.now(); len(q.items) > 0 && !q.items[0].until.After(now); {
		item := heap.Pop(&q.items).(*reservation)
		q.count(item, -item.bytes)
	}
}

// nextExpiry returns the time until the next reservation expires: at least one second,
// and at most one minute, because other reservations may be released sooner.
func (q *Quota) nextExpiry() time.Duration {
	if len(q.items) == 0 {
		return time.Second
	}
	return min(max(q.items[0].until.Sub(q.now()), time.Second), time.Minute)
}

// reservation is reserved data.
type reservation struct {
	from  netip.Addr
	bytes int
	until time.Time
}

// reservations is a heap, ordered by expiry.
type reservations []*reservation

func (h reservations) Len() int           { return len(h) }
func (h reservations) Less(i, j int) bool { return h[i].until.Before(h[j].until) }
func (h reservations) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *reservations) Push(x any)        { *h = append(*h, x.(*reservation)) }
func (h *reservations) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return last
}
