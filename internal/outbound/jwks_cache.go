package outbound

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/sync/singleflight"

	"github.com/ostiary/ostiary/internal/client"
)

const (
	fresh    = 5 * time.Minute  // how long fetched keys are believed without asking again
	stale    = 6 * time.Hour    // and how long while asking again fails
	rest     = time.Minute      // from one attempt to the next for the sake of an unknown kid
	sulk     = 10 * time.Second // after a fetch that failed
	maxCache = 1000             // sets of keys
)

// keySetCache keeps fetched key sets by URL.
type keySetCache struct {
	fetch     *Client
	now       func() time.Time
	staleUsed func(ctx context.Context, host string, age time.Duration, err error)
	flight    singleflight.Group

	mu   sync.Mutex
	sets map[string]fetched
}

func newKeySetCache(c *Client, now func() time.Time, staleUsed func(context.Context, string, time.Duration, error)) *keySetCache {
	return &keySetCache{fetch: c, now: now, staleUsed: staleUsed, sets: make(map[string]fetched)}
}

type fetched struct {
	keys  []jose.JSONWebKey
	at    time.Time // when the keys were read
	tried time.Time // when they were last asked for
	err   error     // of the last attempt; keys beside it are those of an earlier one
}

// copyUse says what to do with the copy of a key set that is at hand.
type copyUse int

const (
	fetchFirst  copyUse = iota // it is missing, or not good enough
	useIt                      // it is good
	useAndFetch                // it is stale and good enough, and to be fetched again meanwhile
)

// judge decides whether a copy serves the need.
func (f *fetched) judge(n need, now time.Time) copyUse {
	age, since := now.Sub(f.at), now.Sub(f.tried)
	switch {
	case f.err != nil && since < sulk:
		return useIt // nothing better can be had now
	case len(f.keys) == 0 || age >= stale:
		return fetchFirst
	case f.err != nil && (n.has(f.keys) || since < rest):
		return useAndFetch // who waits for a server that hangs has waited in vain before
	case f.err != nil || age >= fresh:
		return fetchFirst
	case since < rest || !n.recent && n.has(f.keys):
		return useIt
	default:
		return fetchFirst
	}
}

// answer returns the keys of a copy, or why there are none. Beside [client.ErrBusy] it
// returns the keys at hand.
func (f *fetched) answer(now time.Time) ([]jose.JSONWebKey, error) {
	switch {
	case errors.Is(f.err, client.ErrBusy):
		return f.keys, f.err
	case len(f.keys) > 0 && now.Sub(f.at) < stale:
		return f.keys, nil
	default:
		return nil, f.err
	}
}

// get returns the keys at uri.
func (k *keySetCache) get(ctx context.Context, uri string, n need) ([]jose.JSONWebKey, error) {
	hit, use := k.lookUp(uri, n)
	if use == useIt {
		return hit.answer(k.now())
	}

	// Those who wait for the same keys share one fetch, which therefore outlives
	// the request that began it.
	shared := context.WithoutCancel(ctx)
	done := k.flight.DoChan(uri, func() (any, error) {
		if hit, use := k.lookUp(uri, n); use == useIt {
			return hit, nil
		}
		return k.refresh(shared, uri), nil
	})
	if use == useAndFetch {
		return hit.answer(k.now())
	}
	var got fetched
	k.fetch.aside(ctx, func() {
		select {
		case result := <-done:
			got, _ = result.Val.(fetched)
		case <-ctx.Done():
			got.err = fmt.Errorf("fetch keys: %w", ctx.Err())
		}
	})
	if errors.Is(got.err, client.ErrBusy) && len(got.keys) > 0 && n.has(got.keys) && !n.recent {
		return got.keys, nil // there was no room to ask again, which is not the client's fault
	}
	return got.answer(k.now())
}

func (k *keySetCache) lookUp(uri string, n need) (fetched, copyUse) {
	k.mu.Lock()
	defer k.mu.Unlock()
	hit, ok := k.sets[uri]
	if !ok {
		return fetched{}, fetchFirst
	}
	return hit, hit.judge(n, k.now())
}

func (k *keySetCache) refresh(ctx context.Context, uri string) fetched {
	now := k.now()
	got := fetched{at: now, tried: now}
	keys, err := k.read(ctx, uri)
	if errors.Is(err, client.ErrBusy) {
		return k.atHand(uri, err)
	}
	got.keys, got.err = keys, err

	k.mu.Lock()
	defer k.mu.Unlock()
	old, known := k.sets[uri]
	var answered *publishedError
	if err != nil && len(old.keys) > 0 && now.Sub(old.at) < stale && !errors.As(err, &answered) {
		got.keys, got.at = old.keys, old.at
		k.staleUsed(ctx, hostOf(uri), now.Sub(old.at), err)
	}
	if !known && len(k.sets) >= maxCache {
		for other := range k.sets {
			delete(k.sets, other) // any one: those in use come back at the cost of a fetch
			break
		}
	}
	k.sets[uri] = got
	return got
}

// publishedError reports that the client's server answered and that the answer holds no
// keys: the client has withdrawn them. Every other error is a fault of the fetch.
type publishedError struct{ reason string }

func (e *publishedError) Error() string { return e.reason }

// read fetches the keys at uri. Its error is [client.ErrKeysUnavailable] or [client.ErrBusy].
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
	// Keys of kinds that we do not know are no fault of the set (RFC 7517 section 5).
	keys, _ := client.ReadKeySet(body)
	switch {
	case len(keys) > 0:
		return keys, nil
	case !isKeySet(body): // a page that says that the server is being maintained, perhaps
		return nil, fmt.Errorf("%w: not a JWK Set", client.ErrKeysUnavailable)
	default:
		return nil, fmt.Errorf("%w: %w", client.ErrKeysUnavailable, &publishedError{"none that can be used"})
	}
}

// isKeySet reports whether body is a JWK Set, whatever keys are in it.
//
// Spec: RFC 7517 §5.
func isKeySet(body []byte) bool {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	return json.Unmarshal(body, &set) == nil && set.Keys != nil
}

// atHand returns why the keys at uri cannot be looked for now, beside those that are
// known. It is no fault of the client's, and nothing to remember.
func (k *keySetCache) atHand(uri string, why error) fetched {
	k.mu.Lock()
	defer k.mu.Unlock()
	hit := fetched{err: why}
	if old := k.sets[uri]; len(old.keys) > 0 && k.now().Sub(old.at) < stale {
		hit.keys, hit.at = old.keys, old.at
	}
	return hit
}

// hostOf is the host of a URL, which may be logged; the rest may hold a credential.
func hostOf(uri string) string {
	u, err := url.Parse(uri)
	if err != nil {
		return ""
	}
	return u.Host
}
