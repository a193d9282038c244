package outbound

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/client"
)

// take takes n places for fetches from host, until the returned function is called.
func take(t *testing.T, r *room, host string, n int) (leave func()) {
	t.Helper()
	taken := make([]func(), 0, n)
	for range n {
		_, leave, err := r.enter(t.Context(), host)
		if err != nil {
			t.Fatal(err)
		}
		taken = append(taken, leave)
	}
	return func() {
		for _, leave := range taken {
			leave()
		}
	}
}

// counting runs a site that has no keys, and counts who fetches them.
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

func TestAHostThatHangsTakesPlacesFromItself(t *testing.T) {
	t.Parallel()

	c, uri, host, _ := counting(t)
	other := take(t, c.room, "other.example", maxPerHost)
	if _, err := c.Get(t.Context(), uri); err != nil {
		t.Errorf("while another host hangs: %v", err)
	}
	other()
	own := take(t, c.room, host, maxPerHost)
	if _, err := c.Get(t.Context(), uri); !errors.Is(err, client.ErrBusy) {
		t.Errorf("while the host hangs: %v, want that there is no room", err)
	}
	own()
	if _, err := c.Get(t.Context(), uri); err != nil {
		t.Errorf("once there is room: %v", err)
	}
	if n := len(c.room.hosts); n != 0 {
		t.Errorf("%d hosts are remembered, want none", n)
	}
}

// Whoever makes us fetch without end finds no room at last, and that is nobody's
// fault: no verdict on a client comes of it.
func TestFetchesAreOnlySoMany(t *testing.T) {
	t.Parallel()

	c, uri, _, fetches := counting(t)
	var leave []func()
	for i := range maxFetches / maxPerHost {
		leave = append(leave, take(t, c.room, strconv.Itoa(i)+".example", maxPerHost))
	}
	if _, err := c.Get(t.Context(), uri); !errors.Is(err, client.ErrBusy) {
		t.Errorf("one fetch too many: %v, want that there is no room", err)
	}
	keys := NewKeySets(c, time.Now)
	owner := &client.Client{Metadata: client.Metadata{JWKSURI: uri}}
	if _, err := keys.Keys(t.Context(), owner, ""); errors.Is(err, client.ErrKeysUnavailable) || !errors.Is(err, client.ErrBusy) {
		t.Errorf("keys for which there is no room: %v, which should be no verdict", err)
	}
	if n := fetches.Load(); n != 0 {
		t.Errorf("%d fetches reached the site, want none", n)
	}
	for _, leave := range leave {
		leave()
	}
	if _, err := keys.Keys(t.Context(), owner, ""); !errors.Is(err, client.ErrKeysUnavailable) || fetches.Load() != 1 {
		t.Errorf("once there is room: %v after %d fetches, want that they were looked for", err, fetches.Load())
	}
	if n := len(c.room.hosts); n != 0 {
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
		p.operators.fetch.room.all <- struct{}{}
	}
	if _, err := p.Keys(t.Context(), p.client, "b"); !errors.Is(err, client.ErrBusy) {
		t.Errorf("a key that cannot be looked for: %v, want that there is no room", err)
	}
	if keys, err := p.Recent(t.Context(), p.client); err != nil || len(keys) != 1 {
		t.Errorf("Recent = %v, %v; want the key at hand", keys, err)
	}
	p.want(t, "a", "a", 1)
	<-p.operators.fetch.room.all
	p.publish(t, "b")
	p.want(t, "b", "b", 2)
}

// Where servers that hang have all places, the one that has hung longest gives way. It
// hears that there is no room, which is no verdict on it.
func TestWhoHangsLongestGivesWay(t *testing.T) {
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
		defer take(t, c.room, strconv.Itoa(i)+".example", 1)()
	}
	c.room.mu.Lock()
	for e := c.room.running.Front(); e != nil; e = e.Next() {
		e.Value.(*fetch).hangs = true
	}
	c.room.mu.Unlock()
	_, leave, err := c.room.enter(t.Context(), "new.example")
	if err != nil {
		t.Fatalf("a fetch while all others hang: %v", err)
	}
	defer leave()
	if err := <-hung; !errors.Is(err, client.ErrBusy) {
		t.Errorf("the fetch that gave way: %v, want that there is no room", err)
	}
}
