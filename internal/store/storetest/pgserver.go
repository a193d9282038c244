package storetest

import (
	"context"
	"os"
	"sync"
	"testing"

	"github.com/ostiary/ostiary/internal/store/storetest/pgserver"
)

// sharedServer returns the URL of the server that all tests of this process use:
// the one OSTIARY_TEST_POSTGRES_URL names, else one started for them, which ends
// with the process. The function it returns holds on to the server, whose last will
// would be carried out if it were collected.
var sharedServer = sync.OnceValues(func() (func() string, error) { //nolint:gochecknoglobals // starting one per test would cost a second each
	if given := os.Getenv("OSTIARY_TEST_POSTGRES_URL"); given != "" {
		return func() string { return given }, nil
	}
	server, err := pgserver.Start(context.Background(), false)
	if err != nil {
		return nil, err
	}
	return func() string { return server.URL("postgres") }, nil
})

// PostgresURL returns the URL of a fresh, empty PostgreSQL database, which is
// removed when the test ends.
//
// The server is the one OSTIARY_TEST_POSTGRES_URL names, else one that the first
// call starts for this process. Without PostgreSQL the test fails and says how to
// get it: a promise is never held on one engine only.
func PostgresURL(tb testing.TB) string {
	tb.Helper()
	return freshDatabase(tb, pgserver.Create)
}

// MigratedPostgresURL is [PostgresURL] with the schema already in place. migrate
// runs once per server and fingerprint; every other database is a copy of what it
// made. The fingerprint must change with the schema.
func MigratedPostgresURL(tb testing.TB, fingerprint string, migrate pgserver.Migrate) string {
	tb.Helper()
	return freshDatabase(tb, func(ctx context.Context, server string) (string, error) {
		return pgserver.CreateMigrated(ctx, server, fingerprint, migrate)
	})
}

func freshDatabase(tb testing.TB, create func(ctx context.Context, server string) (string, error)) string {
	tb.Helper()
	shared, err := sharedServer()
	if err != nil {
		tb.Fatal(err)
	}
	server := shared()
	database, err := create(tb.Context(), server)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := pgserver.Drop(context.WithoutCancel(tb.Context()), server, database); err != nil {
			tb.Errorf("remove the test's database: %v", err)
		}
	})
	return database
}

// Options say how a server of a test's own behaves.
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
	database, err := pgserver.Create(tb.Context(), server.URL("postgres"))
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
