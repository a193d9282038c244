package manage

import (
	"context"
	"fmt"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/keyring"
	"github.com/ostiary/ostiary/internal/keyset"
)

// SealedClients lists and updates clients for [ResealClientSecrets].
type SealedClients interface {
	ListClients(ctx context.Context, after string, limit int) ([]*client.Client, error)
	UpdateClient(ctx context.Context, c *client.Client) error
}

// ResealClientSecrets encrypts with the first system secret all client secrets that are
// encrypted with another one, and returns how many.
func ResealClientSecrets(ctx context.Context, s SealedClients, secrets *keyring.Keyring) (count int, err error) {
	clients, err := listAll(func(after string) ([]*client.Client, error) {
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

// SealedKeys lists and updates the keys of key sets for [ResealKeySets].
type SealedKeys interface {
	ListKeys(ctx context.Context, set, kid string, limit int) ([]*keyset.Key, error)
	ResealKey(ctx context.Context, k *keyset.Key, sealed []byte) error
}

// ResealKeySets encrypts with the first system secret all private keys of key sets that are
// encrypted with another one, and returns how many.
func ResealKeySets(ctx context.Context, s SealedKeys, secrets *keyring.Keyring) (count int, err error) {
	keys, err := listAll(func(after [2]string) ([]*keyset.Key, error) {
		return s.ListKeys(ctx, after[0], after[1], pageSize)
	}, func(k *keyset.Key) [2]string { return [2]string{k.Set, k.KID} })
	if err != nil {
		return 0, err
	}
	for _, k := range keys {
		if len(k.Sealed) == 0 || secrets.SealedUnderFirst(k.Sealed) {
			continue
		}
		sealed, err := k.Reseal(secrets)
		if err == nil {
			err = s.ResealKey(ctx, k, sealed)
		}
		if err != nil {
			return count, fmt.Errorf("key %q of set %q: %w", k.KID, k.Set, err)
		}
		count++
	}
	return count, nil
}
