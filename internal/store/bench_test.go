//go:build unix

package store_test

import (
	"crypto/rand"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

// callers is the number of concurrent callers of a parallel benchmark.
const callers = 32

// onEach runs a benchmark on both engines with durable writes and the partitions of two
// days, with one caller and with many.
//
// ready prepares n calls and returns the function that each of them runs.
func onEach(b *testing.B, ready func(b *testing.B, s *store.Store, n int) (call func() error)) {
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
			fixture.Seed(b, s)
			b.Run("serial", func(b *testing.B) {
				serial(b, func(n int) func() error { return ready(b, s, n) })
			})
			b.Run("parallel", func(b *testing.B) {
				parallel(b, ready(b, s, b.N))
			})
		})
	}
}

// serial runs call after call. It prepares some of them at a time, while the timer is
// stopped.
func serial(b *testing.B, ready func(n int) func() error) {
	b.Helper()
	const some = 256
	var call func() error
	var spent meter
	spent.start()
	left := 0
	for b.Loop() {
		if left == 0 {
			b.StopTimer()
			spent.stop()
			left, call = some, ready(some)
			spent.start()
			b.StartTimer()
		}
		left--
		must(b, call())
	}
	spent.stop()
	spent.report(b)
}

// parallel runs the calls of all callers concurrently.
func parallel(b *testing.B, call func() error) {
	b.Helper()
	b.SetParallelism((callers + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0))
	var spent meter
	spent.start()
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if err := call(); err != nil {
				b.Error(err)
				return
			}
		}
	})
	spent.stop()
	spent.report(b)
}

// stock prepares n values, which are then used one by one.
func stock[T any](b *testing.B, n int, fresh func() T) (take func() T) {
	b.Helper()
	all := make([]T, n)
	var made, taken atomic.Int64
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			for i := made.Add(1); i <= int64(n); i = made.Add(1) {
				all[i-1] = fresh()
			}
		})
	}
	group.Wait()
	return func() T { return all[taken.Add(1)-1] }
}

func BenchmarkInsertGrant(b *testing.B) {
	onEach(b, func(b *testing.B, s *store.Store, _ int) func() error {
		b.Helper()
		return func() error { return s.Grants.InsertGrant(b.Context(), fixture.Grant("rp", "alice")) }
	})
}

func BenchmarkSpendCode(b *testing.B) {
	onEach(b, func(b *testing.B, s *store.Store, n int) func() error {
		b.Helper()
		codes := stock(b, n, func() grant.Locator {
			g := fixture.Grant("rp", "alice")
			if err := s.Grants.InsertGrant(b.Context(), g); err != nil {
				b.Error(err)
			}
			return g.Locator
		})
		return func() error {
			_, err := s.Grants.RedeemCode(b.Context(), grant.CodeRedemption{Ref: codes(), ClientID: "rp", Now: noon})
			return err
		}
	})
}

// Each caller has a separate grant, as a client has.
func BenchmarkRotateRefresh(b *testing.B) {
	onEach(b, func(b *testing.B, s *store.Store, _ int) func() error {
		b.Helper()
		current := make(chan grant.RefreshRotation, callers)
		for range callers {
			g := fixture.InsertGrant(b, s, nil)
			fixture.RedeemCode(b, s, g)
			current <- grant.RefreshRotation{Ref: g.Locator, ClientID: "rp", Generation: 1, ExpiresAt: noon.Add(time.Hour), Now: noon}
		}
		return func() error {
			r := <-current
			_, err := s.Grants.RotateRefresh(b.Context(), r)
			r.Generation++
			current <- r
			return err
		}
	})
}

func BenchmarkLiveGrant(b *testing.B) {
	onEach(b, func(b *testing.B, s *store.Store, _ int) func() error {
		b.Helper()
		g := fixture.InsertGrant(b, s, nil)
		return func() error {
			_, err := s.Grants.LiveGrant(b.Context(), g.Locator, "jti", noon)
			return err
		}
	})
}

func BenchmarkDenyToken(b *testing.B) {
	onEach(b, func(b *testing.B, s *store.Store, _ int) func() error {
		b.Helper()
		return func() error { return s.Grants.DenyToken(b.Context(), rand.Text(), noon.Add(time.Hour)) }
	})
}

func BenchmarkClaimOnce(b *testing.B) {
	onEach(b, func(b *testing.B, s *store.Store, _ int) func() error {
		b.Helper()
		return func() error {
			first, err := s.Replay.ClaimOnce(b.Context(), "assertion", "rp", rand.Text(), noon.Add(time.Minute), noon)
			if err == nil && !first {
				return errors.New("claimed before")
			}
			return err
		}
	})
}

func BenchmarkSessionAndConsent(b *testing.B) {
	onEach(b, func(b *testing.B, s *store.Store, _ int) func() error {
		b.Helper()
		id := rand.Text()
		must(b, s.Sessions.InsertSession(b.Context(), fixture.Session(id, "alice"), nil))
		must(b, s.Consents.SaveConsent(b.Context(), &consent.Consent{Subject: "alice", ClientID: "rp", Scopes: []string{"openid"}, GivenAt: noon}))
		return func() error {
			_, _, err := s.Sessions.SessionAndConsent(b.Context(), fixture.CookieHash(id), "rp", noon)
			return err
		}
	})
}
