package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/activity"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

// eventsOf returns the number of events of one kind in the activity of an account.
func eventsOf(t *testing.T, s *store.Store, subject string, kind activity.Kind) (n int) {
	t.Helper()
	list, err := s.Activity.ListActivity(t.Context(), subject, "", 100)
	must(t, err)
	for _, e := range list {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// A check counts for the hash that was compared. A breached password must be changed, unless
// something else comes first.
func TestBreachChecks(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a := fixture.Account("alice")
		a.SetPassword("first hash", noon)
		must(t, s.Accounts.InsertAccount(t.Context(), a))
		want := func(what string, check account.BreachCheck, state account.State) {
			t.Helper()
			got, err := s.Accounts.Account(t.Context(), "alice")
			must(t, err)
			if got.Breach != check || got.State != state {
				t.Errorf("%s: check %d, state %s, want %d, %s", what, got.Breach, got.State, check, state)
			}
		}
		record := func(hash string, breached bool) {
			t.Helper()
			must(t, s.BreachChecks.RecordBreachCheck(t.Context(), "alice", hash, breached, noon.Add(time.Minute)))
		}
		want("before", account.BreachUnknown, account.Active)
		record("another hash", true)
		want("another hash", account.BreachUnknown, account.Active)
		record("first hash", false)
		want("not on the list", account.NotBreached, account.Active)

		must(t, s.Accounts.SetPassword(t.Context(), "alice", "second hash", noon))
		want("a new password", account.BreachUnknown, account.Active)
		setState := func(state account.State) {
			t.Helper()
			_, err := s.Accounts.ChangeAccount(t.Context(), "alice", noon, func(a *account.Account) error { a.State = state; return nil })
			must(t, err)
		}
		setState(account.MustEnrol)
		record("second hash", true)
		want("an account that must enrol", account.BreachUnknown, account.MustEnrol)
		setState(account.Active)
		record("second hash", true)
		want("on the list", account.Breached, account.MustChangePassword)
		if n := eventsOf(t, s, "alice", activity.PasswordBreached); n != 1 {
			t.Errorf("%d events, want 1", n)
		}
	})
}

// Of concurrent acceptances of a version one is an event.
func TestTermsAreAcceptedOnce(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		one, two := storetest.Open(t, url), storetest.Open(t, url)
		must(t, one.Accounts.InsertAccount(t.Context(), fixture.Account("alice")))
		for _, err := range fixture.Race(t, one, two, func(ctx context.Context, s *store.Store) error {
			return s.Terms.AcceptTerms(ctx, "alice", "2026", noon)
		}) {
			must(t, err)
		}
		got, err := two.Accounts.Account(t.Context(), "alice")
		must(t, err)
		if want := (account.AcceptedTerms{Version: "2026", At: noon}); got.Terms != want {
			t.Errorf("accepted %+v, want %+v", got.Terms, want)
		}
		if n := eventsOf(t, one, "alice", activity.TermsAccepted); n != 1 {
			t.Errorf("%d events, want 1", n)
		}
	})
}
