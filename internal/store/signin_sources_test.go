package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

func TestKnownSourcesAreBoundedAndExpire(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		a := fixture.Account("alice")
		source := func(device, network int) account.SignInSource {
			return account.NewSignInSource(a.Username, fmt.Sprint("device ", device), fmt.Sprint("network ", network), fmt.Sprint("wider ", network))
		}
		known := func(device, network int, now time.Time) account.KnownSource {
			t.Helper()
			k, err := s.SignInSources.KnownSource(t.Context(), source(device, network), now)
			must(t, err)
			return k
		}
		const count = 90
		at := func(i int) time.Time { return noon.Add(time.Duration(i) * time.Second) }
		for i := range count {
			must(t, s.SignInSources.NoteSource(t.Context(), a, source(i, i), session.Origin{}, at(i)))
		}
		for what, tc := range map[string]struct {
			device, network int
			now             time.Time
			want            account.KnownSource
		}{
			"the oldest":               {0, 0, at(count), account.KnownSource{Networks: make([]time.Time, 2)}},
			"the 51st device":          {39, 89, at(count), account.KnownSource{Networks: []time.Time{at(89), at(89)}}},
			"the 50th device":          {40, 14, at(count), account.KnownSource{Device: at(40), Networks: make([]time.Time, 2)}},
			"the 75th network":         {0, 15, at(count), account.KnownSource{Networks: []time.Time{at(15), at(15)}}},
			"before the network ends":  {89, 89, at(88).Add(account.NetworkLifetime), account.KnownSource{Device: at(89), Networks: []time.Time{at(89), at(89)}}},
			"when the network expires": {89, 89, at(89).Add(account.NetworkLifetime), account.KnownSource{Device: at(89), Networks: make([]time.Time, 2)}},
			"when both have expired":   {89, 89, at(89).Add(account.DeviceLifetime), account.KnownSource{Networks: make([]time.Time, 2)}},
		} {
			wantSame(t, what, known(tc.device, tc.network, tc.now), tc.want)
		}
		others, err := s.SignInSources.KnownSource(t.Context(), account.NewSignInSource("name-of-bob", "device 89", "network 89"), at(count))
		must(t, err)
		wantSame(t, "the device of another account", others, account.KnownSource{Networks: make([]time.Time, 1)})
	})
}

// Only the failure counters of the account itself are cleared.
func TestUnlockClearsAllCountersOfOneAccount(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		a := fixture.Account("alice")
		source := account.NewSignInSource(a.Username, "device", "network")
		must(t, s.SignInSources.NoteSource(t.Context(), a, source, session.Origin{}, noon))
		counters := []string{
			account.SharedCounter(a.Username), account.SourceCounter(source.Device), account.SourceCounter(source.Networks[0]),
			account.SharedCounter("name-of-bob"),
		}
		for _, counter := range counters {
			for _, l := range account.Lockout(counter) {
				_, _, err := s.Throttle.CountAttempt(t.Context(), l.Key, l.Window, noon)
				must(t, err)
			}
		}
		must(t, s.Accounts.EndLockdown(t.Context(), a.Subject, noon))
		for i, counter := range counters {
			for _, l := range account.Lockout(counter) {
				count, _, err := s.Throttle.AttemptCount(t.Context(), l.Key, noon)
				must(t, err)
				if want := i / 3; count != want {
					t.Errorf("%s counts %d after the unlock, want %d", l.Key, count, want)
				}
			}
		}
		wantErr(t, "EndLockdown of an unknown record", s.Accounts.EndLockdown(t.Context(), "unknown", noon), account.ErrNotFound)
	})
}
