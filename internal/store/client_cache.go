package store

import (
	"context"

	"github.com/ostiary/ostiary/internal/cache"
	"github.com/ostiary/ostiary/internal/client"
)

// ClientCache caches clients until [Changes] reports that they may have changed. It
// caches only clients that exist, and concurrent callers share one read.
//
// Without a fresh reading of the change counter it caches nothing, and no caller shares
// a read that began before its call.
type ClientCache struct {
	clients *cache.Cache[string, *client.Client]
	builtIn map[string]*client.Client
}

// NewClientCache returns a cache of up to size clients. The built-in clients are not stored, and
// take precedence over stored ones.
func NewClientCache(s *Store, size int, builtIn ...*client.Client) *ClientCache {
	c := &ClientCache{
		cache.New(cache.Config[string, *client.Client]{Size: size, Read: s.Clients.Client, Changes: s.Changes()}),
		make(map[string]*client.Client, len(builtIn)),
	}
	for _, b := range builtIn {
		c.builtIn[b.ID] = b
	}
	return c
}

// Client returns the client with an ID, or [client.ErrNotFound]. Callers share it and
// must not change it.
func (c *ClientCache) Client(ctx context.Context, id string) (*client.Client, error) {
	if b, ok := c.builtIn[id]; ok {
		return b, nil
	}
	return c.clients.Get(ctx, id)
}

// Forget removes a client, so that the next caller reads it again. A read that is
// running serves only the callers that wait for it already.
func (c *ClientCache) Forget(id string) { c.clients.Forget(id) }
