package storetest

import (
	"context"
	"os"
	"runtime"
	"sync"
	"testing"

	"github.com/ostiary/ostiary/internal/store/storetest/pgserver"
)

// sharedDatabases returns the server that all tests of this process use: the one that
// OSTIARY_TEST_POSTGRES_URL names, else one started for them, which ends with the
// process. The closure keeps a started server reachable: if the server were collected,
// so would be the pipe whose end makes its guard stop it.
var sharedDatabases = sync.OnceValues(func() (func() *pgserver.Databases, error) { //nolint:gochecknoglobals // starting one per test would cost a second each
	var server *pgserver.Server
	url := os.Getenv("OSTIARY_TEST_POSTGRES_URL")
	if url == "" {
		var err error
		if server, err = pgserver.Start(context.Background(), false); err != nil {
			return nil, err
		}
		url = server.URL("postgres")
	}
	databases, err := pgserver.Connect(context.Background(), url)
	if err != nil {
		return nil, err
	}
	return func() *pgserver.Databases { runtime.KeepAlive(server); return databases }, nil
})

// PostgresURL returns the URL of a fresh, empty PostgreSQL database, which is
// removed when the test ends.
//
// The server is the one that OSTIARY_TEST_POSTGRES_URL names, else one that the first
// call starts for this process. Without PostgreSQL the test fails with instructions
// to install it, so that no test is skipped on one engine.
func PostgresURL(tb testing.TB) string {
	tb.Helper()
	return freshDatabase(tb, (*pgserver.Databases).Create)
}

// MigratedPostgresURL is [PostgresURL] with the schema already in place. migrate
// runs once per server and fingerprint; every other database is a copy of the migrated
// one. The fingerprint must change with the schema.
func MigratedPostgresURL(tb testing.TB, fingerprint string, migrate pgserver.Migrate) string {
	tb.Helper()
	return freshDatabase(tb, func(d *pgserver.Databases, ctx context.Context) (string, error) {
		return d.CreateMigrated(ctx, fingerprint, migrate)
	})
}

func freshDatabase(tb testing.TB, create func(*pgserver.Databases, context.Context) (string, error)) string {
	tb.Helper()
	shared, err := sharedDatabases()
	if err != nil {
		tb.Fatal(err)
	}
	databases := shared()
	url, err := create(databases, tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := databases.Drop(context.WithoutCancel(tb.Context()), url); err != nil {
			tb.Errorf("remove the database of the test: %v", err)
		}
	})
	return url
}

// Options configure a PostgreSQL server that [StartPostgres] starts for one test.
type Options struct {
	// Durable makes it wait for the disk, as one in production does.
	Durable bool
}

// Postgres is a PostgreSQL of a test's own, to be stopped and killed at will.
type Postgres struct {
	tb     testing.TB
	server *pgserver.Server
	url    string
}

// StartPostgres starts a server for one test. It ends with the test.
func StartPostgres(tb testing.TB, options Options) *Postgres {
	tb.Helper()
	server, err := pgserver.Start(tb.Context(), options.Durable)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := server.Close(); err != nil {
			tb.Errorf("remove the test's PostgreSQL: %v", err)
		}
	})
	database, err := server.CreateDatabase(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return &Postgres{tb: tb, server: server, url: database}
}

// URL names an empty database on the server.
func (p *Postgres) URL() string { return p.url }

// Stop ends the server in order and keeps its data.
func (p *Postgres) Stop() {
	p.tb.Helper()
	p.must(p.server.Stop())
}

// Kill ends the server as a crash does.
func (p *Postgres) Kill() {
	p.tb.Helper()
	p.must(p.server.Kill())
}

// Restart starts the server on the data it had, after ending it if it runs. The
// URL stays the same.
func (p *Postgres) Restart() {
	p.tb.Helper()
	p.must(p.server.Restart(p.tb.Context()))
}

func (p *Postgres) must(err error) {
	p.tb.Helper()
	if err != nil {
		p.tb.Fatal(err)
	}
}
