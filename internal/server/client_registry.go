package server

import (
	"context"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/store"
)

// registry changes clients in the store and lets the cache of this process know
// at once.
type registry struct {
	*store.Clients

	cache *store.ClientCache
}

func (r registry) UpdateClient(ctx context.Context, c *client.Client) error {
	defer r.cache.Forget(c.ID)
	return r.Clients.UpdateClient(ctx, c)
}

func (r registry) UpdateClientDroppingConsents(ctx context.Context, c *client.Client) error {
	defer r.cache.Forget(c.ID)
	return r.Clients.UpdateClientDroppingConsents(ctx, c)
}

func (r registry) EndClientTokens(ctx context.Context, id string, now time.Time) error {
	defer r.cache.Forget(id)
	return r.Clients.EndClientTokens(ctx, id, now)
}

func (r registry) DeleteClient(ctx context.Context, id string) error {
	defer r.cache.Forget(id)
	return r.Clients.DeleteClient(ctx, id)
}

// renewals keeps a client secret in another form, and lets the next request see it.
type renewals struct {
	*store.Clients

	cache *store.ClientCache
}

// ReplaceClientSecret is [store.Clients.ReplaceClientSecret].
func (r renewals) ReplaceClientSecret(ctx context.Context, id string, old, replaced client.Secret) error {
	defer r.cache.Forget(id)
	return r.Clients.ReplaceClientSecret(ctx, id, old, replaced)
}
