package store_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

// usedAt records a sign-in of an account.
func usedAt(t *testing.T, s *store.Store, subject string, at time.Time) {
	t.Helper()
	a := anAccount(t, s, subject)
	must(t, s.SignInSources.NoteSource(t.Context(), a, account.NewSignInSource(a.Username, "device of "+subject, "network"), session.Origin{}, at))
}

// warned returns the addresses that got a message, sorted.
func warned(t *testing.T, s *store.Store) []string {
	t.Helper()
	list, err := s.Mails.ListMails(t.Context(), store.MailFilter{}, "", 100)
	must(t, err)
	var to []string
	for _, m := range list {
		if m.Kind == mail.AccountInactive {
			to = append(to, m.To)
		}
	}
	slices.Sort(to)
	return to
}

// wantDisabled fails unless the named accounts, and no others, are disabled.
func wantDisabled(t *testing.T, s *store.Store, want ...string) {
	t.Helper()
	list, err := s.Accounts.ListAccounts(t.Context(), "", 1000)
	must(t, err)
	var got []string
	for _, a := range list {
		if !a.DisabledAt.IsZero() {
			got = append(got, a.Subject)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("%q are disabled, want %q", got, want)
	}
}

// An account that is not used is disabled, after a message to its user. A sign-in and tokens
// postpone it, and the last owner stays.
func TestInactiveAccountsAreDisabled(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		s.NotifyUsers()
		s.DisableInactive(store.InactivityRule{DisableAfter: 100 * day, WarnBefore: 30 * day})
		must(t, s.Clients.InsertClient(t.Context(), fixture.Client("rp")))
		for _, subject := range []string{"app", "idle", "owner", "returns", "used"} {
			a := fixture.Account(subject)
			if subject == "owner" {
				a.AdminRole = account.Owner
			}
			must(t, s.Accounts.InsertAccount(t.Context(), a))
		}
		must(t, s.Accounts.InsertAccount(t.Context(), account.NewExternal("external", fixture.Account("idle").CreatedAt)))
		fixture.RedeemCode(t, s, fixture.InsertGrant(t, s, func(g *grant.Grant) {
			g.Subject, g.TokensUntil, g.ExpiresAt = "app", noon.Add(5*day), noon.Add(85*day)
		}))
		purge := func(days int) {
			t.Helper()
			_, err := s.Purge(t.Context(), noon.Add(time.Duration(days)*day))
			must(t, err)
		}
		wantWarned := func(want ...string) {
			t.Helper()
			if got := warned(t, s); !slices.Equal(got, want) {
				t.Errorf("%q were warned, want %q", got, want)
			}
		}

		purge(69)
		wantWarned()
		usedAt(t, s, "used", noon.Add(60*day))
		for range 2 { // the second purge sends no message
			purge(71)
			wantWarned("idle@example.org", "owner@example.org", "returns@example.org")
		}
		usedAt(t, s, "returns", noon.Add(80*day))
		purge(76)
		wantWarned("app@example.org", "idle@example.org", "owner@example.org", "returns@example.org")
		purge(100) // the user has 30 days after the message
		wantDisabled(t, s)
		purge(102)
		wantDisabled(t, s, "idle")
		purge(107)
		wantDisabled(t, s, "app", "idle")
	})
}

// A server without mail disables accounts without a message. It examines all of them, some in
// each purge, and does nothing without a rule.
func TestInactiveAccountsWithoutMail(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		want := make([]string, 250)
		for i := range want {
			want[i] = "idle-" + strconv.Itoa(1000+i)
			must(t, s.Accounts.InsertAccount(t.Context(), fixture.Account(want[i])))
		}
		later := noon.Add(101 * day)
		_, err := s.Purge(t.Context(), later)
		must(t, err)
		wantDisabled(t, s)
		s.DisableInactive(store.InactivityRule{DisableAfter: 100 * day, WarnBefore: 30 * day})
		for range 2 {
			_, err := s.Purge(t.Context(), later)
			must(t, err)
		}
		wantDisabled(t, s, want...)
		if got := warned(t, s); len(got) != 0 {
			t.Errorf("%d users were warned", len(got))
		}
	})
}
