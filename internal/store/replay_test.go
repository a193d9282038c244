package store_test

import (
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

func TestOneTimeValueIsClaimedOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		claim := func(kind, owner, key string, now time.Time, want bool) {
			t.Helper()
			got, err := s.Replay.ClaimOnce(t.Context(), kind, owner, key, now.Add(time.Minute), now)
			if err != nil || got != want {
				t.Errorf("ClaimOnce(%s, %s, %s, %v) = %v, %v, want %v", kind, owner, key, now, got, err, want)
			}
		}
		claim("assertion", "rp", "jti", noon, true)
		claim("assertion", "rp", "jti", noon, false)
		claim("assertion", "rp", "jti", noon.Add(time.Minute-time.Microsecond), false)
		claim("proof", "rp", "jti", noon, true)
		claim("assertion", "other", "jti", noon, true)
		claim("assertion", "rpj", "ti", noon, true)
		claim("assertion", "rp", "jti", noon.Add(time.Minute), true)
		claim("assertion", "rp", "jti", noon.Add(time.Minute), false)
	})
}

func TestAttemptsAreCounted(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		type state struct {
			Count int
			Since time.Time
		}
		guess := func(now time.Time, want state) {
			t.Helper()
			count, since, err := s.Throttle.CountAttempt(t.Context(), "alice", time.Minute, now)
			must(t, err)
			wantSame(t, "CountAttempt at "+now.String(), state{count, since}, want)
		}
		look := func(key string, now time.Time, want state) {
			t.Helper()
			count, since, err := s.Throttle.AttemptCount(t.Context(), key, now)
			must(t, err)
			wantSame(t, "AttemptCount of "+key, state{count, since}, want)
		}
		look("alice", noon, state{})
		guess(noon, state{1, noon})
		guess(noon.Add(time.Second), state{2, noon})
		look("alice", noon.Add(59*time.Second), state{2, noon})
		look("alice", noon.Add(time.Minute), state{})
		look("bob", noon, state{})

		guess(noon.Add(time.Minute), state{1, noon.Add(time.Minute)})
		must(t, s.Throttle.ResetAttempts(t.Context(), "alice"))
		look("alice", noon.Add(time.Minute), state{})
		guess(noon.Add(61*time.Second), state{1, noon.Add(61 * time.Second)})
	})
}
