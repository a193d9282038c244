package outbound

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/client"
)

// KeySets returns the public keys of clients, and caches those of a jwks_uri. Clients
// that an operator created and clients that registered themselves have separate caches and
// limits: any site can register many of the latter, with servers that hang.
type KeySets struct {
	// Log receives a warning for each key set that could not be fetched while an older copy
	// is used. It may be nil.
	Log *slog.Logger

	operators, registered *keySetCache
	stale                 atomic.Uint64
}

// NewKeySets returns a KeySets that fetches with c.
func NewKeySets(c *Client, now func() time.Time) *KeySets {
	k := &KeySets{}
	k.operators = newKeySetCache(c, now, k.staleUsed)
	k.registered = newKeySetCache(c.WithSeparateLimit(), now, k.staleUsed)
	return k
}

// StaleUses returns how many fetches failed while an older copy of the key set was used.
func (k *KeySets) StaleUses() uint64 { return k.stale.Load() }

func (k *KeySets) staleUsed(ctx context.Context, host string, age time.Duration, err error) {
	k.stale.Add(1)
	if k.Log != nil {
		k.Log.LogAttrs(ctx, slog.LevelWarn, "client keys not fetched, an older copy is used",
			slog.String("host", host), slog.Float64("age_seconds", age.Seconds()), slog.Any("error", err))
	}
}

// cache returns the cache for the keys of c.
func (k *KeySets) cache(c *client.Client) *keySetCache {
	if c.Dynamic {
		return k.registered
	}
	return k.operators
}

// Keys returns the public keys of the client. If kid is not empty and no key has it, they
// are fetched again, at most once a minute. If they cannot be fetched, the last copy is
// used for six hours.
//
// It returns [client.ErrKeysUnavailable], or [client.ErrBusy] if no slot for the fetch was
// free.
//
// Spec: OpenID Connect Core §10.1.1.
func (k *KeySets) Keys(ctx context.Context, c *client.Client, kid string) ([]jose.JSONWebKey, error) {
	if c.JWKSURI == "" {
		keys, _ := client.ReadKeySet(c.JWKS) // unsupported keys never verify a signature
		if len(keys) == 0 {
			return nil, fmt.Errorf("%w: none registered", client.ErrKeysUnavailable)
		}
		return keys, nil
	}
	return k.cache(c).get(ctx, c.JWKSURI, need{kid: kid})
}

// Recent returns the public keys of the client for encryption. They are at most a minute
// old if they can be fetched: no kid shows that the client has rotated its keys.
//
// Spec: OpenID Connect Core §10.2.1.
func (k *KeySets) Recent(ctx context.Context, c *client.Client) ([]jose.JSONWebKey, error) {
	if c.JWKSURI == "" {
		return k.Keys(ctx, c, "")
	}
	keys, err := k.cache(c).get(ctx, c.JWKSURI, need{recent: true})
	if errors.Is(err, client.ErrBusy) && len(keys) > 0 {
		return keys, nil
	}
	return keys, err
}

// need is a requirement for a copy of a key set.
type need struct {
	kid    string // the copy has this key; empty for any
	recent bool   // the copy was requested within the last minute
}

// has reports whether a key has the required kid.
func (n need) has(keys []jose.JSONWebKey) bool {
	return n.kid == "" || slices.ContainsFunc(keys, func(key jose.JSONWebKey) bool { return key.KeyID == n.kid })
}
