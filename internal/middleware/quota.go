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

// StockRule bounds what callers make the server keep, in bytes.
type QuotaRule struct {
	Total int // of all callers together; 0 sets no bound at all
	// PerNetwork is what the narrowest of [network.Nested] may have kept; each wider one may
	// have twice as much.
	PerNetwork int
}

// FullError reports that a caller can have nothing more kept at the moment.
type QuotaError struct {
	Network    bool // since their network has too much; else all callers together have
	RetryAfter time.Duration
}

// Error says so.
func (e *QuotaError) Error() string {
	if e.Network {
		return "too much is kept for this network"
	}
	return "too much is kept"
}

// Unavailable reports that it is a fault of the moment.
func (e *QuotaError) Unavailable() bool { return true }

// Stock counts what callers make the server keep for a time, in the database or
// elsewhere. It counts in this process alone, from its start.
type Quota struct {
	rule QuotaRule
	now  func() time.Time

	mu       sync.Mutex
	items    reservations
	all      int
	networks map[netip.Prefix]int

	fullOfNetwork, full atomic.Uint64
}

// NewStock returns an empty stock.
func NewQuota(rule QuotaRule, now func() time.Time) *Quota {
	return &Quota{rule: rule, now: now, networks: map[netip.Prefix]int{}}
}

// Bytes returns how much is kept.
func (s *Quota) Bytes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	return s.all
}

// RefusedNetwork returns how often a network had too much kept.
func (s *Quota) RefusedByNetwork() uint64 { return s.fullOfNetwork.Load() }

// RefusedAll returns how often all callers together had too much kept.
func (s *Quota) RefusedInTotal() uint64 { return s.full.Load() }

// Keep counts bytes that are kept until then for the caller of the request that ctx
// belongs to. Its error is a [*FullError]. What could not be kept after all is given
// back by the function that it returns.
func (s *Quota) Reserve(ctx context.Context, bytes int, until time.Time) (giveBack func(), err error) {
	if s.rule.Total == 0 {
		return func() {}, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	from := Address(ctx)
	networks := network.Of(from)
	for level, prefix := range networks.List() {
		if s.networks[prefix]+bytes > network.Scale(s.rule.PerNetwork, network.AmountGrowth, level) {
			s.fullOfNetwork.Add(1)
			return nil, &QuotaError{Network: true, RetryAfter: s.nextExpiry()}
		}
	}
	if s.all+bytes > s.rule.Total {
		s.full.Add(1)
		return nil, &QuotaError{RetryAfter: s.nextExpiry()}
	}
	item := &reservation{from: from, bytes: bytes, until: until}
	s.count(item, bytes)
	heap.Push(&s.items, item)
	return func() { s.giveBack(item) }, nil
}

// count adds to what is kept for the networks of an item.
func (s *Quota) count(item *reservation, bytes int) {
	s.all += bytes
	networks := network.Of(item.from)
	for _, prefix := range networks.List() {
		if s.networks[prefix] += bytes; s.networks[prefix] == 0 {
			delete(s.networks, prefix)
		}
	}
}

func (s *Quota) giveBack(item *reservation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count(item, -item.bytes)
	item.bytes = 0
}

// expire forgets what is kept no longer.
func (s *Quota) expire() {
	for now := s.now(); len(s.items) > 0 && !s.items[0].until.After(now); {
		item := heap.Pop(&s.items).(*reservation)
		s.count(item, -item.bytes)
	}
}

// nextExpiry returns how long it takes until something is kept no longer: a second at
// least, and no more than a minute, since others come meanwhile.
func (s *Quota) nextExpiry() time.Duration {
	if len(s.items) == 0 {
		return time.Second
	}
	return min(max(s.items[0].until.Sub(s.now()), time.Second), time.Minute)
}

// stockItem is one thing that is kept.
type reservation struct {
	from  netip.Addr
	bytes int
	until time.Time
}

// stockItems is a heap, by the time until which they are kept.
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
