package outbound

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/client"
)

// hanging are sites that answer when they are told to.
type hanging struct {
	*Client

	release chan struct{}
	reached atomic.Int64
	fetches sync.WaitGroup
}

func newHanging(t *testing.T) *hanging {
	t.Helper()
	h := &hanging{release: make(chan struct{})}
	_, h.Client = serve(t, h.ServeHTTP)
	return h
}

// ServeHTTP answers with no key.
func (h *hanging) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.reached.Add(1)
	select {
	case <-h.release:
	case <-r.Context().Done():
	}
	_, _ = w.Write([]byte(`{}`))
}

// site returns the address of another site that hangs.
func (h *hanging) site(t *testing.T) string {
	t.Helper()
	s := httptest.NewTLSServer(h) // all of these have one certificate
	t.Cleanup(s.Close)
	return s.URL
}

// fill begins n fetches from uri.
func (h *hanging) fill(t *testing.T, uri string, n int64) {
	t.Helper()
	ctx, want := context.WithoutCancel(t.Context()), h.reached.Load()+n
	for range n {
		h.fetches.Go(func() { _, _ = h.Get(ctx, uri) })
	}
	for began := time.Now(); h.reached.Load() < want; time.Sleep(time.Millisecond) {
		if time.Since(began) > patience {
			t.Fatalf("%d fetches reached the sites, want %d", h.reached.Load(), want)
		}
	}
}

func (h *hanging) end() {
	close(h.release)
	h.fetches.Wait()
}

// refused wants that there is no room for one more fetch, and that this is told soon.
func (h *hanging) refused(t *testing.T, uri string) {
	t.Helper()
	began, before := time.Now(), h.reached.Load()
	_, err := h.Get(t.Context(), uri)
	if took := time.Since(began); !errors.Is(err, client.ErrBusy) || took > 4*queueing {
		t.Errorf("one fetch too many: %v after %v, want that there is no room, and soon", err, took)
	}
	if n := h.reached.Load(); n != before {
		t.Errorf("%d fetches reached the sites, want %d", n, before)
	}
}

func TestAHostThatHangsTakesPlacesFromItself(t *testing.T) {
	t.Parallel()

	h := newHanging(t)
	defer h.end()
	one := h.site(t)
	h.fill(t, one, maxPerHost)
	h.refused(t, one)
	h.fill(t, h.site(t), 1)
}

// Whoever makes us fetch without end finds no room at last, and that is nobody's
// fault: no verdict on a client comes of it.
func TestFetchesAreOnlySoMany(t *testing.T) {
	t.Parallel()

	h := newHanging(t)
	for range maxFetches / maxPerHost {
		h.fill(t, h.site(t), maxPerHost)
	}
	uri := h.site(t)
	h.refused(t, uri)

	keys := NewKeySets(h.Client, time.Now)
	owner := &client.Client{Metadata: client.Metadata{JWKSURI: uri}}
	if _, err := keys.Keys(t.Context(), owner, ""); errors.Is(err, client.ErrNoKeys) || !errors.Is(err, client.ErrBusy) {
		t.Errorf("keys for which there is no room: %v, which should be no verdict", err)
	}
	h.end()
	if _, err := keys.Keys(t.Context(), owner, ""); !errors.Is(err, client.ErrNoKeys) || h.reached.Load() != maxFetches+1 {
		t.Errorf("once there is room: %v after %d fetches, want that they were looked for", err, h.reached.Load())
	}
	if n := len(h.room.hosts); n != 0 {
		t.Errorf("%d hosts are remembered, want none", n)
	}
}

// Who names a key that is not among those at hand is told nothing false while it
// cannot be looked for. Who encrypts makes do with those of a while ago.
func TestKeysAtHandServeWhileThereIsNoRoom(t *testing.T) {
	t.Parallel()

	p := newPublisher(t)
	p.publish(t, "a")
	p.want(t, "a", "a", 1)
	p.pass(rest)
	for range maxFetches {
		p.fetch.room.all <- struct{}{}
	}
	if _, err := p.Keys(t.Context(), p.client, "b"); !errors.Is(err, client.ErrBusy) {
		t.Errorf("a key that cannot be looked for: %v, want that there is no room", err)
	}
	if keys, err := p.Recent(t.Context(), p.client); err != nil || len(keys) != 1 {
		t.Errorf("Recent = %v, %v; want the key at hand", keys, err)
	}
	p.want(t, "a", "a", 1)
	<-p.fetch.room.all
	p.publish(t, "b")
	p.want(t, "b", "b", 2)
}
