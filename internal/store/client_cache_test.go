package store_test

import (
	"context"
	"testing"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

func TestClientCache(t *testing.T) {
	t.Parallel()

	reads := func(t *testing.T, s *store.Store, cache *store.ClientCache, id string) int64 {
		t.Helper()
		before := s.Statements()
		if _, err := cache.Client(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		return s.Statements() - before
	}
	fresh := func(t *testing.T, size int) (*store.Store, *store.ClientCache) {
		t.Helper()
		s := storetest.New(t)
		storetest.Follow(t, s)
		for _, id := range []string{"a", "b", "c"} {
			must(t, s.Clients.InsertClient(t.Context(), fixture.Client(id)))
		}
		return s, store.NewClientCache(s, size)
	}

	t.Run("a client is read once until something changes", func(t *testing.T) {
		t.Parallel()
		s, cache := fresh(t, 10)
		got := []int64{reads(t, s, cache, "a"), reads(t, s, cache, "a")}
		must(t, s.Clients.EndClientTokens(t.Context(), "b", noon))
		got = append(got, reads(t, s, cache, "a"), reads(t, s, cache, "a"))
		wantSame(t, "statements: at first, again, after a change, and again", got, []int64{1, 0, 1, 0})
	})

	t.Run("a forgotten client is read again", func(t *testing.T) {
		t.Parallel()
		s, cache := fresh(t, 10)
		reads(t, s, cache, "a")
		cache.Forget("a")
		wantSame(t, "statements", reads(t, s, cache, "a"), int64(1))
	})

	t.Run("it never holds more than its size", func(t *testing.T) {
		t.Parallel()
		s, cache := fresh(t, 2)
		total := int64(0)
		for range 3 {
			for _, id := range []string{"a", "b", "c"} {
				total += reads(t, s, cache, id)
			}
		}
		if total < 4 {
			t.Errorf("nine readings of three clients took %d statements, too few for a cache of two", total)
		}
	})

	t.Run("an unknown client is asked for each time, and found as soon as it is there", func(t *testing.T) {
		t.Parallel()
		s, cache := fresh(t, 10)
		_, err := cache.Client(t.Context(), "late")
		wantErr(t, "Client", err, client.ErrNotFound)
		must(t, s.Clients.InsertClient(t.Context(), fixture.Client("late")))
		_, err = cache.Client(t.Context(), "late")
		must(t, err)
	})

	t.Run("concurrent callers share one statement", func(t *testing.T) {
		t.Parallel()
		s, cache := fresh(t, 10)
		before := s.Statements()
		for _, err := range fixture.Race(t, s, s, func(ctx context.Context, _ *store.Store) error {
			_, err := cache.Client(ctx, "a")
			return err
		}) {
			must(t, err)
		}
		wantSame(t, "statements", s.Statements()-before, int64(1))
	})
}
