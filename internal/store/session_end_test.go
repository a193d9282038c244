package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

// A commit takes long if it waits for a standby. Until then no other transaction sees
// the end of the session, so that a code may still be issued and redeemed. Its grant
// ends nevertheless, however the session ends. If the account itself
// changed, so do grants without a session, and new sessions.
func TestSessionEndFindsConcurrentGrants(t *testing.T) {
	t.Parallel()

	later := noon.Add(time.Second)
	for name, tc := range map[string]struct {
		account bool // the account changes
		end     func(context.Context, *store.Store) error
	}{
		"signed out": {false, func(ctx context.Context, s *store.Store) error {
			_, err := s.Sessions.EndSession(ctx, "sid", noon)
			return err
		}},
		"all sessions ended": {false, func(ctx context.Context, s *store.Store) error {
			_, err := s.Sessions.EndSessionsOf(ctx, "alice", noon)
			return err
		}},
		"replaced": {false, func(ctx context.Context, s *store.Store) error {
			return s.Sessions.InsertSession(ctx, fixture.Session("next", "bob"), session.Hash("cookie of sid"))
		}},
		"given a new password": {true, func(ctx context.Context, s *store.Store) error {
			return s.Accounts.SetPassword(ctx, "alice", "$new", noon)
		}},
		"disabled, and enabled again": {true, func(ctx context.Context, s *store.Store) error {
			return errors.Join(s.Accounts.SetDisabled(ctx, "alice", true, noon), s.Accounts.SetDisabled(ctx, "alice", false, noon))
		}},
		"imported with a new password": {true, func(ctx context.Context, s *store.Store) error {
			a := fixture.Account("alice")
			a.UpdatedAt = noon
			a.SetPassword("$new", noon)
			_, _, err := s.Accounts.ImportAccounts(ctx, imports(a))
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := storetest.MigratedURL(t)
			s := storetest.Open(t, url)
			seedParticipants(t, s)
			fixture.InsertGrant(t, s, nil) // creates the partition
			outside, err := pgx.Connect(t.Context(), url)
			must(t, err)
			defer outside.Close(t.Context())
			_, err = outside.Exec(t.Context(), `
				CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS
					'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END';
				CREATE CONSTRAINT TRIGGER linger AFTER DELETE ON sessions DEFERRABLE INITIALLY DEFERRED
					FOR EACH ROW EXECUTE FUNCTION linger();
				SELECT pg_advisory_lock(1)`)
			must(t, err)

			ended := make(chan error, 1)
			go func() { ended <- tc.end(t.Context(), s) }()
			for waiting := 0; waiting == 0; time.Sleep(5 * time.Millisecond) {
				must(t, outside.QueryRow(t.Context(),
					`SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
						AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`).Scan(&waiting))
			}
			given := []*grant.Grant{fixture.InsertGrant(t, s, func(g *grant.Grant) { g.SessionID, g.CreatedAt = "sid", later })}
			if tc.account {
				given = append(given, fixture.InsertGrant(t, s, func(g *grant.Grant) { g.CreatedAt = later }))
				n := fixture.Session("another", "alice")
				n.AuthTime = later
				must(t, s.Sessions.InsertSession(t.Context(), n, nil))
				must(t, s.Sessions.JoinSession(t.Context(), "another", "notified", "", later))
			}
			for _, g := range given {
				fixture.RedeemCode(t, s, g)
			}
			_, err = outside.Exec(t.Context(), `SELECT pg_advisory_unlock(1)`)
			must(t, err)
			must(t, <-ended)
			for _, g := range given {
				fixture.WantLive(t, s, g.Locator, later, false)
			}
			_, _, err = s.Sessions.SessionAndConsent(t.Context(), fixture.CookieHash("another"), "rp", later)
			wantErr(t, "the concurrent sign-in", err, session.ErrNotFound)
			if list := notices(t, s, store.NoticeFilter{}); tc.account && len(list) != 2 {
				t.Errorf("there are %d notices, want one of each session", len(list))
			}
		})
	}
}

// A change of the account has the time of its request, and may then wait for the
// writer.
func TestAccountChangeFindsConcurrentGrants(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(context.Context, *store.Store) error{
		"a new password": func(ctx context.Context, s *store.Store) error {
			return s.Accounts.SetPassword(ctx, "alice", "$new", noon)
		},
		"disabling, and enabling again": func(ctx context.Context, s *store.Store) error {
			return errors.Join(s.Accounts.SetDisabled(ctx, "alice", true, noon), s.Accounts.SetDisabled(ctx, "alice", false, noon))
		},
		"an import with a new password": func(ctx context.Context, s *store.Store) error {
			a := fixture.Account("alice")
			a.UpdatedAt = noon
			a.SetPassword("$new", noon)
			_, _, err := s.Accounts.ImportAccounts(ctx, imports(a, fixture.Account("bob")))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				fixture.Seed(t, s)
				later := noon.Add(time.Second)
				alices := fixture.InsertGrant(t, s, func(g *grant.Grant) { g.CreatedAt = later })
				bobs := fixture.InsertGrant(t, s, func(g *grant.Grant) { g.Subject = "bob" })
				fixture.RedeemCode(t, s, alices)
				must(t, change(t.Context(), s))
				fixture.WantLive(t, s, alices.Locator, later, false)
				fixture.WantLive(t, s, bobs.Locator, later, true)
			})
		})
	}
}
