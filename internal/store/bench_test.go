package store_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// onEach runs a benchmark on both engines, each waiting for its disk, with the
// partitions of a day or two behind it.
func onEach(b *testing.B, bench func(b *testing.B, s *store.Store)) {
	b.Helper()
	for engine, url := range map[string]func(testing.TB) string{
		"sqlite": storetest.SQLiteURL,
		"postgres": func(tb testing.TB) string {
			tb.Helper()
			return storetest.StartPostgres(tb, storetest.Options{Durable: true}).URL()
		},
	} {
		b.Run(engine, func(b *testing.B) {
			s := storetest.Open(b, url(b))
			_, err := s.Migrate(b.Context())
			must(b, err)
			for hours := range 48 {
				_, err := s.Purge(b.Context(), noon.Add(-time.Duration(hours)*time.Hour))
				must(b, err)
			}
			furnish(b, s)
			bench(b, s)
		})
	}
}

func BenchmarkInsertGrant(b *testing.B) {
	onEach(b, func(b *testing.B, s *store.Store) {
		b.Helper()
		for b.Loop() {
			must(b, s.InsertGrant(b.Context(), aGrant("rp", "alice")))
		}
	})
}

func BenchmarkSpendCode(b *testing.B) {
	onEach(b, func(b *testing.B, s *store.Store) {
		b.Helper()
		for b.Loop() {
			b.StopTimer()
			g := insert(b, s, nil)
			b.StartTimer()
			spend(b, s, g)
		}
	})
}

func BenchmarkRotateRefresh(b *testing.B) {
	onEach(b, func(b *testing.B, s *store.Store) {
		b.Helper()
		g := insert(b, s, nil)
		r := grant.Rotation{Ref: g.Ref, ClientID: "rp", Until: noon.Add(time.Hour), Now: noon}
		spend(b, s, g)
		for b.Loop() {
			r.Generation++
			_, err := s.RotateRefresh(b.Context(), r)
			must(b, err)
		}
	})
}

func BenchmarkLiveGrant(b *testing.B) {
	onEach(b, func(b *testing.B, s *store.Store) {
		b.Helper()
		g := insert(b, s, nil)
		for b.Loop() {
			_, err := s.LiveGrant(b.Context(), g.Ref, "jti", noon)
			must(b, err)
		}
	})
}

// atOnce runs act from many callers.
func atOnce(b *testing.B, act func(i int)) {
	b.Helper()
	var next atomic.Int64
	b.SetParallelism(16) // times the processors
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			act(int(next.Add(1)))
		}
	})
}

func BenchmarkRotateRefreshAtOnce(b *testing.B) {
	onEach(b, func(b *testing.B, s *store.Store) {
		b.Helper()
		type line struct {
			sync.Mutex
			grant.Rotation
		}
		lines := make([]line, 64)
		for i := range lines {
			g := insert(b, s, nil)
			spend(b, s, g)
			lines[i].Rotation = grant.Rotation{Ref: g.Ref, ClientID: "rp", Until: noon.Add(time.Hour), Now: noon}
		}
		b.ResetTimer()
		atOnce(b, func(i int) {
			l := &lines[i%len(lines)]
			l.Lock()
			defer l.Unlock()
			l.Generation++
			_, err := s.RotateRefresh(b.Context(), l.Rotation)
			must(b, err)
		})
	})
}

func BenchmarkLiveGrantAtOnce(b *testing.B) {
	onEach(b, func(b *testing.B, s *store.Store) {
		b.Helper()
		g := insert(b, s, nil)
		b.ResetTimer()
		atOnce(b, func(int) {
			_, err := s.LiveGrant(b.Context(), g.Ref, "jti", noon)
			must(b, err)
		})
	})
}
