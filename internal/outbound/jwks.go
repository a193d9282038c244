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

// KeySets gives the public keys of clients, fetched if need be, and cached by
// URL. Clients that the operator made and clients that registered themselves have
// caches and fetches apart: anybody can register many of the latter, with servers
// that hang.
type KeySets struct {
	// Log is told of key sets that could not be fetched while an older copy is in
	// use; nil tells nobody.
	Log *slog.Logger

	operators, registered *keySetCache
	stale                 atomic.Uint64
}

// NewKeySets returns a KeySets that fetches with c.
func NewKeySets(c *Client, now func() time.Time) *KeySets {
	k := &KeySets{}
	k.operators = newKeySetCache(c, now, k.staleUsed)
	k.registered = newKeySetCache(c.Apart(), now, k.staleUsed)
	return k
}

// StaleUses returns how many fetches failed for which an older copy of the key set
// stood in.
func (k *KeySets) StaleUses() uint64 { return k.stale.Load() }

func (k *KeySets) staleUsed(ctx context.Context, host string, age time.Duration, err error) {
	k.stale.Add(1)
	if k.Log != nil {
		k.Log.LogAttrs(ctx, slog.LevelWarn, "client keys not fetched, an older copy is used",
			slog.String("host", host), slog.Float64("age_seconds", age.Seconds()), slog.Any("error", err))
	}
}

// cache returns the cache that c's keys are in.
func (k *KeySets) cache(c *client.Client) *keySetCache {
	if c.Dynamic {
		return k.registered
	}
	return k.operators
}

// Keys returns the keys that the client published. When none of them has kid, and
// kid is not empty, they are fetched again, but not more than once a minute. While
// they cannot be fetched, the last copy is good for six hours.
//
// Its error is [client.ErrKeysUnavailable], or [client.ErrBusy] if there was no room to fetch
// them.
//
// Spec: OpenID Connect Core §10.1.1.
func (k *KeySets) Keys(ctx context.Context, c *client.Client, kid string) ([]jose.JSONWebKey, error) {
	if c.JWKSURI == "" {
		keys, _ := client.ReadKeySet(c.JWKS) // unfit keys never verify anything
		if len(keys) == 0 {
			return nil, fmt.Errorf("%w: none registered", client.ErrKeysUnavailable)
		}
		return keys, nil
	}
	return k.cache(c).get(ctx, c.JWKSURI, need{kid: kid})
}

// Recent returns the keys that the client published as they were a minute ago at
// most, if they can be had: whoever encrypts is not told by a kid that there are
// others by now.
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

// need says which copy of a key set is good enough.
type need struct {
	kid    string // one that has this key; empty for any
	recent bool   // one that was asked for within the last minute
}

// has reports whether one of the keys has the kid that is needed.
func (n need) has(keys []jose.JSONWebKey) bool {
	return n.kid == "" || slices.ContainsFunc(keys, func(key jose.JSONWebKey) bool { return key.KeyID == n.kid })
}
