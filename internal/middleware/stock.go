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
type StockRule struct {
	All int // of all callers together; 0 sets no bound at all
	// PerNetwork is what the narrowest of [network.Nested] may have kept; each wider one may
	// have twice as much.
	PerNetwork int
}

// FullError reports that a caller can have nothing more kept at the moment.
type FullError struct {
	Network    bool // since their network has too much; else all callers together have
	RetryAfter time.Duration
}

// Error says so.
func (e *FullError) Error() string {
	if e.Network {
		return "too much is kept for this network"
	}
	return "too much is kept"
}

// Unavailable reports that it is a fault of the moment.
func (e *FullError) Unavailable() bool { return true }

// Stock counts what callers make the server keep for a time, in the database or
// elsewhere. It counts in this process alone, from its start.
type Stock struct {
	rule StockRule
	now  func() time.Time

	mu       sync.Mutex
	items    stockItems
	all      int
	networks map[netip.Prefix]int

	fullOfNetwork, full atomic.Uint64
}

// NewStock returns an empty stock.
func NewStock(rule StockRule, now func() time.Time) *Stock {
	return &Stock{rule: rule, now: now, networks: map[netip.Prefix]int{}}
}

// Bytes returns how much is kept.
func (s *Stock) Bytes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	return s.all
}

// RefusedNetwork returns how often a network had too much kept.
func (s *Stock) RefusedNetwork() uint64 { return s.fullOfNetwork.Load() }

// RefusedAll returns how often all callers together had too much kept.
func (s *Stock) RefusedAll() uint64 { return s.full.Load() }

// Keep counts bytes that are kept until then for the caller of the request that ctx
// belongs to. Its error is a [*FullError]. What could not be kept after all is given
// back by the function that it returns.
func (s *Stock) Keep(ctx context.Context, bytes int, until time.Time) (giveBack func(), err error) {
	if s.rule.All == 0 {
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
			return nil, &FullError{Network: true, RetryAfter: s.nextExpiry()}
		}
	}
	if s.all+bytes > s.rule.All {
		s.full.Add(1)
		return nil, &FullError{RetryAfter: s.nextExpiry()}
	}
	item := &stockItem{from: from, bytes: bytes, until: until}
	s.count(item, bytes)
	heap.Push(&s.items, item)
	return func() { s.giveBack(item) }, nil
}

// count adds to what is kept for the networks of an item.
func (s *Stock) count(item *stockItem, bytes int) {
	s.all += bytes
	networks := network.Of(item.from)
	for _, prefix := range networks.List() {
		if s.networks[prefix] += bytes; s.networks[prefix] == 0 {
			delete(s.networks, prefix)
		}
	}
}

func (s *Stock) giveBack(item *stockItem) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count(item, -item.bytes)
	item.bytes = 0
}

// expire forgets what is kept no longer.
func (s *Stock) expire() {
	for now := s.now(); len(s.items) > 0 && !s.items[0].until.After(now); {
		item := heap.Pop(&s.items).(*stockItem)
		s.count(item, -item.bytes)
	}
}

// nextExpiry returns how long it takes until something is kept no longer: a second at
// least, and no more than a minute, since others come meanwhile.
func (s *Stock) nextExpiry() time.Duration {
	if len(s.items) == 0 {
		return time.Second
	}
	return min(max(s.items[0].until.Sub(s.now()), time.Second), time.Minute)
}

// stockItem is one thing that is kept.
type stockItem struct {
	from  netip.Addr
	bytes int
	until time.Time
}

// stockItems is a heap, by the time until which they are kept.
type stockItems []*stockItem

func (h stockItems) Len() int           { return len(h) }
func (h stockItems) Less(i, j int) bool { return h[i].until.Before(h[j].until) }
func (h stockItems) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *stockItems) Push(x any)        { *h = append(*h, x.(*stockItem)) }
func (h *stockItems) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return last
}
