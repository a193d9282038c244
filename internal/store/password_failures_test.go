package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

func wantFailures(t *testing.T, s *store.Store, key string, want int) {
	t.Helper()
	got, err := s.Throttle.FailuresInRow(t.Context(), key)
	must(t, err)
	if got != want {
		t.Errorf("%d failures of %s, want %d", got, key, want)
	}
}

// Concurrent failures on two replicas all count.
func TestFailuresInRow(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		one, two := storetest.Open(t, url), storetest.Open(t, url)
		results := fixture.Race(t, one, two, func(ctx context.Context, s *store.Store) error {
			return s.Throttle.AddFailure(ctx, "ada", noon)
		})
		for _, err := range results {
			must(t, err)
		}
		wantFailures(t, one, "ada", len(results))
		wantFailures(t, two, "bob", 0)
		must(t, one.Throttle.ResetFailures(t.Context(), "ada"))
		wantFailures(t, two, "ada", 0)
	})
}

// A counter that has reached its limit stays. Others expire, and their number is bounded.
func TestFailuresInRowArePurged(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for range account.RestAfter {
			must(t, s.Throttle.AddFailure(t.Context(), "rests", noon))
		}
		must(t, s.Throttle.AddFailure(t.Context(), "old", noon))
		later := noon.Add(account.FailureMemory + 2*time.Hour)
		must(t, s.Throttle.AddFailure(t.Context(), "recent", later))
		_, err := s.Purge(t.Context(), later)
		must(t, err)
		wantFailures(t, s, "rests", account.RestAfter)
		wantFailures(t, s, "old", 0)
		wantFailures(t, s, "recent", 1)

		s.BoundPasswordFailures(1)
		_, err = s.Purge(t.Context(), later)
		must(t, err)
		wantFailures(t, s, "rests", 0)
		wantFailures(t, s, "recent", 1)
	})
}

// The counters of attempts whose window ends first go when there are too many.
func TestAttemptCountersAreBounded(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		s.BoundAttemptCounters(2)
		for key, window := range map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour} {
			_, _, err := s.Throttle.CountAttempt(t.Context(), key, window, noon)
			must(t, err)
		}
		_, err := s.Purge(t.Context(), noon)
		must(t, err)
		for key, want := range map[string]int{"minute": 0, "hour": 1, "day": 1} {
			if got, _, err := s.Throttle.AttemptCount(t.Context(), key, noon); err != nil || got != want {
				t.Errorf("%s: %d attempts, %v, want %d", key, got, err, want)
			}
		}
	})
}
