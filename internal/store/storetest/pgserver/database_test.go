package pgserver

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/sync/errgroup"
)

const countTables = `SELECT count(*)::text FROM information_schema.tables WHERE table_schema = 'public'`

func TestDatabases(t *testing.T) {
	t.Parallel()

	databases := connect(t, sharedServer(t))

	t.Run("each is empty and its own", func(t *testing.T) {
		t.Parallel()

		first, second := fresh(t, databases), fresh(t, databases)
		tell(t, first, `CREATE TABLE notes (body text)`)
		if got := ask(t, second, countTables); got != "0" {
			t.Errorf("the second database has %s tables, want 0", got)
		}
	})

	t.Run("one that is dropped is gone, even while in use", func(t *testing.T) {
		t.Parallel()

		database := fresh(t, databases)
		conn, err := pgx.Connect(t.Context(), database)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(t.Context())

		if err := databases.Drop(t.Context(), database); err != nil {
			t.Fatal(err)
		}
		_, err = pgx.Connect(t.Context(), database)
		const unknownDatabase = "3D000"
		if refusal, ok := errors.AsType[*pgconn.PgError](err); !ok || refusal.Code != unknownDatabase {
			t.Errorf("connect to a dropped database = %v, want SQLSTATE %s", err, unknownDatabase)
		}
	})

	t.Run("of many callers one migrates, and all get the schema for themselves", func(t *testing.T) {
		t.Parallel()

		var migrations atomic.Int32
		urls := make([]string, 8)
		var callers errgroup.Group
		for i := range urls {
			process := connect(t, sharedServer(t))
			callers.Go(func() (err error) {
				urls[i], err = process.CreateMigrated(t.Context(), t.Name(), func(ctx context.Context, url string) error {
					migrations.Add(1)
					return createNotes(ctx, url)
				})
				return err
			})
		}
		if err := callers.Wait(); err != nil {
			t.Fatal(err)
		}
		if got := migrations.Load(); got != 1 {
			t.Errorf("the schema was migrated %d times, want once", got)
		}
		for _, database := range urls {
			tell(t, database, `INSERT INTO notes VALUES ('mine')`)
			if got := ask(t, database, `SELECT count(*)::text FROM notes`); got != "1" {
				t.Errorf("%s holds %s notes, want 1", database, got)
			}
		}
	})

	t.Run("another fingerprint has another schema", func(t *testing.T) {
		t.Parallel()

		for fingerprint, migrate := range map[string]Migrate{
			"0": func(context.Context, string) error { return nil },
			"1": createNotes,
		} {
			database, err := databases.CreateMigrated(t.Context(), fingerprint, migrate)
			if err != nil {
				t.Fatal(err)
			}
			if got := ask(t, database, countTables); got != fingerprint {
				t.Errorf("schema %s has %s tables", fingerprint, got)
			}
		}
	})

	t.Run("a migration that fails is tried again by the next caller", func(t *testing.T) {
		t.Parallel()

		broken := errors.New("broken")
		_, err := databases.CreateMigrated(t.Context(), t.Name(), func(ctx context.Context, url string) error {
			return errors.Join(createNotes(ctx, url), broken)
		})
		if !errors.Is(err, broken) {
			t.Fatalf("CreateMigrated = %v, want %v", err, broken)
		}
		if _, err := databases.CreateMigrated(t.Context(), t.Name(), createNotes); err != nil {
			t.Errorf("CreateMigrated after a failure = %v, want success", err)
		}
	})
}

func TestURLOfAnotherKindIsRefused(t *testing.T) {
	t.Parallel()

	for _, given := range []string{"sqlite:ostiary.db", "host=localhost dbname=postgres", "postgres://%"} {
		if _, err := Connect(t.Context(), given); err == nil {
			t.Errorf("Connect to %q succeeded, want an error", given)
		}
	}
}

func createNotes(ctx context.Context, url string) error {
	return connected(ctx, url, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, `CREATE TABLE notes (body text)`)
		return err
	})
}

// connect returns the databases of a server as another process would open them.
func connect(t *testing.T, server *Server) *Databases {
	t.Helper()
	databases, err := Connect(t.Context(), server.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(databases.Close)
	return databases
}

func fresh(t *testing.T, databases *Databases) string {
	t.Helper()
	database, err := databases.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return database
}
