package store_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/onetime"
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

func TestOneTimeValuesAreClaimedTogether(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		value := func(key string) onetime.Value {
			return onetime.Value{Kind: "proof", Owner: "rp", Key: key, Until: noon.Add(time.Minute), Used: errors.New(key + " was used")}
		}
		claim := func(now time.Time, want string, keys ...string) {
			t.Helper()
			var values []onetime.Value
			for _, key := range keys {
				values = append(values, value(key))
			}
			err := s.Replay.ClaimAll(t.Context(), now, values...)
			if got := fmt.Sprint(err); got != want {
				t.Errorf("ClaimAll of %q = %s, want %s", keys, got, want)
			}
		}
		claim(noon, "<nil>")
		claim(noon, "<nil>", "a", "b")
		claim(noon, "b was used", "c", "b")
		claim(noon, "<nil>", "c")
		claim(noon, "c was used", "c")
		claim(noon, "a was used", "d", "a", "b")
		claim(noon.Add(time.Minute), "<nil>", "a", "b")
	})
}

// Of concurrent claims that have a value in common one succeeds, in whatever order they name their values,
// and the others claim nothing.
func TestOneTimeValuesAreClaimedTogetherOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		const callers = 16
		used := errors.New("used")
		results := make([]error, callers)
		var group sync.WaitGroup
		for i := range callers {
			values := []onetime.Value{
				{Kind: "assertion", Key: "shared", Until: noon.Add(time.Minute), Used: used},
				{Kind: "proof", Key: "shared", Until: noon.Add(time.Minute), Used: used},
				{Kind: "proof", Key: fmt.Sprint("own", i), Until: noon.Add(time.Minute), Used: used},
			}
			if i%2 == 1 {
				slices.Reverse(values)
			}
			group.Go(func() { results[i] = s.Replay.ClaimAll(t.Context(), noon, values...) })
		}
		group.Wait()
		succeeded := 0
		for i, err := range results {
			switch {
			case err == nil:
				succeeded++
			case !errors.Is(err, used):
				t.Errorf("claim %d: %v, want %v", i, err, used)
			}
			first, again := s.Replay.ClaimOnce(t.Context(), "proof", "", fmt.Sprint("own", i), noon.Add(time.Minute), noon)
			if again != nil || first != (err != nil) {
				t.Errorf("claim %d ended with %v, and its own value can be claimed: %v, %v", i, err, first, again)
			}
		}
		if succeeded != 1 {
			t.Errorf("%d of %d concurrent claims succeeded, want 1", succeeded, callers)
		}
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
