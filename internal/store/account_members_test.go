package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

func addGroups(t *testing.T, s *store.Store, names ...string) {
	t.Helper()
	for _, name := range names {
		must(t, s.Groups.InsertGroup(t.Context(), &account.Group{Name: name, CreatedAt: noon, UpdatedAt: noon}))
	}
}

func TestAccountMembersRoundTrip(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		addGroups(t, s, "staff", "Domain Admins")
		wantErr(t, "InsertGroup again", s.Groups.InsertGroup(t.Context(), &account.Group{Name: "staff"}), account.ErrGroupExists)
		want := fixture.Account("alice")
		must(t, want.AddAddress("ada@other.example", noon))
		must(t, want.AddAddress("open@example.org", time.Time{}))
		want.Groups, want.Roles = []string{"Domain Admins", "staff"}, []string{"chief editor", "reader"}
		want.Attributes = map[string]any{"department": "R&D", "floors": []any{"1", "2"}}
		want.AdminRole, want.State = account.Auditor, account.MustEnrol
		must(t, s.Accounts.InsertAccount(t.Context(), want))
		got, err := s.Accounts.Account(t.Context(), "alice")
		must(t, err)
		wantSame(t, "account", got, want)

		must(t, s.Clients.InsertClient(t.Context(), fixture.Client("rp")))
		g := fixture.InsertGrant(t, s, nil)
		held, err := s.Grants.LiveGrant(t.Context(), fixture.RedeemCode(t, s, g).Locator, "", noon)
		must(t, err)
		wantSame(t, "what the grant releases", held.Released, want.Released())
		wantSame(t, "claims of the grant", string(held.Claims), `{"email":"alice@example.org","email_verified":true}`)

		rotation := grant.RefreshRotation{Ref: g.Locator, ClientID: "rp", Generation: 1, ExpiresAt: noon.Add(time.Hour), Now: noon.Add(time.Minute)}
		_, err = s.Grants.RotateRefresh(t.Context(), rotation)
		must(t, err)
		stale, err := s.Grants.RotateRefresh(t.Context(), rotation)
		wantErr(t, "RotateRefresh again", err, grant.ErrStaleGeneration)
		wantSame(t, "what the grant of the previous token releases", stale.Released, want.Released())
		wantSame(t, "claims of the grant of the previous token", string(stale.Claims), string(held.Claims))

		must(t, s.Groups.DeleteGroup(t.Context(), "staff"))
		wantErr(t, "DeleteGroup again", s.Groups.DeleteGroup(t.Context(), "staff"), account.ErrGroupNotFound)
		got, err = s.Accounts.Account(t.Context(), "alice")
		must(t, err)
		wantSame(t, "groups after one was deleted", got.Groups, []string{"Domain Admins"})
		list, err := s.Groups.ListGroups(t.Context(), "", 10)
		must(t, err)
		wantSame(t, "groups", list, []*account.Group{{Name: "Domain Admins", CreatedAt: noon, UpdatedAt: noon}})
	})
}

func TestChangeAccountIsAllOrNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		cause := errors.New("cause")
		for name, tc := range map[string]struct {
			change func(*account.Account) error
			want   error
		}{
			"an error of the change": {func(*account.Account) error { return cause }, cause},
			"an unknown group":       {func(a *account.Account) error { a.Groups = []string{"nobody"}; return nil }, account.ErrGroupNotFound},
			"a taken address": {
				func(a *account.Account) error { return a.AddAddress("ALICE@EXAMPLE.org", noon) }, account.ErrAddressTaken,
			},
		} {
			_, err := s.Accounts.ChangeAccount(t.Context(), "bob", noon, func(a *account.Account) error {
				a.Roles = []string{"changed"}
				return tc.change(a)
			})
			wantErr(t, name, err, tc.want)
			got, err := s.Accounts.Account(t.Context(), "bob")
			must(t, err)
			wantSame(t, "account after "+name, got, fixture.Account("bob"))
		}
		_, err := s.Accounts.ChangeAccount(t.Context(), "bob", noon, func(a *account.Account) error {
			return a.AddAddress("alice@example.org", time.Time{}) // not verified
		})
		must(t, err)
	})
}

// Concurrent changes of one account do not overwrite each other.
func TestConcurrentChangesOfAnAccount(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		a, b := storetest.Open(t, url), storetest.Open(t, url)
		fixture.Seed(t, a)
		names := make(chan string, 32)
		for i := range cap(names) {
			names <- string(rune('a' + i))
		}
		for _, err := range fixture.Race(t, a, b, func(ctx context.Context, s *store.Store) error {
			role := <-names
			_, err := s.Accounts.ChangeAccount(ctx, "alice", noon, func(a *account.Account) error {
				a.Roles = append(a.Roles, role)
				return nil
			})
			return err
		}) {
			must(t, err)
		}
		got, err := a.Accounts.Account(t.Context(), "alice")
		must(t, err)
		wantSame(t, "changes that were kept", len(got.Roles), 32)
	})
}

// Two owners cannot remove each other.
func TestOneOwnerIsLeft(t *testing.T) {
	t.Parallel()
	owner := func(name string) *account.Account {
		a := fixture.Account(name)
		a.AdminRole = account.Owner
		return a
	}
	for name, remove := range map[string]func(context.Context, *store.Store, string) error{
		"lowering": func(ctx context.Context, s *store.Store, subject string) error {
			_, err := s.Accounts.ChangeAccount(ctx, subject, noon, func(a *account.Account) error { a.AdminRole = account.Administrator; return nil })
			return err
		},
		"disabling": func(ctx context.Context, s *store.Store, subject string) error {
			return s.Accounts.SetDisabled(ctx, subject, true, noon)
		},
		"deleting": func(ctx context.Context, s *store.Store, subject string) error {
			return s.Accounts.DeleteAccount(ctx, subject, noon)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.EachURL(t, func(t *testing.T, url string) {
				a, b := storetest.Open(t, url), storetest.Open(t, url)
				subjects := make(chan string, 32)
				for i := range cap(subjects) {
					subject := "owner-" + string(rune('a'+i))
					must(t, a.Accounts.InsertAccount(t.Context(), owner(subject)))
					subjects <- subject
				}
				refused := 0
				for _, err := range fixture.Race(t, a, b, func(ctx context.Context, s *store.Store) error { return remove(ctx, s, <-subjects) }) {
					if errors.Is(err, account.ErrLastOwner) {
						refused++
						continue
					}
					must(t, err)
				}
				wantSame(t, "refused changes", refused, 1)
				wantAdministrator(t, a, true)
				for i := range 20 { // of two owners at a time, which is where a change can miss the other one
					must(t, a.Accounts.InsertAccount(t.Context(), owner("pair-"+string(rune('a'+i)))))
					list, err := a.Accounts.ListAccounts(t.Context(), "", 100)
					must(t, err)
					var errs [2]error
					var pair []string
					var done sync.WaitGroup
					for _, one := range list {
						if one.AdminRole == account.Owner && one.DisabledAt.IsZero() {
							pair = append(pair, one.Subject)
						}
					}
					for n, s := range []*store.Store{a, b} {
						done.Go(func() { errs[n] = remove(t.Context(), s, pair[n]) })
					}
					done.Wait()
					if (errs[0] == nil) == (errs[1] == nil) || !errors.Is(errors.Join(errs[:]...), account.ErrLastOwner) {
						t.Fatalf("changes of the two last owners: %v, want one account.ErrLastOwner", errs)
					}
				}
			})
		})
	}
}

// A user is found by the username or a verified address, the username first.
func TestAccountBySignInName(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		named := fixture.Account("named")
		named.Username = "ada@home.example"
		must(t, s.Accounts.InsertAccount(t.Context(), named))
		alice := fixture.Account("alice")
		must(t, alice.AddAddress("ada@home.example", noon))
		must(t, alice.AddAddress("open@home.example", time.Time{}))
		must(t, s.Accounts.InsertAccount(t.Context(), alice))
		for name, want := range map[string]string{
			" Name-of-ALICE ": "alice", "Alice@Example.ORG": "alice", "ada@home.example": "named", //nolint:gocritic // spaces are removed
		} {
			a, err := s.Accounts.AccountBySignInName(t.Context(), name)
			must(t, err)
			wantSame(t, "account of "+name, a.Subject, want)
		}
		for _, name := range []string{"", "open@home.example", "a b", "nobody"} {
			_, err := s.Accounts.AccountBySignInName(t.Context(), name)
			wantErr(t, "account of "+name, err, account.ErrNotFound)
		}
		taken := fixture.Account("taken")
		taken.Username = "alice@example.org"
		wantErr(t, "InsertAccount with the verified address of another account as name", s.Accounts.InsertAccount(t.Context(), taken), account.ErrExists)
	})
}
