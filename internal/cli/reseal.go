package cli

import (
	"context"
	"fmt"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/keyring"
	"github.com/ostiary/ostiary/internal/keyset"
	"github.com/ostiary/ostiary/internal/store"
)

// resealSecrets seals under the first system secret every client secret that is
// sealed under another, and returns how many.
func resealSecrets(ctx context.Context, s *store.Store, secrets *keyring.Keyring) (count int, err error) {
	clients, err := allPages(func(after string) ([]*client.Client, error) {
		return s.Clients.ListClients(ctx, after, pageSize)
	}, func(c *client.Client) string { return c.ID })
	if err != nil {
		return 0, err
	}
	for _, c := range clients {
		changed, err := c.Reseal(secrets)
		if err == nil && changed {
			err = s.Clients.UpdateClient(ctx, c)
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
	keys, err := allPages(func(after *keyset.Key) ([]*keyset.Key, error) {
		if after == nil {
			after = &keyset.Key{}
		}
		return s.KeySets.ListSetKeys(ctx, after.Set, after.KID, pageSize)
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
			err = s.KeySets.ResealSetKey(ctx, k, sealed)
		}
		if err != nil {
			return count, fmt.Errorf("key %q of set %q: %w", k.KID, k.Set, err)
		}
		count++
	}
	return count, nil
}
