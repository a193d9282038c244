package store_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// While the end of a session is being committed, which takes long where a standby
// must hear of it, nobody else sees it yet: a code may still be given and spent.
// Its grant ends all the same, however the session does.
func TestSignOutFindsWhatWasGivenMeanwhile(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*testing.T, *store.Store) error{
		"signed out": func(t *testing.T, s *store.Store) error {
			t.Helper()
			return s.EndSession(t.Context(), "sid", noon)
		},
		"all sessions ended": func(t *testing.T, s *store.Store) error {
			t.Helper()
			_, err := s.EndSessionsOf(t.Context(), "alice", noon)
			return err
		},
		"replaced": func(t *testing.T, s *store.Store) error {
			t.Helper()
			return s.InsertSession(t.Context(), aSession("next", "bob"), session.Hash("cookie of sid"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := storetest.MigratedURL(t)
			s := storetest.Open(t, url)
			furnish(t, s)
			must(t, s.InsertSession(t.Context(), aSession("sid", "alice"), nil))
			insert(t, s, nil) // which makes room for the other
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
			go func() { ended <- end(t, s) }()
			for waiting := 0; waiting == 0; time.Sleep(5 * time.Millisecond) {
				must(t, outside.QueryRow(t.Context(),
					`SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`).Scan(&waiting))
			}
			g := insert(t, s, func(g *grant.Grant) { g.SessionID = "sid" })
			spend(t, s, g)
			_, err = outside.Exec(t.Context(), `SELECT pg_advisory_unlock(1)`)
			must(t, err)
			must(t, <-ended)
			wantLive(t, s, g.Ref, noon, false)
		})
	}
}
