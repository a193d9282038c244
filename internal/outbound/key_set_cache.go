package outbound

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/sync/singleflight"

	"github.com/ostiary/ostiary/internal/cache"
	"github.com/ostiary/ostiary/internal/client"
)

const (
	freshTTL        = 5 * time.Minute  // how long keys are used without another fetch
	staleTTL        = 6 * time.Hour    // how long keys are used while fetches fail
	refetchInterval = time.Minute      // between fetches for an unknown kid
	errorTTL        = 10 * time.Second // how long a failed fetch is not repeated
	maxKeySets      = 1000
)

// keySetCache caches key sets by URL. Its rules are its own, beyond those of
// [cache.Cache]: it also caches errors, serves stale copies while a fetch fails, and
// fetches again for an unknown kid.
type keySetCache struct {
	fetch     *Client
	now       func() time.Time
	staleUsed func(ctx context.Context, host string, age time.Duration, err error)
	flight    singleflight.Group
	sets      *cache.Map[string, fetched]
}

func newKeySetCache(c *Client, now func() time.Time, staleUsed func(context.Context, string, time.Duration, error)) *keySetCache {
	return &keySetCache{fetch: c, now: now, staleUsed: staleUsed, sets: cache.NewMap[string, fetched](maxKeySets)}
}

// fetched is a copy of a key set.
type fetched struct {
	keys  []jose.JSONWebKey
	at    time.Time // when the keys were fetched
	tried time.Time // when the last fetch began
	err   error     // of the last fetch; keys are then those of an earlier one
}

// decision is what to do with a copy of a key set.
type decision int

const (
	fetchFirst  decision = iota // it is missing, or not sufficient
	useIt                       // it is sufficient
	useAndFetch                 // it is stale but sufficient: fetch it in the background
)

// decide decides whether a copy meets the need.
func (f *fetched) decide(n need, now time.Time) decision {
	age, since := now.Sub(f.at), now.Sub(f.tried)
	switch {
	case f.err != nil && since < errorTTL:
		return useIt // another fetch would fail as well
	case len(f.keys) == 0 || age >= staleTTL:
		return fetchFirst
	case f.err != nil && (n.has(f.keys) || since < refetchInterval):
		return useAndFetch // a server that hangs delays only the first request
	case f.err != nil || age >= freshTTL:
		return fetchFirst
	case since < refetchInterval || !n.recent && n.has(f.keys):
		return useIt
	default:
		return fetchFirst
	}
}

// result returns the keys of a copy, or the error. With [client.ErrBusy] it also returns
// the cached keys.
func (f *fetched) result(now time.Time) ([]jose.JSONWebKey, error) {
	switch {
	case errors.Is(f.err, client.ErrBusy):
		return f.keys, f.err
	case len(f.keys) > 0 && now.Sub(f.at) < staleTTL:
		return f.keys, nil
	default:
		return nil, f.err
	}
}

// get returns the keys at uri.
func (k *keySetCache) get(ctx context.Context, uri string, n need) ([]jose.JSONWebKey, error) {
	hit, use := k.lookUp(uri, n)
	if use == useIt {
		return hit.result(k.now())
	}

	// Concurrent requests for the same keys share a fetch, so it does not end with the
	// request that began it.
	shared := context.WithoutCancel(ctx)
	done := k.flight.DoChan(uri, func() (any, error) {
		if hit, use := k.lookUp(uri, n); use == useIt {
			return hit, nil
		}
		return k.refresh(shared, uri), nil
	})
	if use == useAndFetch {
		return hit.result(k.now())
	}
	var got fetched
	k.fetch.withoutSlot(ctx, func() {
		select {
		case result := <-done:
			got, _ = result.Val.(fetched)
		case <-ctx.Done():
			got.err = fmt.Errorf("fetch keys: %w", ctx.Err())
		}
	})
	if errors.Is(got.err, client.ErrBusy) && len(got.keys) > 0 && n.has(got.keys) && !n.recent {
		return got.keys, nil // the client is not responsible for a lack of slots
	}
	return got.result(k.now())
}

func (k *keySetCache) lookUp(uri string, n need) (fetched, decision) {
	hit, ok := k.sets.Get(uri)
	if !ok {
		return fetched{}, fetchFirst
	}
	return hit, hit.decide(n, k.now())
}

// refresh fetches the keys at uri. The single flight prevents concurrent calls for a URL.
func (k *keySetCache) refresh(ctx context.Context, uri string) fetched {
	now := k.now()
	got := fetched{at: now, tried: now}
	keys, err := k.read(ctx, uri)
	if errors.Is(err, client.ErrBusy) {
		return k.cached(uri, err)
	}
	got.keys, got.err = keys, err

	old, _ := k.sets.Get(uri)
	var answered *publishedError
	if err != nil && len(old.keys) > 0 && now.Sub(old.at) < staleTTL && !errors.As(err, &answered) {
		got.keys, got.at = old.keys, old.at
		k.staleUsed(ctx, hostOf(uri), now.Sub(old.at), err)
	}
	k.sets.Put(uri, got)
	return got
}

// publishedError reports that the server of the client responded without keys: the client
// has withdrawn them. All other errors are failures of the fetch.
type publishedError struct{ reason string }

func (e *publishedError) Error() string { return e.reason }

// read fetches the keys at uri. It returns [client.ErrKeysUnavailable] or [client.ErrBusy].
func (k *keySetCache) read(ctx context.Context, uri string) ([]jose.JSONWebKey, error) {
	body, err := k.fetch.get(ctx, uri, mediaJSON)
	var status *statusError
	switch {
	case errors.Is(err, client.ErrBusy):
		return nil, err
	case errors.As(err, &status) && status.code == http.StatusGone:
		return nil, fmt.Errorf("%w: %w", client.ErrKeysUnavailable, &publishedError{err.Error()})
	case err != nil:
		return nil, fmt.Errorf("%w: %w", client.ErrKeysUnavailable, err)
	}
	// Keys of unknown types do not make a set invalid (RFC 7517 §5).
	keys, _ := client.ReadKeySet(body)
	switch {
	case len(keys) > 0:
		return keys, nil
	case !isKeySet(body): // a maintenance page, for example
		return nil, fmt.Errorf("%w: not a JWK Set", client.ErrKeysUnavailable)
	default:
		return nil, fmt.Errorf("%w: %w", client.ErrKeysUnavailable, &publishedError{"no supported key"})
	}
}

// isKeySet reports whether body is a JWK Set, regardless of its keys.
//
// Spec: RFC 7517 §5.
func isKeySet(body []byte) bool {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	return json.Unmarshal(body, &set) == nil && set.Keys != nil
}

// cached returns the keys that are cached for uri, with the error of a fetch that did not
// begin. The error is not stored.
func (k *keySetCache) cached(uri string, err error) fetched {
	hit := fetched{err: err}
	if old, _ := k.sets.Get(uri); len(old.keys) > 0 && k.now().Sub(old.at) < staleTTL {
		hit.keys, hit.at = old.keys, old.at
	}
	return hit
}

// hostOf returns the host of a URL for the log; the rest may contain a credential.
func hostOf(uri string) string {
	u, err := url.Parse(uri)
	if err != nil {
		return ""
	}
	return u.Host
}
