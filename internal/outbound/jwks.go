package outbound

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/sync/singleflight"

	"github.com/ostiary/ostiary/internal/client"
)

const (
	fresh    = 5 * time.Minute  // how long fetched keys are believed
	rest     = time.Minute      // from one attempt to the next for the sake of an unknown kid
	sulk     = 10 * time.Second // after a fetch that failed
	maxCache = 1000             // sets of keys
)

// KeySets gives the public keys of clients, fetched if need be, and cached by
// URL.
type KeySets struct {
	fetch  *Client
	now    func() time.Time
	flight singleflight.Group

	mu    sync.Mutex
	cache map[string]fetched
}

type fetched struct {
	keys  []jose.JSONWebKey
	at    time.Time // when the keys were read
	tried time.Time // when they were last asked for
	err   error     // why there are no keys
}

// NewKeySets returns a KeySets that fetches with c.
func NewKeySets(c *Client, now func() time.Time) *KeySets {
	return &KeySets{fetch: c, now: now, cache: make(map[string]fetched)}
}

// Keys returns the keys that the client published. When none of them has kid, and
// kid is not empty, they are fetched again, but not more than once a minute.
//
// Spec: OpenID Connect Core section 10.1.1.
func (k *KeySets) Keys(ctx context.Context, c *client.Client, kid string) ([]jose.JSONWebKey, error) {
	if c.JWKSURI == "" {
		keys, _ := client.ReadKeySet(c.JWKS) // unfit keys never verify anything
		if len(keys) == 0 {
			return nil, fmt.Errorf("%w: none registered", client.ErrNoKeys)
		}
		return keys, nil
	}
	return k.fetched(ctx, c.JWKSURI, func(hit fetched, now time.Time) bool {
		named := func(key jose.JSONWebKey) bool { return key.KeyID == kid }
		return kid == "" || slices.ContainsFunc(hit.keys, named) || now.Sub(hit.tried) < rest
	})
}

// Recent returns the keys that the client published as they were a minute ago at
// most, if they can be had: whoever encrypts is not told by a kid that there are
// others by now.
//
// Spec: OpenID Connect Core section 10.2.1.
func (k *KeySets) Recent(ctx context.Context, c *client.Client) ([]jose.JSONWebKey, error) {
	if c.JWKSURI == "" {
		return k.Keys(ctx, c, "")
	}
	keys, err := k.fetched(ctx, c.JWKSURI, func(hit fetched, now time.Time) bool { return now.Sub(hit.tried) < rest })
	if errors.Is(err, client.ErrBusy) && len(keys) > 0 {
		return keys, nil
	}
	return keys, err
}

// fetched returns the keys at uri: those in the cache if good says that they will
// do.
func (k *KeySets) fetched(ctx context.Context, uri string, good func(hit fetched, now time.Time) bool) ([]jose.JSONWebKey, error) {
	if hit, ok := k.cached(uri, good); ok {
		return hit.keys, hit.err
	}

	// Those who wait for the same keys share one fetch, which therefore outlives
	// the request that began it.
	shared := context.WithoutCancel(ctx)
	done := k.flight.DoChan(uri, func() (any, error) {
		if hit, ok := k.cached(uri, good); ok {
			return hit, nil
		}
		return k.refresh(shared, uri), nil
	})
	var got fetched
	k.fetch.aside(ctx, func() {
		select {
		case result := <-done:
			got, _ = result.Val.(fetched)
		case <-ctx.Done():
			got.err = fmt.Errorf("fetch keys: %w", ctx.Err())
		}
	})
	return got.keys, got.err
}

// cached returns what is known of uri, if that is neither old nor not good enough.
func (k *KeySets) cached(uri string, good func(hit fetched, now time.Time) bool) (fetched, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	hit, ok := k.cache[uri]
	now := k.now()
	switch {
	case !ok:
		return fetched{}, false
	case hit.err != nil:
		return hit, now.Sub(hit.tried) < sulk
	case now.Sub(hit.at) >= fresh:
		return hit, false
	default:
		return hit, good(hit, now)
	}
}

func (k *KeySets) refresh(ctx context.Context, uri string) fetched {
	now := k.now()
	got := fetched{at: now, tried: now}
	body, err := k.fetch.get(ctx, uri, mediaJSON)
	if errors.Is(err, client.ErrBusy) {
		return k.atHand(uri, err)
	}
	if err != nil {
		got.err = fmt.Errorf("%w: %w", client.ErrNoKeys, err)
	} else if got.keys, _ = client.ReadKeySet(body); len(got.keys) == 0 {
		// Keys of kinds that we do not know are no fault of the set (RFC 7517 section 5).
		got.err = fmt.Errorf("%w: none that can be used", client.ErrNoKeys)
	}

	k.mu.Lock()
	defer k.mu.Unlock()
	old, known := k.cache[uri]
	if got.err != nil && known && old.err == nil && now.Sub(old.at) < fresh {
		// Somebody made up a kid while the client's server was away: that must not
		// take the keys from those who name a real one.
		got = fetched{keys: old.keys, at: old.at, tried: now}
	}
	if !known && len(k.cache) >= maxCache {
		for other := range k.cache {
			delete(k.cache, other) // any one: those in use come back at the cost of a fetch
			break
		}
	}
	k.cache[uri] = got
	return got
}

// atHand returns why the keys at uri cannot be looked for now, beside those that are
// known. It is no fault of the client's, and nothing to remember.
func (k *KeySets) atHand(uri string, why error) fetched {
	k.mu.Lock()
	defer k.mu.Unlock()
	hit := fetched{err: why}
	if old := k.cache[uri]; old.err == nil && k.now().Sub(old.at) < fresh {
		hit.keys = old.keys
	}
	return hit
}
