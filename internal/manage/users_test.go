package manage_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

func TestCreateUser(t *testing.T) {
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		claims := map[string]any{"email": "carol@example.org", "updated_at": 7.0, "department": []any{"R", "D"}}
		a, err := o.users.Create(t.Context(), manage.NewUser{Username: " CAROL ", Password: password, Claims: claims, AdminRole: account.Owner})
		must(t, err)
		stored := o.account(t, "carol")
		wantSame(t, "subject", stored.Subject, a.Subject)
		claims["email_verified"] = false
		wantSame(t, "claims", stored.Claims, claims)
		wantSame(t, "role", stored.AdminRole, account.Owner)
		if !stored.CreatedAt.Equal(later) || !stored.UpdatedAt.Equal(later) || stored.SelfRegistered {
			t.Errorf("the account is %+v, want it created at %v by the operator", stored, later)
		}
		if ok, err := hasher.Verify(t.Context(), stored.PasswordHash(), password); !ok || err != nil {
			t.Errorf("the password is another one: %v", err)
		}
		for _, name := range []string{"Carol", a.Subject} {
			found, err := o.users.Find(t.Context(), name)
			must(t, err)
			wantSame(t, "found by "+name, found.Subject, a.Subject)
		}
		free, err := o.users.CheckUsername(t.Context(), " Dave")
		must(t, err)
		wantSame(t, "a free username", free, "dave")
	})
}

// A user of the operator's login app is found by the subject, which may be no username.
func TestFindExternalUser(t *testing.T) {
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		const subject = "app user 7"
		must(t, o.Accounts.InsertAccount(t.Context(), account.NewExternal(subject, noon)))
		a, err := o.users.Find(t.Context(), subject)
		must(t, err)
		wantSame(t, "subject", a.Subject, subject)
	})
}

// Of concurrent creations with one username one succeeds.
func TestConcurrentCreationsOfAUser(t *testing.T) {
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		errs := fixture.Race(t, o.Store, o.Store, func(ctx context.Context, _ *store.Store) error {
			_, err := o.users.Create(ctx, manage.NewUser{Username: "carol", Password: password})
			return err
		})
		fixture.WantOneWinner(t, errs, account.ErrExists)
	})
}

// An update changes what it names. The password, sessions and grants stay.
func TestUpdateUser(t *testing.T) {
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		g := o.seed(t)
		before := o.account(t, "name-of-alice")
		another := fixture.Account("root")
		another.AdminRole = account.Owner
		must(t, o.Accounts.InsertAccount(t.Context(), another))
		owner, none := account.Owner, account.NoAdminRole
		for _, step := range []struct {
			change manage.UserChange
			claims map[string]any
			role   account.AdminRole
		}{
			{manage.UserChange{SetClaims: map[string]any{"name": "Alice"}, AdminRole: &owner}, map[string]any{"email": "alice@example.org", "email_verified": true, "name": "Alice"}, owner},
			{manage.UserChange{RemoveClaims: []string{"email_verified", "unknown"}}, map[string]any{"email": "alice@example.org", "email_verified": false, "name": "Alice"}, owner},
			{manage.UserChange{SetClaims: map[string]any{"email": "a@example.org"}, RemoveClaims: []string{"name"}, AdminRole: &none}, map[string]any{"email": "a@example.org", "email_verified": false}, none},
		} {
			a, err := o.users.Update(t.Context(), before, step.change)
			must(t, err)
			stored := o.account(t, "name-of-alice")
			wantSame(t, "the returned account", a, stored)
			wantSame(t, "claims", stored.Claims, step.claims)
			wantSame(t, "role", stored.AdminRole, step.role)
			wantSame(t, "password", stored.Password, before.Password)
		}
		fixture.WantLive(t, o.Store, g.Locator, later, true)
		wantSame(t, "notices", len(o.noticesOf(t)), 0)

		must(t, o.Accounts.InsertAccount(t.Context(), &account.Account{Subject: "claimless", Username: "claimless", CreatedAt: noon, UpdatedAt: noon}))
		_, err := o.users.Update(t.Context(), o.account(t, "claimless"), manage.UserChange{SetClaims: map[string]any{"name": "x"}})
		must(t, err)
		wantSame(t, "claims of a user without any", o.account(t, "claimless").Claims, map[string]any{"name": "x"})
	})
}

// Concurrent updates of one user lose no change.
func TestConcurrentUpdatesOfAUser(t *testing.T) {
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		fixture.Seed(t, o.Store)
		other, read := newOperator(t, o.url), o.account(t, "name-of-bob")
		const callers = 8
		var group sync.WaitGroup
		for i := range callers {
			group.Go(func() {
				_, err := []*operator{o, other}[i%2].users.Update(t.Context(), read, manage.UserChange{SetClaims: map[string]any{"n" + strconv.Itoa(i): true}})
				if err != nil {
					t.Errorf("Update = %v", err)
				}
			})
		}
		group.Wait()
		wantSame(t, "claims", len(o.account(t, "name-of-bob").Claims), 2+callers)
	})
}

// A new password, disabling and deletion end the sessions and grants of the user and notify
// the clients. The grants of other users stay valid.
func TestEndOfAUsersSessions(t *testing.T) {
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		fixture.Seed(t, o.Store)
		must(t, o.Clients.InsertClient(t.Context(), fixture.LogoutClient("notified")))
		bobs := fixture.InsertGrant(t, o.Store, func(g *grant.Grant) { g.Subject = "bob" })
		for _, step := range []struct {
			name  string
			end   func(context.Context, *account.Account) error
			check func() bool
		}{
			{"password", func(ctx context.Context, a *account.Account) error { return o.users.SetPassword(ctx, a, password) }, func() bool {
				ok, err := hasher.Verify(t.Context(), o.account(t, "name-of-alice").PasswordHash(), password)
				return ok && err == nil
			}},
			{"disabled", func(ctx context.Context, a *account.Account) error {
				changed, err := o.users.Disable(ctx, a)
				wantSame(t, "changed", changed, true)
				return err
			}, func() bool { return o.account(t, "name-of-alice").DisabledAt.Equal(later) }},
			{"deleted", o.users.Delete, func() bool {
				_, err := o.Accounts.Account(t.Context(), "alice")
				return errors.Is(err, account.ErrNotFound)
			}},
		} {
			g := o.signIn(t, step.name)
			must(t, step.end(t.Context(), o.account(t, "name-of-alice")))
			wantSame(t, step.name+": the account is changed", step.check(), true)
			fixture.WantLive(t, o.Store, g.Locator, later, false)
			r := o.records(t)
			wantSame(t, step.name+": sessions", len(r.Sessions), 0)
			wantSame(t, step.name+": a notice", slices.Contains(o.noticesOf(t), step.name), true)
			if step.name == "disabled" {
				must(t, o.users.Enable(t.Context(), o.account(t, "name-of-alice")))
				fixture.WantLive(t, o.Store, g.Locator, later, false)
			}
		}
		wantSame(t, "notices", len(o.noticesOf(t)), 3)
		fixture.WantLive(t, o.Store, bobs.Locator, later, true)
	})
}

// Disabling twice changes nothing, and enabling reverses it.
func TestDisableAndEnableUser(t *testing.T) {
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		fixture.Seed(t, o.Store)
		_, err := o.users.Disable(t.Context(), o.account(t, "name-of-alice"))
		must(t, err)
		before := o.records(t)
		changed, err := o.users.Disable(t.Context(), o.account(t, "name-of-alice"))
		must(t, err)
		wantSame(t, "changed", changed, false)
		wantSame(t, "the records after the second time", o.records(t), before)
		must(t, o.users.Enable(t.Context(), o.account(t, "name-of-alice")))
		wantSame(t, "disabled", !o.account(t, "name-of-alice").DisabledAt.IsZero(), false)
	})
}

// Unlock clears the failed attempts of the user only.
func TestUnlockUser(t *testing.T) {
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		fixture.Seed(t, o.Store)
		counter := func(name string) string { return account.Lockout(account.SharedCounter(name))[0].Key }
		for _, name := range []string{"name-of-alice", "name-of-bob"} {
			_, _, err := o.Throttle.CountAttempt(t.Context(), counter(name), time.Hour, noon)
			must(t, err)
		}
		must(t, o.users.Unlock(t.Context(), o.account(t, "name-of-alice")))
		for name, want := range map[string]int{"name-of-alice": 0, "name-of-bob": 1} {
			count, _, err := o.Throttle.AttemptCount(t.Context(), counter(name), noon)
			must(t, err)
			wantSame(t, "failed attempts of "+name, count, want)
		}
	})
}
