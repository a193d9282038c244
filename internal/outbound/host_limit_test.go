package outbound

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/admission"
	"github.com/ostiary/ostiary/internal/client"
)

// take takes n slots for fetches from host, until the returned function is called.
func take(t *testing.T, l *hostLimit, host string, n int) (release func()) {
	t.Helper()
	taken := make([]func(), 0, n)
	for range n {
		_, release, err := l.acquire(t.Context(), host)
		if err != nil {
			t.Fatal(err)
		}
		taken = append(taken, release)
	}
	return func() {
		for _, release := range taken {
			release()
		}
	}
}

// takeAll takes all slots, and returns them.
func takeAll(t *testing.T, l *hostLimit) []admission.Slot {
	t.Helper()
	var all []admission.Slot
	for range maxFetches {
		slot, err := l.total.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, slot)
	}
	return all
}

// counting runs a server without keys, and counts the fetches.
func counting(t *testing.T) (c *Client, uri, host string, fetches *atomic.Int64) {
	t.Helper()
	fetches = new(atomic.Int64)
	s, c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		fetches.Add(1)
		_, _ = w.Write([]byte(`{}`))
	})
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return c, s.URL, u.Host, fetches
}

func TestASlowHostBlocksOnlyItself(t *testing.T) {
	t.Parallel()

	c, uri, host, _ := counting(t)
	other := take(t, c.limit, "other.example", maxPerHost)
	if _, err := c.Get(t.Context(), uri); err != nil {
		t.Errorf("while another host hangs: %v", err)
	}
	other()
	own := take(t, c.limit, host, maxPerHost)
	if _, err := c.Get(t.Context(), uri); !errors.Is(err, client.ErrBusy) {
		t.Errorf("while the host hangs: %v, want ErrBusy", err)
	}
	own()
	if _, err := c.Get(t.Context(), uri); err != nil {
		t.Errorf("with a free slot: %v", err)
	}
	if n := len(c.limit.hosts); n != 0 {
		t.Errorf("%d hosts have a queue, want none", n)
	}
}

// A client that causes too many fetches gets a temporary error, which does not mean that
// the keys of a client are invalid.
func TestConcurrentFetchesAreLimited(t *testing.T) {
	t.Parallel()

	c, uri, _, fetches := counting(t)
	var taken []func()
	for i := range maxFetches / maxPerHost {
		taken = append(taken, take(t, c.limit, strconv.Itoa(i)+".example", maxPerHost))
	}
	if _, err := c.Get(t.Context(), uri); !errors.Is(err, client.ErrBusy) {
		t.Errorf("one fetch too many: %v, want ErrBusy", err)
	}
	keys := NewKeySets(c, time.Now)
	owner := &client.Client{Metadata: client.Metadata{JWKSURI: uri}}
	if _, err := keys.Keys(t.Context(), owner, ""); errors.Is(err, client.ErrKeysUnavailable) || !errors.Is(err, client.ErrBusy) {
		t.Errorf("keys without a free slot: %v, want ErrBusy alone", err)
	}
	if n := fetches.Load(); n != 0 {
		t.Errorf("%d fetches reached the site, want none", n)
	}
	for _, release := range taken {
		release()
	}
	if _, err := keys.Keys(t.Context(), owner, ""); !errors.Is(err, client.ErrKeysUnavailable) || fetches.Load() != 1 {
		t.Errorf("with a free slot: %v after %d fetches, want one fetch", err, fetches.Load())
	}
	if n := len(c.limit.hosts); n != 0 {
		t.Errorf("%d hosts have a queue, want none", n)
	}
}

// Without a free slot a request for an unknown kid gets ErrBusy. Encryption uses the cached
// keys.
func TestCachedKeysAreUsedWithoutAFreeSlot(t *testing.T) {
	t.Parallel()

	p := newPublisher(t)
	p.publish(t, "a")
	p.want(t, "a", "a", 1)
	p.pass(refetchInterval)
	all := takeAll(t, p.operators.fetch.limit)
	if _, err := p.Keys(t.Context(), p.client, "b"); !errors.Is(err, client.ErrBusy) {
		t.Errorf("a key that is not cached: %v, want ErrBusy", err)
	}
	if keys, err := p.Recent(t.Context(), p.client); err != nil || len(keys) != 1 {
		t.Errorf("Recent = %v, %v; want the cached key", keys, err)
	}
	p.want(t, "a", "a", 1)
	all[0].Release()
	p.publish(t, "b")
	p.want(t, "b", "b", 2)
}

// If slow fetches hold all slots, the longest one ends with ErrBusy in favour of another.
func TestTheLongestFetchIsPreempted(t *testing.T) {
	t.Parallel()

	hang, began := make(chan struct{}), make(chan struct{}, 1)
	s, c := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		began <- struct{}{}
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	})
	defer close(hang)
	hung := make(chan error, 1)
	go func() {
		_, err := c.Get(t.Context(), s.URL)
		hung <- err
	}()
	<-began
	for i := range maxFetches - 1 {
		defer take(t, c.limit, strconv.Itoa(i)+".example", 1)()
	}
	c.limit.mu.Lock()
	for e := c.limit.running.Front(); e != nil; e = e.Next() {
		e.Value.(*fetch).slow = true
	}
	c.limit.mu.Unlock()
	_, release, err := c.limit.acquire(t.Context(), "new.example")
	if err != nil {
		t.Fatalf("a fetch while all others are slow: %v", err)
	}
	defer release()
	if err := <-hung; !errors.Is(err, client.ErrBusy) {
		t.Errorf("the fetch that was preempted: %v, want ErrBusy", err)
	}
}
