package server

import (
	"context"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/store"
)

// clientRegistry changes clients in the store and invalidates the client cache of this
// process.
type clientRegistry struct {
	*store.Clients

	cache *store.ClientCache
}

func (r clientRegistry) UpdateClient(ctx context.Context, c *client.Client) error {
	defer r.cache.Forget(c.ID)
	return r.Clients.UpdateClient(ctx, c)
}

func (r clientRegistry) UpdateClientDroppingConsents(ctx context.Context, c *client.Client) error {
	defer r.cache.Forget(c.ID)
	return r.Clients.UpdateClientDroppingConsents(ctx, c)
}

func (r clientRegistry) EndClientTokens(ctx context.Context, id string, now time.Time) error {
	defer r.cache.Forget(id)
	return r.Clients.EndClientTokens(ctx, id, now)
}

func (r clientRegistry) DeleteClient(ctx context.Context, id string) error {
	defer r.cache.Forget(id)
	return r.Clients.DeleteClient(ctx, id)
}

// secretReplacer replaces a stored client secret by another form of it, and invalidates the
// client cache of this process.
type secretReplacer struct {
	*store.Clients

	cache *store.ClientCache
}

// ReplaceClientSecret is [store.Clients.ReplaceClientSecret].
func (r secretReplacer) ReplaceClientSecret(ctx context.Context, id string, old, replaced client.Secret) error {
	defer r.cache.Forget(id)
	return r.Clients.ReplaceClientSecret(ctx, id, old, replaced)
}
