package main

import (
	"context"
	"fmt"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/keyring"
	"github.com/ostiary/ostiary/internal/keyset"
	"github.com/ostiary/ostiary/internal/store"
)

// newKeeper returns what keeps client secrets. A command may run without a system
// secret, and then cannot keep those that clients sign with.
func newKeeper(c *config.Config, slow client.Hasher) (client.SecretStore, error) {
	keeper := client.SecretStore{Hasher: slow}
	if len(c.SystemSecrets) == 0 {
		return keeper, nil
	}
	secrets, err := systemSecrets(c)
	if err != nil {
		return keeper, err
	}
	keeper.Sealer = secrets
	return keeper, nil
}

// renewals keeps a client secret in another form, and lets the next request see it.
type renewals struct {
	*store.Store

	clients *store.ClientCache
}

// ReplaceClientSecret is [store.Store.ReplaceClientSecret].
func (r renewals) ReplaceClientSecret(ctx context.Context, id string, old, replaced client.Secret) error {
	defer r.clients.Forget(id)
	return r.Store.ReplaceClientSecret(ctx, id, old, replaced)
}

// resealSecrets seals under the first system secret every client secret that is
// sealed under another, and returns how many.
func resealSecrets(ctx context.Context, s *store.Store, secrets *keyring.Keyring) (count int, err error) {
	clients, err := every(func(after string) ([]*client.Client, error) {
		return s.ListClients(ctx, after, pageSize)
	}, func(c *client.Client) string { return c.ID })
	if err != nil {
		return 0, err
	}
	for _, c := range clients {
		changed, err := c.Reseal(secrets)
		if err == nil && changed {
			err = s.UpdateClient(ctx, c)
		}
		if err != nil {
			return count, fmt.Errorf("client %q: %w", c.ID, err)
		}
		if changed {
			count++
		}
	}
	return count, nil
}

// resealKeySets seals under the first system secret every key of a set that is sealed
// under another, and returns how many.
func resealKeySets(ctx context.Context, s *store.Store, secrets *keyring.Keyring) (count int, err error) {
	keys, err := every(func(after *keyset.Key) ([]*keyset.Key, error) {
		if after == nil {
			after = &keyset.Key{}
		}
		return s.ListSetKeys(ctx, after.Set, after.KID, pageSize)
	}, func(k *keyset.Key) *keyset.Key { return k })
	if err != nil {
		return 0, err
	}
	for _, k := range keys {
		if len(k.Sealed) == 0 || secrets.SealedUnderFirst(k.Sealed) {
			continue
		}
		sealed, err := k.Reseal(secrets)
		if err == nil {
			err = s.ResealSetKey(ctx, k, sealed)
		}
		if err != nil {
			return count, fmt.Errorf("key %q of set %q: %w", k.KID, k.Set, err)
		}
		count++
	}
	return count, nil
}
