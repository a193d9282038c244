package store

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/ostiary/ostiary/internal/scope"
)

// ScopeCache keeps the scopes in memory for a TTL. A result is at most that old, counted
// from before it was read. Concurrent callers share one read.
type ScopeCache struct {
	store *Store
	ttl   time.Duration
	now   func() time.Time
	build func(records []*scope.Scope) *scope.Set

	mu     sync.Mutex
	latest *cachedScopes
}

// cachedScopes is a set that is being read until ready is closed.
type cachedScopes struct {
	asked time.Time
	ready chan struct{}
	set   *scope.Set
	err   error
}

// NewScopeCache returns a cache of the sets that build makes of the records.
func NewScopeCache(s *Store, ttl time.Duration, now func() time.Time, build func([]*scope.Scope) *scope.Set) *ScopeCache {
	return &ScopeCache{store: s, ttl: ttl, now: now, build: build}
}

// Scopes returns the scopes.
func (c *ScopeCache) Scopes(ctx context.Context) (*scope.Set, error) {
	entry, mine := c.entry()
	if mine {
		// Others wait for this read, so it does not end with this caller.
		c.fill(context.WithoutCancel(ctx), entry)
	}
	select {
	case <-entry.ready:
		return entry.set, entry.err
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for scopes: %w", &unavailable{ctx.Err()})
	}
}

// Forget makes the next caller read the scopes again.
func (c *ScopeCache) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.latest = nil
}

// entry returns the latest entry, and whether the caller has to fill it.
func (c *ScopeCache) entry() (entry *cachedScopes, mine bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if c.latest != nil {
		if age := now.Sub(c.latest.asked); age >= 0 && age < c.ttl {
			return c.latest, false
		}
	}
	c.latest = &cachedScopes{asked: now, ready: make(chan struct{})}
	return c.latest, true
}

func (c *ScopeCache) fill(ctx context.Context, entry *cachedScopes) {
	defer close(entry.ready)
	records, err := c.store.Scopes(ctx)
	if err == nil {
		entry.set = c.build(records)
		return
	}
	entry.err = err
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.latest == entry {
		c.latest = nil
	}
}
