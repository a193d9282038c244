package store_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
	"github.com/ostiary/ostiary/migrations"
)

// emptyURLs return the URLs of databases without a schema.
var emptyURLs = map[string]func(*testing.T) string{
	"sqlite": func(t *testing.T) string {
		t.Helper()
		return "sqlite:" + filepath.Join(t.TempDir(), "it's 100% new.db")
	},
	"postgres": func(t *testing.T) string { t.Helper(); return storetest.PostgresURL(t) },
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	for engine, empty := range emptyURLs {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, empty(t))
			wantErr(t, "CheckSchema of an empty database", s.CheckSchema(t.Context()), store.ErrSchemaTooOld)

			taken, err := s.Migrate(t.Context())
			must(t, err)
			wantSame(t, "steps taken", taken,
				stepsOf(t, engine))
			must(t, s.CheckSchema(t.Context()))

			taken, err = s.Migrate(t.Context())
			must(t, err)
			if len(taken) != 0 {
				t.Errorf("Migrate again took %v, want nothing", taken)
			}
			steps, err := s.MigrationStatus(t.Context())
			must(t, err)
			for _, step := range steps {
				if step.AppliedAt.IsZero() {
					t.Errorf("step %s counts as not applied", step.Name)
				}
			}
			fixture.Seed(t, s)
		})
	}
}

// stepsOf lists the steps of an engine, in order.
func stepsOf(t *testing.T, engine string) (names []string) {
	t.Helper()
	entries, err := migrations.Files.ReadDir(".")
	must(t, err)
	for _, entry := range entries {
		if !slices.Contains(migrations.NotFor(engine), entry.Name()) {
			names = append(names, entry.Name())
		}
	}
	return names
}

func TestReplicasMigrateConcurrently(t *testing.T) {
	t.Parallel()
	for engine, empty := range emptyURLs {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			url := empty(t)
			stores := []*store.Store{storetest.Open(t, url), storetest.Open(t, url), storetest.Open(t, url)}
			taken := make(chan int, len(stores))
			errs := make(chan error, len(stores))
			for _, s := range stores {
				go func() {
					steps, err := s.Migrate(context.WithoutCancel(t.Context()))
					taken <- len(steps)
					errs <- err
				}()
			}
			total := 0
			for range stores {
				total += <-taken
				if err := <-errs; err != nil {
					t.Errorf("Migrate = %v, want success", err)
				}
			}
			steps, err := stores[0].MigrationStatus(t.Context())
			must(t, err)
			wantSame(t, "steps taken by all of them", total, len(steps))
			for _, s := range stores {
				must(t, s.CheckSchema(t.Context()))
			}
		})
	}
}

func TestSchemaOfAnotherVersionIsRejected(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := storetest.Open(t, url)
		alter(t, url, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, TRUE)`)
		wantErr(t, "CheckSchema of a newer schema", s.CheckSchema(t.Context()), store.ErrSchemaTooNew)
		alter(t, url, `DELETE FROM goose_db_version WHERE version_id > 1`)
		wantErr(t, "CheckSchema of an older schema", s.CheckSchema(t.Context()), store.ErrSchemaTooOld)
	})
}

// A database of an earlier version is migrated with its sessions, whose end creates
// notices as usual.
func TestMigrationKeepsData(t *testing.T) {
	t.Parallel()
	for engine, empty := range emptyURLs {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			url := empty(t)
			s := storetest.Open(t, url)
			migrateTo(t, engine, url, 2)
			alter(t, url, `INSERT INTO accounts
				(subject, username, password_hash, claims, administrator, not_before, created_at, updated_at)
				VALUES ('alice', 'alice', '', '{}', 0, 0, 0, 0)`)
			alter(t, url, `INSERT INTO sessions
				(id, cookie, subject, auth_time, acr, amr, remembered, created_at, seen_at, idle_until, ends_at)
				VALUES ('sid', '', 'alice', 0, '', '', 0, 0, 0, 0, 0)`)

			alter(t, url, `INSERT INTO clients
				(id, metadata, secret, dynamic, disabled, not_before, created_at, updated_at, version)
				VALUES ('old', '{"client_name":"It''s \"old\""}', '', 0, 0, 0, 0, 0, 1), ('nameless', '{}', '', 0, 0, 0, 0, 0, 1)`)

			_, err := s.Migrate(t.Context())
			must(t, err)
			named, err := s.Clients.FindClients(t.Context(), client.Filter{Name: `It's "old"`}, "", 0, 9)
			must(t, err)
			wantSame(t, "clients found by the name from before", len(named), 1)
			must(t, s.Clients.InsertClient(t.Context(), fixture.LogoutClient("notified")))
			must(t, s.Sessions.JoinSession(t.Context(), "sid", "notified", "", noon))
			fixture.EndSession(t, s, "sid", noon)
			if list := notices(t, s, store.NoticeFilter{}); len(list) != 1 {
				t.Errorf("there are %d notices, want one", len(list))
			}
		})
	}
}

// alter runs a statement on another connection.
func alter(t *testing.T, url, statement string) {
	t.Helper()
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		db, err := sql.Open("sqlite", path)
		must(t, err)
		defer db.Close()
		_, err = db.ExecContext(t.Context(), statement)
		must(t, err)
		return
	}
	conn, err := pgx.Connect(t.Context(), url)
	must(t, err)
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), statement)
	must(t, err)
}

// TestGrantsHaveTheSameColumns checks the only table with a text for each engine.
func TestGrantsHaveTheSameColumns(t *testing.T) {
	t.Parallel()

	db, err := sql.Open("sqlite", strings.TrimPrefix(storetest.SQLiteURL(t), "sqlite:"))
	must(t, err)
	defer db.Close()
	conn, err := pgx.Connect(t.Context(), storetest.MigratedURL(t))
	must(t, err)
	defer conn.Close(t.Context())

	var onSQLite, onPostgres string
	const sqlite = `SELECT group_concat(name || CASE WHEN "notnull" = 1 THEN '!' ELSE '' END) FROM pragma_table_info('grants')`
	must(t, db.QueryRowContext(t.Context(), sqlite).Scan(&onSQLite))
	const postgres = `
		SELECT string_agg(column_name || CASE is_nullable WHEN 'NO' THEN '!' ELSE '' END, ',' ORDER BY ordinal_position)
		FROM information_schema.columns WHERE table_name = 'grants'`
	must(t, conn.QueryRow(t.Context(), postgres).Scan(&onPostgres))
	wantSame(t, "columns on PostgreSQL as against SQLite", onPostgres, onSQLite)
}

func TestSQLiteFileIsPrivate(t *testing.T) {
	t.Parallel()

	dir := t.TempDir()
	path := filepath.Join(dir, "open.db")
	must(t, os.WriteFile(path, nil, 0o644))
	s := storetest.Open(t, "sqlite:"+path)
	_, err := s.Migrate(t.Context())
	must(t, err)
	files, err := filepath.Glob(path + "*")
	must(t, err)
	if len(files) < 2 {
		t.Errorf("files are %v, want a write-ahead log among them", files)
	}
	for _, file := range files {
		info, err := os.Stat(file)
		must(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want 0600", filepath.Base(file), info.Mode().Perm())
		}
	}
}

func TestSQLiteIsDurable(t *testing.T) {
	t.Parallel()

	s := storetest.New(t)
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"} {
		got, err := store.Pragma(t.Context(), s, pragma)
		must(t, err)
		wantSame(t, pragma, got, want)
	}
}

func TestInvalidURLIsRejected(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "mysql://localhost", "sqlite:", "sqlite::memory:", "postgres://%zz", "sqlite:/nowhere/at/all.db"} {
		if s, err := store.Open(t.Context(), store.Config{URL: url}); err == nil {
			s.Close()
			t.Errorf("Open(%q) succeeded, want an error", url)
		}
	}
}

func TestHydraDatabaseIsRejected(t *testing.T) {
	t.Parallel()

	url := storetest.PostgresURL(t)
	_, err := openOutside(t, url).ExecContext(t.Context(), `CREATE TABLE hydra_client (id TEXT)`)
	must(t, err)
	s := storetest.Open(t, url)
	_, err = s.Migrate(t.Context())
	wantErr(t, "Migrate", err, store.ErrForeignDatabase)
	wantErr(t, "CheckSchema", s.CheckSchema(t.Context()), store.ErrForeignDatabase)
}
