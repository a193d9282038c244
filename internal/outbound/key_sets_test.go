package outbound

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/client"
)

// publisher is a client that publishes keys, and the KeySets that reads them.
type publisher struct {
	*KeySets
	client *client.Client

	mu      sync.Mutex
	now     time.Time
	body    string
	hang    chan struct{} // responses wait for it, unless it is nil
	fetches atomic.Int64
}

func newPublisher(t *testing.T) *publisher {
	t.Helper()
	p := &publisher{now: time.Unix(1_800_000_000, 0)}
	s, fetch := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		p.fetches.Add(1)
		p.answer(w)
	})
	p.KeySets = NewKeySets(fetch, func() time.Time {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.now
	})
	p.client = &client.Client{Metadata: client.Metadata{JWKSURI: s.URL}}
	return p
}

func (p *publisher) publish(t *testing.T, kids ...string) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.body = ""
	if len(kids) > 0 {
		p.body = keySet(t, kids...)
	}
}

func (p *publisher) pass(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = p.now.Add(d)
}

func keySet(t *testing.T, kids ...string) string {
	t.Helper()
	var set jose.JSONWebKeySet
	for _, kid := range kids {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: key.Public(), KeyID: kid})
	}
	raw, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// want requests kid and compares the kids of the result, "" for no keys, and the number of
// fetches so far.
func (p *publisher) want(t *testing.T, kid, kids string, fetches int64) {
	t.Helper()
	keys, err := p.Keys(t.Context(), p.client, kid)
	var names strings.Builder
	for _, key := range keys {
		names.WriteString(key.KeyID)
	}
	got := names.String()
	if got != kids || (kids == "") != errors.Is(err, client.ErrKeysUnavailable) {
		t.Errorf("Keys(%q) = %q, %v; want %q", kid, got, err, kids)
	}
	if n := p.fetches.Load(); n != fetches {
		t.Errorf("after Keys(%q): %d fetches, want %d", kid, n, fetches)
	}
}

func TestKeysAreFetchedAgainAfterTheirTTL(t *testing.T) {
	t.Parallel()

	p := newPublisher(t)
	p.publish(t, "a")
	p.want(t, "a", "a", 1)
	p.want(t, "", "a", 1)
	p.publish(t, "a", "b")
	p.pass(refetchInterval - 1)
	p.want(t, "b", "a", 1) // unknown, but within refetchInterval
	p.pass(1)
	p.want(t, "b", "ab", 2)
	p.publish(t, "b")
	p.want(t, "a", "ab", 2)
	p.pass(freshTTL)
	p.want(t, "b", "b", 3)
}

func TestANewKeyIsFoundOneMinuteAfterARotation(t *testing.T) {
	t.Parallel()

	p := newPublisher(t)
	p.publish(t, "old")
	p.want(t, "old", "old", 1)
	p.pass(time.Millisecond) // the response has been sent
	p.publish(t, "new")
	p.pass(time.Minute)
	p.want(t, "new", "new", 2)
}

func TestRecentKeysAreAtMostOneMinuteOld(t *testing.T) {
	t.Parallel()

	recent := func(p *publisher, want string, fetches int64) {
		t.Helper()
		keys, err := p.Recent(t.Context(), p.client)
		if err != nil || len(keys) != 1 || keys[0].KeyID != want || p.fetches.Load() != fetches {
			t.Errorf("Recent = %v, %v after %d fetches; want %q after %d", keys, err, p.fetches.Load(), want, fetches)
		}
	}
	p := newPublisher(t)
	p.publish(t, "old")
	recent(p, "old", 1)
	p.publish(t, "new")
	p.pass(refetchInterval - 1)
	recent(p, "old", 1)
	p.pass(1)
	recent(p, "new", 2)
	p.publish(t) // the server of the client fails
	p.pass(refetchInterval)
	recent(p, "new", 3)
	recent(p, "new", 3)
	p.pass(staleTTL)
	if keys, err := p.Recent(t.Context(), p.client); !errors.Is(err, client.ErrKeysUnavailable) {
		t.Errorf("Recent = %v, %v; want no keys", keys, err)
	}
	p.client = &client.Client{Metadata: client.Metadata{JWKS: json.RawMessage(keySet(t, "x"))}}
	recent(p, "x", 4)
}

func TestAFailedFetchIsNotRepeatedAtOnce(t *testing.T) {
	t.Parallel()

	p := newPublisher(t)
	p.want(t, "a", "", 1)
	p.publish(t, "a")
	p.pass(errorTTL - 1)
	p.want(t, "a", "", 1)
	p.pass(1)
	p.want(t, "a", "a", 2)
}

func TestAnUnknownKidKeepsTheCachedKeys(t *testing.T) {
	t.Parallel()

	p := newPublisher(t)
	p.publish(t, "a")
	p.want(t, "a", "a", 1)
	p.publish(t) // the server of the client fails
	p.pass(refetchInterval)
	p.want(t, "made up", "a", 2)
	p.want(t, "made up", "a", 2)
	p.want(t, "a", "a", 2)
	p.pass(staleTTL)
	p.want(t, "a", "", 3)
}

func TestInvalidKeySetsAreRejected(t *testing.T) {
	t.Parallel()

	for _, body := range []string{`{`, `[]`, `{"keys":[]}`, `{"keys":[{"kty":"oct","k":"AAAA","kid":"a"}]}`, `<html>`} {
		p := newPublisher(t)
		p.body = body
		p.want(t, "a", "", 1)
	}
}

func TestConcurrentRequestsShareAFetch(t *testing.T) {
	t.Parallel()

	p := newPublisher(t)
	p.publish(t, "a")
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			if _, err := p.Keys(t.Context(), p.client, "a"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	p.want(t, "a", "a", 1)
}

func TestACancelledRequestDoesNotEndASharedFetch(t *testing.T) {
	t.Parallel()

	p := newPublisher(t)
	p.publish(t, "a")
	gone, leave := context.WithCancel(t.Context())
	leave()
	if _, err := p.Keys(gone, p.client, "a"); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v, want none or context.Canceled", err)
	}
	p.want(t, "a", "a", 1)
}

func TestRegisteredKeysNeedNoFetch(t *testing.T) {
	t.Parallel()

	p := newPublisher(t)
	p.client = &client.Client{Metadata: client.Metadata{JWKS: json.RawMessage(keySet(t, "x", "y"))}}
	p.want(t, "z", "xy", 0)
	p.client = &client.Client{}
	p.want(t, "z", "", 0)
}

func TestTheKeySetCacheIsBounded(t *testing.T) {
	t.Parallel()

	p := newPublisher(t)
	p.publish(t, "a")
	uri := p.client.JWKSURI
	for i := range maxKeySets + 5 {
		p.operators.sets.Put(strconv.Itoa(i), fetched{})
	}
	p.client = &client.Client{Metadata: client.Metadata{JWKSURI: uri}}
	before := p.operators.sets.Len()
	p.want(t, "a", "a", 1)
	if after := p.operators.sets.Len(); after > before {
		t.Errorf("the cache grew from %d to %d sets", before, after)
	}
}
