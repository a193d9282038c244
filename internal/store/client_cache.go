package store

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/ostiary/ostiary/internal/client"
)

// ClientCache remembers clients for a moment. What it returns is at most its
// lifetime old, counted from before it was read. It keeps only clients that exist,
// and asks once for all who ask at the same time.
type ClientCache struct {
	store *Store
	ttl   time.Duration
	size  int
	now   func() time.Time

	mu      sync.Mutex
	entries map[string]*cachedClient
}

// cachedClient is a client that is being read until ready is closed.
type cachedClient struct {
	asked  time.Time
	ready  chan struct{}
	client *client.Client
	err    error
}

// NewClientCache returns a cache of up to size clients, each for ttl; 2 s when
// ttl is zero.
func NewClientCache(s *Store, ttl time.Duration, size int, now func() time.Time) *ClientCache {
	if ttl == 0 {
		ttl = 2 * time.Second
	}
	return &ClientCache{store: s, ttl: ttl, size: max(size, 1), now: now, entries: map[string]*cachedClient{}}
}

// Client returns the client of an id, or [client.ErrNotFound]. It is shared: the
// caller must not change it.
func (c *ClientCache) Client(ctx context.Context, id string) (*client.Client, error) {
	entry, mine := c.entry(id)
	if mine {
		// Others wait for this reading, so it does not end with this caller.
		c.fill(context.WithoutCancel(ctx), id, entry)
	}
	select {
	case <-entry.ready:
		return entry.client, entry.err
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for client: %w", &unavailable{ctx.Err()})
	}
}

// Forget makes the next caller read the client anew. A reading that began before
// serves only those who wait for it already.
func (c *ClientCache) Forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entries, id)
}

// entry returns the entry of an id, and whether the caller has to fill it.
func (c *ClientCache) entry(id string) (entry *cachedClient, mine bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if entry, ok := c.entries[id]; ok {
		if age := now.Sub(entry.asked); age >= 0 && age < c.ttl {
			return entry, false
		}
	}
	for other := range c.entries {
		if len(c.entries) < c.size {
			break
		}
		delete(c.entries, other)
	}
	entry = &cachedClient{asked: now, ready: make(chan struct{})}
	c.entries[id] = entry
	return entry, true
}

func (c *ClientCache) fill(ctx context.Context, id string, entry *cachedClient) {
	defer close(entry.ready)
	entry.client, entry.err = c.store.Client(ctx, id)
	if entry.err == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries[id] == entry {
		delete(c.entries, id)
	}
}
