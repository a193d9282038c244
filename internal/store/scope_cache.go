package store

import (
	"context"
	"fmt"
	"sync"

	"github.com/ostiary/ostiary/internal/scope"
	"github.com/ostiary/ostiary/internal/store/db"
)

// ScopeCache keeps the scopes in memory until [Changes] says that they may have changed.
// Concurrent callers share one read.
type ScopeCache struct {
	store *Store
	build func(records []*scope.Scope) *scope.Set

	mu     sync.Mutex
	latest *cachedScopes
}

// cachedScopes is a set that is being read until ready is closed.
type cachedScopes struct {
	version int64 // the last change known when it was asked for
	ready   chan struct{}
	set     *scope.Set
	err     error
}

// NewScopeCache returns a cache of the sets that build makes of the records.
func NewScopeCache(s *Store, build func([]*scope.Scope) *scope.Set) *ScopeCache {
	return &ScopeCache{store: s, build: build}
}

// Scopes returns the scopes.
func (c *ScopeCache) Scopes(ctx context.Context) (*scope.Set, error) {
	version, fresh := c.store.replication.changes.Version()
	if !fresh {
		records, err := c.store.Scopes.ListScopes(ctx)
		if err != nil {
			return nil, err
		}
		return c.build(records), nil
	}
	entry, mine := c.entry(version)
	if mine {
		// Others wait for this read, so it does not end with this caller.
		c.fill(context.WithoutCancel(ctx), entry)
	}
	select {
	case <-entry.ready:
		return entry.set, entry.err
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for scopes: %w", db.Unavailable(ctx.Err()))
	}
}

// entry returns an entry that is as new as version, and whether the caller has to fill it.
func (c *ScopeCache) entry(version int64) (entry *cachedScopes, mine bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.latest != nil && c.latest.version >= version {
		return c.latest, false
	}
	c.latest = &cachedScopes{version: version, ready: make(chan struct{})}
	return c.latest, true
}

func (c *ScopeCache) fill(ctx context.Context, entry *cachedScopes) {
	defer close(entry.ready)
	records, err := c.store.Scopes.ListScopes(ctx)
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
