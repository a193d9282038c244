package store_test

import (
	"testing"

	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// BenchmarkCachedClient looks up a client that is cached, which most requests do once or
// twice.
func BenchmarkCachedClient(b *testing.B) {
	s := storetest.New(b)
	if err := s.InsertClient(b.Context(), aClient("rp")); err != nil {
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

// BenchmarkChangesVersion is the part of it that asks whether the record may have
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
