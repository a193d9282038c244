package cache_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ostiary/ostiary/internal/cache"
)

// changes is a number of changes that is fresh unless stale is set.
type changes struct {
	version atomic.Int64
	stale   atomic.Bool
}

func (c *changes) Version() (int64, bool) { return c.version.Load(), !c.stale.Load() }

// source counts reads. A value is the key with the number of the read.
type source struct {
	reads atomic.Int64
	err   error
}

func (s *source) read(_ context.Context, key string) (string, error) {
	return fmt.Sprintf("%s %d", key, s.reads.Add(1)), s.err
}

func get(t *testing.T, c *cache.Cache[string, string], key, want string) {
	t.Helper()
	got, err := c.Get(t.Context(), key)
	if err != nil || got != want {
		t.Errorf("Get(%q) = %q, %v; want %q", key, got, err, want)
	}
}

func TestValuesAreReadOnceUntilAChange(t *testing.T) {
	t.Parallel()

	s, ch := &source{}, &changes{}
	c := cache.New(cache.Config[string, string]{Size: 10, Read: s.read, Changes: ch})
	get(t, c, "a", "a 1")
	get(t, c, "a", "a 1")
	get(t, c, "b", "b 2")
	ch.version.Add(1)
	get(t, c, "a", "a 3")
	get(t, c, "a", "a 3")
	ch.stale.Store(true)
	get(t, c, "a", "a 4")
	get(t, c, "a", "a 5")
	ch.stale.Store(false)
	get(t, c, "a", "a 3")
	c.Forget("a")
	get(t, c, "a", "a 6")
}

func TestValuesExpire(t *testing.T) {
	t.Parallel()

	now := time.Unix(1_800_000_000, 0)
	valid := true
	s := &source{}
	c := cache.New(cache.Config[string, string]{
		Size: 10, Read: s.read, TTL: 2 * time.Second, Now: func() time.Time { return now },
		Valid: func(string, time.Time) bool { return valid },
	})
	get(t, c, "a", "a 1")
	now = now.Add(time.Second)
	get(t, c, "a", "a 1")
	now = now.Add(time.Second)
	get(t, c, "a", "a 2")
	now = now.Add(-time.Second) // the clock was set back
	get(t, c, "a", "a 3")
	valid = false
	get(t, c, "a", "a 4")
}

func TestErrorsAndUnwantedValuesAreNotStored(t *testing.T) {
	t.Parallel()

	s := &source{err: errors.New("not found")}
	c := cache.New(cache.Config[string, string]{Size: 10, Read: s.read, Store: func(v string) bool { return v != "a 3" }})
	for range 2 {
		if _, err := c.Get(t.Context(), "a"); !errors.Is(err, s.err) {
			t.Errorf("Get = %v, want %v", err, s.err)
		}
	}
	s.err = nil
	get(t, c, "a", "a 3")
	get(t, c, "a", "a 4")
	get(t, c, "a", "a 4")
}

func TestConcurrentRequestsShareARead(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		ch, reads := &changes{}, atomic.Int64{}
		proceed := make(chan struct{})
		c := cache.New(cache.Config[string, string]{Size: 10, Changes: ch, Read: func(ctx context.Context, _ string) (string, error) {
			n := reads.Add(1)
			<-proceed
			return strconv.FormatInt(n, 10), ctx.Err()
		}})
		first, cancel := context.WithCancel(t.Context())
		results := make(chan string, 10)
		request := func(ctx context.Context) {
			v, err := c.Get(ctx, "a")
			if err != nil {
				v = err.Error()
			}
			results <- v
		}
		go request(first)
		synctest.Wait()
		go request(t.Context())
		gone, leave := context.WithCancel(t.Context())
		go request(gone)
		synctest.Wait()

		leave()
		if got := <-results; got != "wait for a read: context canceled" {
			t.Errorf("a request that was cancelled while it waited got %q", got)
		}
		ch.version.Add(1) // a request after a change must not share the read that began before
		go request(t.Context())
		synctest.Wait()
		cancel() // does not end the shared read
		close(proceed)
		synctest.Wait()
		got := map[string]int{}
		for range 3 {
			got[<-results]++
		}
		if got["1"] != 2 || got["2"] != 1 {
			t.Errorf("results %v, want the first read twice and the second once", got)
		}
		if v, err := c.Get(t.Context(), "a"); err != nil || v != "2" {
			t.Errorf("Get = %q, %v; want the value that was read after the change", v, err)
		}
	})
}

func TestAForgottenReadIsNotStored(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		reads, proceed := atomic.Int64{}, make(chan struct{})
		c := cache.New(cache.Config[string, int64]{Size: 10, Read: func(context.Context, string) (int64, error) {
			n := reads.Add(1)
			<-proceed
			return n, nil
		}})
		done := make(chan int64)
		go func() {
			v, _ := c.Get(t.Context(), "a")
			done <- v
		}()
		synctest.Wait()
		c.Forget("a")
		close(proceed)
		if v := <-done; v != 1 {
			t.Errorf("the first request got %d, want 1", v)
		}
		if v, _ := c.Get(t.Context(), "a"); v != 2 {
			t.Errorf("the next request got %d, want a second read", v)
		}
	})
}

func TestAPanicIsNoValue(t *testing.T) {
	t.Parallel()

	broken := true
	c := cache.New(cache.Config[string, int]{Size: 10, Read: func(context.Context, string) (int, error) {
		if broken {
			panic("broken")
		}
		return 1, nil
	}})
	func() {
		defer func() { _ = recover() }()
		_, _ = c.Get(t.Context(), "a")
	}()
	broken = false
	if v, err := c.Get(t.Context(), "a"); v != 1 || err != nil {
		t.Errorf("Get = %d, %v after a panic, want a new read", v, err)
	}
}

func TestAMapHasAMaximumSize(t *testing.T) {
	t.Parallel()

	m := cache.NewMap[int, int](100)
	var wait sync.WaitGroup
	for worker := range 4 {
		wait.Go(func() {
			for i := range 1000 {
				m.Put(worker*1000+i, i)
			}
		})
	}
	wait.Wait()
	if n := m.Len(); n != 100 {
		t.Errorf("the map has %d keys, want 100", n)
	}
	m.Put(-1, 7)
	m.Put(-1, 8)
	if v, ok := m.Get(-1); v != 8 || !ok || m.Len() != 100 {
		t.Errorf("Get = %d, %v with %d keys; want 8 of 100", v, ok, m.Len())
	}
	m.Delete(-1)
	if _, ok := m.Get(-1); ok || m.Len() != 99 {
		t.Errorf("the key is there after Delete, of %d", m.Len())
	}
}

func TestAHitDoesNotAllocate(t *testing.T) { // not parallel: measures allocations
	s, ch := &source{}, &changes{}
	c := cache.New(cache.Config[string, string]{
		Size: 10, Read: s.read, Changes: ch, TTL: time.Hour, Now: time.Now, Valid: func(string, time.Time) bool { return true },
	})
	if n := testing.AllocsPerRun(100, func() { _, _ = c.Get(t.Context(), "a") }); n != 0 {
		t.Errorf("a hit allocates %v times, want none", n)
	}
}

func BenchmarkHit(b *testing.B) {
	s, ch := &source{}, &changes{}
	c := cache.New(cache.Config[string, string]{Size: 10, Read: s.read, Changes: ch})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Get(b.Context(), "a"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReplace adds keys to a full map.
func BenchmarkReplace(b *testing.B) {
	m := cache.NewMap[[32]byte, [7]int64](8192)
	var key [32]byte
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		key[0], key[1], key[2], key[3] = byte(i), byte(i>>8), byte(i>>16), byte(i>>24)
		m.Put(key, [7]int64{})
	}
}
