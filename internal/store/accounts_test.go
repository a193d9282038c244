package store_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

func TestAccountRoundTrip(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		want := fixture.Account("alice")
		want.AdminRole, want.DisabledAt, want.SessionsValidAfter = account.Owner, noon, noon
		must(t, s.Accounts.InsertAccount(t.Context(), want))

		bySubject, err := s.Accounts.Account(t.Context(), "alice")
		must(t, err)
		wantSame(t, "account by subject", bySubject, want)
		byName, err := s.Accounts.AccountByUsername(t.Context(), "name-of-alice")
		must(t, err)
		wantSame(t, "account by username", byName, want)

		taken := fixture.Account("another")
		taken.Username = want.Username
		wantErr(t, "InsertAccount with a taken username", s.Accounts.InsertAccount(t.Context(), taken), account.ErrExists)
		_, err = s.Accounts.Account(t.Context(), "unknown")
		wantErr(t, "Account of an unknown record", err, account.ErrNotFound)
		_, err = s.Accounts.AccountByUsername(t.Context(), "unknown")
		wantErr(t, "AccountByUsername of an unknown record", err, account.ErrNotFound)
	})
}

func TestAccountChangesEndSessionsAndGrants(t *testing.T) {
	t.Parallel()

	later := noon.Add(time.Minute)
	for name, end := range map[string]func(context.Context, *store.Store) error{
		"a new password": func(ctx context.Context, s *store.Store) error {
			return s.Accounts.SetPassword(ctx, "alice", "$new", later)
		},
		"disabling the account": func(ctx context.Context, s *store.Store) error {
			return s.Accounts.SetDisabled(ctx, "alice", true, later)
		},
		"disabling the account and enabling it again": func(ctx context.Context, s *store.Store) error {
			if err := s.Accounts.SetDisabled(ctx, "alice", true, later); err != nil {
				return err
			}
			return s.Accounts.SetDisabled(ctx, "alice", false, later)
		},
		"deleting the account": func(ctx context.Context, s *store.Store) error {
			return s.Accounts.DeleteAccount(ctx, "alice", noon)
		},
		"an import with a new password": func(ctx context.Context, s *store.Store) error {
			a := fixture.Account("alice")
			a.UpdatedAt = later
			a.SetPassword("$new", later)
			_, _, err := s.Accounts.ImportAccounts(ctx, imports(a))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				fixture.Seed(t, s)
				must(t, s.Sessions.InsertSession(t.Context(), fixture.Session("alices", "alice"), nil))
				must(t, s.Sessions.InsertSession(t.Context(), fixture.Session("bobs", "bob"), nil))
				coded, refreshed := fixture.InsertGrant(t, s, nil), fixture.InsertGrant(t, s, nil)
				bobs := fixture.InsertGrant(t, s, func(g *grant.Grant) { g.Subject = "bob" })
				fixture.RedeemCode(t, s, refreshed)

				must(t, end(t.Context(), s))

				_, _, err := s.Sessions.SessionAndConsent(t.Context(), fixture.CookieHash("alices"), "rp", later)
				wantErr(t, "alice's session", err, session.ErrNotFound)
				fixture.WantLive(t, s, coded.Locator, later, false)
				fixture.WantLive(t, s, refreshed.Locator, later, false)
				_, err = s.Grants.RedeemCode(t.Context(), grant.CodeRedemption{Ref: coded.Locator, ClientID: "rp", Now: noon})
				wantErr(t, "alice's code", err, grant.ErrNotFound)
				_, err = s.Grants.RotateRefresh(t.Context(), grant.RefreshRotation{Ref: refreshed.Locator, ClientID: "rp", Generation: 1, ExpiresAt: later, Now: noon})
				wantErr(t, "alice's refresh token", err, grant.ErrNotFound)

				_, _, err = s.Sessions.SessionAndConsent(t.Context(), fixture.CookieHash("bobs"), "rp", later)
				must(t, err)
				fixture.WantLive(t, s, bobs.Locator, later, true)
			})
		})
	}
}

func TestAccountStaysUsableAfterwards(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		later := noon.Add(time.Minute)
		must(t, s.Accounts.SetPassword(t.Context(), "alice", "$new", later))
		n := fixture.Session("again", "alice")
		n.AuthTime = later
		must(t, s.Sessions.InsertSession(t.Context(), n, nil))
		_, _, err := s.Sessions.SessionAndConsent(t.Context(), fixture.CookieHash("again"), "rp", later)
		must(t, err)
		must(t, s.Sessions.InsertSession(t.Context(), fixture.Session("overtaken", "alice"), nil))
		_, _, err = s.Sessions.SessionAndConsent(t.Context(), fixture.CookieHash("overtaken"), "rp", later)
		wantErr(t, "a sign-in that the new password overtook", err, session.ErrNotFound)
		g := fixture.InsertGrant(t, s, func(g *grant.Grant) { g.CreatedAt = later })
		fixture.WantLive(t, s, g.Locator, later, true)

		a, err := s.Accounts.Account(t.Context(), "alice")
		must(t, err)
		want := fixture.Account("alice")
		want.SessionsValidAfter, want.UpdatedAt = later, later
		want.SetPassword("$new", later)
		wantSame(t, "account with a new password", a, want)
	})
}

// A user who registers a username before an operator imports it does not get the access
// of the import.
func TestImportDoesNotUpdateASelfRegisteredAccountWithoutAPassword(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		squatter := fixture.Account("carol")
		squatter.SelfRegistered = true
		must(t, s.Accounts.InsertAccount(t.Context(), squatter))

		imported := fixture.Account("carol")
		imported.Subject, imported.Password, imported.AdminRole = "another", nil, account.Owner
		_, _, err := s.Accounts.ImportAccounts(t.Context(), imports(fixture.Account("dave"), imported))
		wantErr(t, "an import without a password", err, account.ErrSelfRegistered)
		got, err := s.Accounts.Account(t.Context(), "carol")
		must(t, err)
		wantSame(t, "the account", got, squatter)
		_, err = s.Accounts.Account(t.Context(), "dave")
		wantErr(t, "the rest of the import", err, account.ErrNotFound)

		must(t, s.Sessions.InsertSession(t.Context(), fixture.Session("squatters", "carol"), nil))
		taking := fixture.Account("carol")
		taking.UpdatedAt = noon.Add(time.Second)
		taking.SetPassword("$operators", taking.UpdatedAt)
		_, _, err = s.Accounts.ImportAccounts(t.Context(), imports(taking))
		must(t, err)
		_, _, err = s.Sessions.SessionAndConsent(t.Context(), fixture.CookieHash("squatters"), "rp", noon.Add(time.Second))
		wantErr(t, "the session of who signed up", err, session.ErrNotFound)

		imported = fixture.Account("carol")
		imported.Password, imported.AdminRole = nil, account.Owner
		_, _, err = s.Accounts.ImportAccounts(t.Context(), imports(imported))
		must(t, err)
		got, err = s.Accounts.Account(t.Context(), "carol")
		must(t, err)
		if got.AdminRole != account.Owner || got.SelfRegistered {
			t.Errorf("the account that the operator took over is %+v, want an administrator's, not self-registered", got)
		}
	})
}

func TestUnknownAccountCannotChange(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		wantErr(t, "SetPassword", s.Accounts.SetPassword(t.Context(), "unknown", "$", noon), account.ErrNotFound)
		wantErr(t, "SetDisabled", s.Accounts.SetDisabled(t.Context(), "unknown", true, noon), account.ErrNotFound)
		wantErr(t, "SetDisabled", s.Accounts.SetDisabled(t.Context(), "unknown", false, noon), account.ErrNotFound)
		wantErr(t, "DeleteAccount", s.Accounts.DeleteAccount(t.Context(), "unknown", noon), account.ErrNotFound)
	})
}

func TestAccountImport(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		again := fixture.Account("a subject of its own")
		again.Username = "name-of-alice"
		must(t, again.SetEmail("new@example.org", false, noon))
		again.Password, again.UpdatedAt = nil, noon

		for round, want := range [][2]int{{1, 1}, {0, 0}} {
			entry := *again
			created, updated, err := s.Accounts.ImportAccounts(t.Context(), imports(&entry, fixture.Account("carol"), fixture.Account("bob")))
			if err != nil || created != want[0] || updated != want[1] {
				t.Errorf("round %d: ImportAccounts = %d created, %d updated, %v, want %v", round, created, updated, err, want)
			}
		}
		got, err := s.Accounts.AccountByUsername(t.Context(), "name-of-alice")
		must(t, err)
		want := fixture.Account("alice")
		want.Claims, want.Addresses, want.UpdatedAt = again.Claims, again.Addresses, noon
		wantSame(t, "the account that changed", got, want)
	})
}

// A trial returns the numbers of the import, and changes nothing.
func TestTrialOfAnImport(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		before, err := s.Accounts.ListAccounts(t.Context(), "", 10)
		must(t, err)
		changed := *before[0]
		changed.Claims = map[string]any{"name": "Another"}
		created, updated, err := s.Accounts.TryImport(t.Context(), imports(&changed, fixture.Account("carol")))
		if err != nil || created != 1 || updated != 1 {
			t.Errorf("TryImport = %d created, %d updated, %v, want one each", created, updated, err)
		}
		after, err := s.Accounts.ListAccounts(t.Context(), "", 10)
		must(t, err)
		wantSame(t, "the accounts", after, before)
		taken := fixture.Account("carol")
		taken.Username = "taken"
		_, _, err = s.Accounts.TryImport(t.Context(), imports(fixture.Account("carol"), taken))
		wantErr(t, "TryImport with a subject twice", err, account.ErrExists)
	})
}

func TestAccountImportIsAllOrNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		taken := fixture.Account("carol")
		taken.Username = "taken"
		_, _, err := s.Accounts.ImportAccounts(t.Context(), imports(fixture.Account("carol"), taken, fixture.Account("dave")))
		wantErr(t, "ImportAccounts with a subject twice", err, account.ErrExists)
		if err != nil && !strings.Contains(err.Error(), "account 2 (taken)") {
			t.Errorf("ImportAccounts = %v, want an error that names the entry", err)
		}
		list, err := s.Accounts.ListAccounts(t.Context(), "", 10)
		must(t, err)
		if len(list) != 0 {
			t.Errorf("a failed import left %d accounts, want none", len(list))
		}
	})
}

func TestAccountsAreListedInPages(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		first, err := s.Accounts.ListAccounts(t.Context(), "", 1)
		must(t, err)
		rest, err := s.Accounts.ListAccounts(t.Context(), first[0].Username, 10)
		must(t, err)
		wantSame(t, "pages", [][]*account.Account{first, rest}, [][]*account.Account{{fixture.Account("alice")}, {fixture.Account("bob")}})
	})
}

func TestSetupLink(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		link, first := session.Hash("link"), fixture.Account("first")
		first.AdminRole = account.Owner
		must(t, s.SetupLinks.InsertSetupLink(t.Context(), link, noon.Add(30*time.Minute)))
		must(t, s.Accounts.InsertAccount(t.Context(), fixture.Account("alice")))
		wantAdministrator(t, s, false)

		must(t, s.SetupLinks.SetupLink(t.Context(), link, noon))
		wantErr(t, "SetupLink of another", s.SetupLinks.SetupLink(t.Context(), session.Hash("other"), noon), account.ErrSetupLink)
		wantErr(t, "SetupLink too late", s.SetupLinks.SetupLink(t.Context(), link, noon.Add(30*time.Minute)), account.ErrSetupLink)
		late := s.SetupLinks.RedeemSetupLink(t.Context(), link, first, nil, "192.0.2.1", noon.Add(30*time.Minute))
		wantErr(t, "RedeemSetupLink too late", late, account.ErrSetupLink)

		taken := s.SetupLinks.RedeemSetupLink(t.Context(), link, fixture.Account("alice"), nil, "192.0.2.1", noon)
		wantErr(t, "RedeemSetupLink with a taken name", taken, account.ErrExists)
		must(t, s.SetupLinks.SetupLink(t.Context(), link, noon))

		must(t, s.SetupLinks.RedeemSetupLink(t.Context(), link, first, nil, "192.0.2.1", noon))
		wantAdministrator(t, s, true)
		events, err := s.Audit.ListEvents(t.Context(), audit.Filter{Action: "user.create"}, "", 10)
		if err != nil || len(events) != 1 || events[0].Target != first.Subject || events[0].Address != "192.0.2.1" || events[0].Outcome != audit.Done {
			t.Errorf("events of the set-up = %+v, %v; want one of the account that was created", events, err)
		}
		wantErr(t, "SetupLink after use", s.SetupLinks.SetupLink(t.Context(), link, noon), account.ErrSetupLink)
	})
}

func wantAdministrator(t *testing.T, s *store.Store, want bool) {
	t.Helper()
	if got, err := s.Accounts.HasAdministrator(t.Context()); err != nil || got != want {
		t.Errorf("HasAdministrator = %v, %v, want %v", got, err, want)
	}
}
