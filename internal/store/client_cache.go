package store

import (
	"context"

	"github.com/ostiary/ostiary/internal/cache"
	"github.com/ostiary/ostiary/internal/client"
)

// ClientCache caches clients until [Changes] reports a change. It caches only clients that
// exist.
type ClientCache struct {
	clients *cache.Cache[string, *client.Client]
}

// NewClientCache returns a cache of up to size clients.
func NewClientCache(s *Store, size int) *ClientCache {
	return &ClientCache{cache.New(cache.Config[string, *client.Client]{Size: size, Read: s.Clients.Client, Changes: s.Changes()})}
}

// Client returns the client with an id, or [client.ErrNotFound]. The caller must not change
// it.
func (c *ClientCache) Client(ctx context.Context, id string) (*client.Client, error) {
	return c.clients.Get(ctx, id)
}

// Forget removes a client from the cache.
func (c *ClientCache) Forget(id string) { c.clients.Forget(id) }
