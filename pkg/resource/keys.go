package resource

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/sync/singleflight"

	"github.com/ostiary/ostiary/internal/refusal"
)

const (
	keysFresh  = 5 * time.Minute // how long keys are used without another fetch
	keysStale  = time.Hour       // how long they are used in addition while fetches fail
	keysRetry  = 5 * time.Second // between fetches for unknown kids, or after a failed one
	unknownKID = time.Minute     // how long a kid stays unknown
	maxUnknown = 1000
	maxKeys    = 100
)

// keySet holds the keys of an issuer. Its zero value but documents and now is ready to use.
type keySet struct {
	documents *issuerDocuments
	url       string // empty for jwks_uri of the metadata
	now       func() time.Time

	flight  singleflight.Group
	mu      sync.Mutex
	keys    []jose.JSONWebKey
	fetched time.Time            // the keys
	tried   time.Time            // the last fetch
	err     error                // of the last fetch
	unknown map[string]time.Time // until when a kid is known to be unknown
}

// get returns the keys of the issuer. Its error wraps [ErrInactive] if the issuer has no key with the
// kid, which may be empty; any other error means that the keys cannot be fetched.
func (k *keySet) get(ctx context.Context, kid string) ([]jose.JSONWebKey, error) {
	keys, use, err := k.cached(kid)
	if use == useCached {
		return keys, err
	}
	// Requests share a fetch, so it does not end with the one that began it.
	shared := context.WithoutCancel(ctx)
	result := k.flight.DoChan("", func() (any, error) {
		// A request that has just waited for a fetch does not begin another one.
		if _, use, _ := k.cached(kid); use != useCached {
			k.fetch(shared)
		}
		return struct{}{}, nil
	})
	if use == useStale {
		return keys, nil
	}
	select {
	case <-result:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for the keys of the issuer: %w", ctx.Err())
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.has(kid) && k.now().Sub(k.fetched) < keysFresh+keysStale {
		return k.keys, nil
	}
	if k.err != nil {
		return nil, k.err
	}
	k.remember(kid)
	return nil, errUnknownKey()
}

// use is what to do with the cached keys.
type use int

const (
	useFetched use = iota // they do not suffice: wait for others
	useCached             // they suffice, or another fetch has to wait
	useStale              // the last fetch failed: use them, and fetch in the background
)

// cached returns the result for a kid from the cached keys.
func (k *keySet) cached(kid string) ([]jose.JSONWebKey, use, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	age, waits := now.Sub(k.fetched), now.Sub(k.tried) < keysRetry
	switch found := k.has(kid); {
	case found && (age < keysFresh || k.err != nil && waits && age < keysFresh+keysStale):
		return k.keys, useCached, nil
	case found && k.err != nil && age < keysFresh+keysStale:
		return k.keys, useStale, nil
	case k.err != nil && waits:
		return nil, useCached, k.err
	case !found && age < keysFresh && (waits || now.Before(k.unknown[kid])):
		return nil, useCached, errUnknownKey()
	}
	return nil, useFetched, nil
}

// has reports whether a key has the kid, or whether there is a key if it is empty.
func (k *keySet) has(kid string) bool {
	return slices.ContainsFunc(k.keys, func(key jose.JSONWebKey) bool { return kid == "" || key.KeyID == kid })
}

// remember notes that a kid is unknown. Of many unknown kids, some are forgotten.
func (k *keySet) remember(kid string) {
	if len(k.unknown) >= maxUnknown || k.unknown == nil {
		k.unknown = map[string]time.Time{}
	}
	k.unknown[kid] = k.now().Add(unknownKID)
}

func errUnknownKey() error {
	return inactive(refusal.TokenSignature, "no key of the issuer has the kid of the token")
}

// fetch fetches the keys. If that fails, the earlier ones stay.
func (k *keySet) fetch(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	began := k.now()
	keys, err := k.read(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.tried, k.err = began, err; err == nil {
		k.keys, k.fetched = keys, began
	}
}

func (k *keySet) read(ctx context.Context) ([]jose.JSONWebKey, error) {
	from := k.url
	if from == "" {
		metadata, err := k.documents.metadata(ctx)
		if err != nil {
			return nil, err
		}
		if from = metadata.Text("jwks_uri"); from == "" {
			return nil, fmt.Errorf("the metadata of %s has no jwks_uri", k.documents.issuer)
		}
	}
	body, err := k.documents.get(ctx, from)
	if err != nil {
		return nil, err
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil || set.Keys == nil || len(set.Keys) > maxKeys {
		return nil, fmt.Errorf("%s is not a JWK Set of at most %d keys", from, maxKeys)
	}
	var keys []jose.JSONWebKey
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		// A key of an unknown type does not make the set invalid (RFC 7517 §5).
		if json.Unmarshal(raw, &key) == nil && key.IsPublic() && key.Valid() {
			keys = append(keys, key)
		}
	}
	return keys, nil
}
