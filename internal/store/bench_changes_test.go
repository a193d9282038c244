package store_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

// BenchmarkCachedClient reads a cached client, as most requests do once or twice.
func BenchmarkCachedClient(b *testing.B) {
	s := storetest.New(b)
	if err := s.Clients.InsertClient(b.Context(), fixture.Client("rp")); err != nil {
		b.Fatal(err)
	}
	storetest.Follow(b, s)
	cache := store.NewClientCache(s, 10)
	for b.Loop() {
		if _, err := cache.Client(b.Context(), "rp"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkChangesVersion is the part of it that checks whether the record may have
// changed.
func BenchmarkChangesVersion(b *testing.B) {
	s := storetest.New(b)
	storetest.Follow(b, s)
	for b.Loop() {
		if _, fresh := s.Changes().Version(); !fresh {
			b.Fatal("no reading is fresh")
		}
	}
}

// BenchmarkChangeAcknowledged changes a client, with and without other replicas. It
// waits until each of them has read the change counter, which they do every 250 ms.
func BenchmarkChangeAcknowledged(b *testing.B) {
	for _, others := range []int{0, 1, 2} {
		for engine, fresh := range map[string]func(testing.TB) string{"sqlite": storetest.SQLiteURL, "postgres": storetest.MigratedURL} {
			b.Run(fmt.Sprintf("%s/others=%d", engine, others), func(b *testing.B) {
				url := fresh(b)
				stores := make([]*store.Store, others+1)
				for i := range stores {
					s, err := store.Open(b.Context(), store.Config{URL: url, MaxConns: 6})
					if err != nil {
						b.Fatal(err)
					}
					b.Cleanup(s.Close)
					storetest.Follow(b, s)
					stores[i] = s
				}
				c := fixture.Client("rp")
				if err := stores[0].Clients.InsertClient(b.Context(), c); err != nil {
					b.Fatal(err)
				}
				for b.Loop() {
					b.StopTimer()
					time.Sleep(rand.N(250 * time.Millisecond)) // a random time between two readings
					b.StartTimer()
					if err := stores[0].Clients.UpdateClient(b.Context(), c); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
