package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3"

	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
	"github.com/ostiary/ostiary/migrations"
)

// A long transaction, a backup for example, holds locks on the grants that it has read
// and written. The first grant of the next hour does not wait for it, and other
// statements do not wait for that grant.
func TestNewPartitionDoesNotWait(t *testing.T) {
	t.Parallel()

	url := storetest.MigratedURL(t)
	s := storetest.Open(t, url)
	fixture.Seed(t, s)
	old := fixture.InsertGrant(t, s, nil)
	outside, err := pgx.Connect(t.Context(), url)
	must(t, err)
	defer outside.Close(t.Context())
	_, err = outside.Exec(t.Context(), `BEGIN; SELECT count(*) FROM grants; UPDATE grants SET polled_at = 1`)
	must(t, err)

	next := fixture.InsertGrant(t, s, func(g *grant.Grant) { g.Partition += 2 })
	fixture.WantLive(t, s, next.Locator, noon, true)
	fixture.WantLive(t, s, old.Locator, noon, true)
	fixture.InsertGrant(t, s, nil)

	_, err = outside.Exec(t.Context(), `COMMIT`)
	must(t, err)
	fixture.RedeemCode(t, s, old)
}

// A backup locks all partitions, so that they cannot be dropped. No statement waits behind
// the purge for longer than a moment, and the partition is dropped after the backup.
func TestRequestsContinueWhileAPartitionCannotBeDropped(t *testing.T) {
	t.Parallel()

	url := storetest.MigratedURL(t)
	s := storetest.Open(t, url)
	fixture.Seed(t, s)
	fixture.InsertGrant(t, s, func(g *grant.Grant) {
		g.Partition, g.EndsAt = grant.PartitionAt(noon.Add(-day), false), noon.Add(-time.Hour)
	})
	fixture.InsertGrant(t, s, nil)
	backup, err := pgx.Connect(t.Context(), url)
	must(t, err)
	defer backup.Close(t.Context())
	_, err = backup.Exec(t.Context(), `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT count(*) FROM grants`)
	must(t, err)

	hurried := storetest.Open(t, url+"&statement_timeout=800")
	purged := make(chan error)
	go func() {
		_, err := s.Purge(t.Context(), noon)
		purged <- err
	}()
	for done := false; !done; {
		select {
		case err := <-purged:
			var failed interface{ Unavailable() bool }
			if !errors.As(err, &failed) {
				t.Errorf("Purge = %v, want it to say that it could not", err)
			}
			done = true
		default:
			g := fixture.InsertGrant(t, hurried, nil)
			fixture.RedeemCode(t, hurried, g)
			fixture.WantLive(t, hurried, g.Locator, noon, true)
		}
	}

	_, err = backup.Exec(t.Context(), `COMMIT`)
	must(t, err)
	after, err := s.Purge(t.Context(), noon)
	must(t, err)
	wantSame(t, "partitions dropped after the backup", after.Partitions, 1)
}

// Each statement about one grant uses only its partition, so that its cost does not
// depend on their number, and locks on other partitions do not block it.
func TestStatementsOfAGrantUseOnePartition(t *testing.T) {
	t.Parallel()

	url := storetest.MigratedURL(t)
	s := storetest.Open(t, url)
	fixture.Seed(t, s)
	g := fixture.InsertGrant(t, s, nil)
	fixture.InsertGrant(t, s, func(g *grant.Grant) { g.Partition-- })
	outside, err := pgx.Connect(t.Context(), url)
	must(t, err)
	defer outside.Close(t.Context())
	_, err = outside.Exec(t.Context(), fmt.Sprintf(`BEGIN; LOCK TABLE grants_b%d IN ACCESS EXCLUSIVE MODE`, g.Partition-1))
	must(t, err)

	fixture.InsertGrant(t, s, nil)
	fixture.RedeemCode(t, s, g)
	_, err = s.Grants.RedeemCode(t.Context(), grant.CodeRedemption{Ref: g.Locator, ClientID: "rp", Now: noon})
	wantErr(t, "RedeemCode again", err, grant.ErrSpent)
	r := grant.RefreshRotation{Ref: g.Locator, ClientID: "rp", Generation: 1, ExpiresAt: noon.Add(day), Now: noon}
	_, err = s.Grants.RotateRefresh(t.Context(), r)
	must(t, err)
	_, err = s.Grants.RotateRefresh(t.Context(), r)
	wantErr(t, "RotateRefresh again", err, grant.ErrStaleGeneration)
	fixture.WantLive(t, s, g.Locator, noon, true)
	must(t, s.Grants.RevokeGrant(t.Context(), g.Locator, "rp", grant.RevokedByClient, noon))
	fixture.WantLive(t, s, g.Locator, noon, false)

	// The end of a session uses only the partitions that may contain its grants.
	must(t, s.Sessions.InsertSession(t.Context(), fixture.Session("sid", "alice"), nil))
	given := fixture.InsertGrant(t, s, func(g *grant.Grant) { g.SessionID = "sid" })
	fixture.EndSession(t, s, "sid", noon)
	fixture.WantLive(t, s, given.Locator, noon, false)
}

// The end of a session locks the partitions of grants that were created since it began,
// and no others: with long client lifespans there is a partition for each hour of many
// days.
func TestEndOfASessionLocksNoOlderPartition(t *testing.T) {
	t.Parallel()

	url := storetest.MigratedURL(t)
	s := storetest.Open(t, url)
	fixture.Seed(t, s)
	began := grant.PartitionAt(noon, false).End().Add(-2 * time.Minute)
	now := began.Add(20 * time.Hour)
	n := fixture.Session("sid", "alice")
	n.CreatedAt, n.AuthTime, n.IdleUntil, n.EndsAt = began, began, now.Add(day), now.Add(day)
	must(t, s.Sessions.InsertSession(t.Context(), n, nil))
	made := func(at time.Time, weekly bool) *grant.Grant {
		return fixture.InsertGrant(t, s, func(g *grant.Grant) {
			g.Locator = grant.Locator{Partition: grant.PartitionAt(at, weekly), ID: grant.NewID(at)}
			g.SessionID, g.CreatedAt, g.CodeRedeemedAt, g.EndsAt = "sid", began, began, now.Add(day)
		})
	}
	const before, since = 30, 20
	for i := range before {
		made(began.Add(-time.Duration(4+i)*time.Hour), false)
	}
	for i := range 4 {
		made(began.Add(-time.Duration(8+7*i)*day), true)
	}
	var given []*grant.Grant
	for i := range since {
		given = append(given, made(began.Add(time.Duration(i)*time.Hour), false))
	}
	given = append(given, made(began, true))

	locked := heldBack(t, url, func(ctx context.Context) error {
		_, err := s.Sessions.EndSession(ctx, "sid", now)
		return err
	}, `SELECT count(DISTINCT c.relname) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
		WHERE l.granted AND c.relkind = 'r' AND c.relname LIKE 'grants\_b%'`)
	if locked < since || locked > since+2 {
		t.Errorf("the end of the session locked %d partitions, want the %d or so since it began", locked, since+1)
	}
	for _, g := range given {
		fixture.WantLive(t, s, g.Locator, now, false)
	}
}

// heldBack runs act, which removes a session, and evaluates query while its transaction
// waits before the commit.
func heldBack(t *testing.T, url string, act func(context.Context) error, query string) (count int) {
	t.Helper()
	outside, err := pgx.Connect(t.Context(), url)
	must(t, err)
	defer outside.Close(t.Context())
	_, err = outside.Exec(t.Context(), `
		CREATE FUNCTION hold_back() RETURNS trigger LANGUAGE plpgsql AS
			'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END';
		CREATE CONSTRAINT TRIGGER hold_back AFTER DELETE ON sessions DEFERRABLE INITIALLY DEFERRED
			FOR EACH ROW EXECUTE FUNCTION hold_back();
		SELECT pg_advisory_lock(1)`)
	must(t, err)
	ended := make(chan error, 1)
	go func() { ended <- act(t.Context()) }()
	for waiting := 0; waiting == 0; time.Sleep(5 * time.Millisecond) {
		must(t, outside.QueryRow(t.Context(), `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`).Scan(&waiting))
	}
	must(t, outside.QueryRow(t.Context(), query).Scan(&count))
	_, err = outside.Exec(t.Context(), `SELECT pg_advisory_unlock(1)`)
	must(t, err)
	must(t, <-ended)
	return count
}

// A grant of a session ends with it in every partition: that of a request from before
// the session, that of a replica whose clock is behind or ahead, and also if the
// session was deleted before and its start is unknown.
func TestEndOfASessionFindsItsGrantsInAllPartitions(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		began := grant.PartitionAt(noon, true).End().Add(-7 * day).Add(5 * time.Minute) // the start of a week
		now := began.Add(20 * day)
		for name, gone := range map[string]bool{"there": false, "gone": true} {
			n := fixture.Session(name, "alice")
			n.CreatedAt, n.AuthTime, n.IdleUntil, n.EndsAt = began, began, now.Add(day), now.Add(day)
			var given []*grant.Grant
			for _, at := range []time.Time{
				began.Add(-90 * time.Minute), began, began.Add(6 * day), began.Add(13 * day), now.Add(-2 * time.Hour), now, now.Add(time.Hour),
			} {
				for _, refreshable := range []bool{true, false} {
					given = append(given, fixture.InsertGrant(t, s, func(g *grant.Grant) {
						g.Locator = grant.Locator{Partition: grant.PartitionAt(at, refreshable), ID: grant.NewID(at)}
						g.SessionID, g.CreatedAt, g.CodeRedeemedAt, g.EndsAt = name, now, now, now.Add(day)
					}))
				}
			}
			if !gone {
				must(t, s.Sessions.InsertSession(t.Context(), n, nil))
			}
			for _, g := range given {
				fixture.WantLive(t, s, g.Locator, now, true)
			}
			fixture.EndSession(t, s, name, now)
			for _, g := range given {
				fixture.WantLive(t, s, g.Locator, now, false)
			}
		}
	})
}

// All partitions have the same properties, those from before the newest step of the
// schema and later ones.
func TestPartitionsHaveTheSameColumnsAndIndexes(t *testing.T) {
	t.Parallel()

	url := storetest.PostgresURL(t)
	s := storetest.Open(t, url)
	outside := openOutside(t, url)
	before, err := goose.NewProvider(goose.DialectPostgres, outside, migrations.Files,
		goose.WithExcludeNames(migrations.NotFor(migrations.Postgres)))
	must(t, err)
	_, err = before.UpTo(t.Context(), 6)
	must(t, err)
	for i := range grant.Partition(2) { // created as that release did
		b := grant.PartitionAt(noon, true) + 2*i
		_, err = outside.ExecContext(t.Context(), fmt.Sprintf(`
			CREATE TABLE grants_b%[1]d (LIKE grants INCLUDING ALL) WITH (fillfactor = 85);
			ALTER TABLE grants ATTACH PARTITION grants_b%[1]d FOR VALUES IN (%[1]d)`, b))
		must(t, err)
	}
	_, err = outside.ExecContext(t.Context(), `CREATE INDEX grants_by_subject ON ONLY grants (subject)`)
	must(t, err) // left by a step that did not get its next lock
	_, err = s.Migrate(t.Context())
	must(t, err)
	fixture.InsertGrant(t, s, func(g *grant.Grant) { g.Partition += 4 })

	rows, err := outside.QueryContext(t.Context(), `
		SELECT array_to_string(c.reloptions, ' ') || ', ' ||
			(SELECT count(*) FROM pg_index x JOIN pg_inherits h ON h.inhrelid = x.indexrelid WHERE x.indrelid = c.oid) || ' of ' ||
			(SELECT count(*) FROM pg_index x WHERE x.indrelid = c.oid) || ' indexes of ' ||
			(SELECT count(*) FROM pg_index x WHERE x.indrelid = i.inhparent AND x.indisvalid) || ' of the table, ' ||
			(SELECT count(*) FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'c') || ' checks'
		FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
		WHERE i.inhparent = 'grants'::regclass`)
	must(t, err)
	defer rows.Close()
	var got []string
	for rows.Next() {
		var text string
		must(t, rows.Scan(&text))
		got = append(got, text)
	}
	must(t, rows.Err())
	like := "fillfactor=85, 3 of 3 indexes of 3 of the table, 0 checks"
	wantSame(t, "partitions", got, []string{like, like, like})
}
