// Package storetest gives each test a real store: a new database with the current
// schema, on either engine.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/migrations"
)

// New returns a fresh store on SQLite.
func New(tb testing.TB) *store.Store {
	tb.Helper()
	return Open(tb, SQLiteURL(tb))
}

// Each runs a test on a fresh store of each engine.
func Each(t *testing.T, test func(t *testing.T, s *store.Store)) {
	t.Helper()
	EachURL(t, func(t *testing.T, url string) {
		t.Helper()
		s := Open(t, url)
		AwaitConnection(t, s)
		test(t, s)
	})
}

// EachURL runs a test on a fresh database of each engine, for tests that open it
// more than once.
func EachURL(t *testing.T, test func(t *testing.T, url string)) {
	t.Helper()
	for engine, fresh := range map[string]func(testing.TB) string{"sqlite": SQLiteURL, "postgres": MigratedURL} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(t, fresh(t))
		})
	}
}

// Open opens a store, which is closed when the test ends.
func Open(tb testing.TB, url string) *store.Store {
	tb.Helper()
	// A busy machine is not to make a server of a test reload what it has cached.
	s, err := store.Open(tb.Context(), store.Config{URL: url, MaxConns: 6, ReadingTTL: time.Minute})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Close)
	return s
}

// AwaitConnection returns once the store has a connection. A request waits for one second for a
// connection, which a busy machine may exceed for the first one.
func AwaitConnection(tb testing.TB, s *store.Store) {
	tb.Helper()
	var err error
	for range 20 {
		if err = s.Ping(tb.Context()); err == nil {
			return
		}
	}
	tb.Fatal(err)
}

// SQLiteURL returns the URL of a fresh SQLite database with the schema in place.
func SQLiteURL(tb testing.TB) string {
	tb.Helper()
	migrated, err := migratedFile()
	if err != nil {
		tb.Fatal(err)
	}
	path := filepath.Join(filesDir(tb), "ostiary.db")
	if err := os.WriteFile(path, migrated, 0o600); err != nil {
		tb.Fatal(err)
	}
	return "sqlite:" + path
}

// migratedFile returns the content of a SQLite database with the schema in place.
var migratedFile = sync.OnceValues(func() (content []byte, err error) { //nolint:gochecknoglobals // migrating takes longer than most tests
	dir, err := os.MkdirTemp("", "ostiary-sqlite-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "migrated.db")
	if err := migrate(context.Background(), "sqlite:"+path); err != nil {
		return nil, err
	}
	if _, err := os.Stat(path + "-wal"); !errors.Is(err, os.ErrNotExist) {
		return nil, errors.New("closing the migrated SQLite database left its write-ahead log")
	}
	return os.ReadFile(path) //nolint:gosec // made above
})

// sharedDir is a directory that withpostgres keeps in memory for all test processes below
// it, or empty. Tests of commands unset the variable later.
var sharedDir = os.Getenv("OSTIARY_TEST_FILES") //nolint:gochecknoglobals // never changes

// SharedDir returns a directory for files that several test processes share, or "" if
// there is none. The command withpostgres makes it and removes it.
func SharedDir() string { return sharedDir }

// filesDir returns a directory for the files of a test, in memory where that is possible.
// It is removed when the test ends.
func filesDir(tb testing.TB) string {
	tb.Helper()
	if sharedDir == "" {
		return tb.TempDir()
	}
	dir, err := os.MkdirTemp(sharedDir, "test-") //nolint:usetesting // testing's own directory is on disk
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			tb.Errorf("remove the files of the test: %v", err)
		}
	})
	return dir
}

// MigratedURL returns the URL of a fresh PostgreSQL database with the schema in
// place.
func MigratedURL(tb testing.TB) string {
	tb.Helper()
	schema, err := fingerprint()
	if err != nil {
		tb.Fatal(err)
	}
	return MigratedPostgresURL(tb, schema, migrate)
}

func migrate(ctx context.Context, url string) error {
	s, err := store.Open(ctx, store.Config{URL: url})
	if err != nil {
		return err
	}
	defer s.Close()
	_, err = s.Migrate(ctx)
	return err
}

// fingerprint changes with the schema.
var fingerprint = sync.OnceValues(func() (string, error) { //nolint:gochecknoglobals // the files never change
	text := ""
	err := fs.WalkDir(migrations.Files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		step, err := fs.ReadFile(migrations.Files, path)
		text += fmt.Sprintf("%s\n%s\n", path, step)
		return err
	})
	return text, err
})

// Follow makes a store a replica, whose caches may keep records, until the test ends.
func Follow(tb testing.TB, s *store.Store) {
	tb.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(tb.Context()))
	following, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		s.Follow(ctx, "test", func() { close(following) })
	}()
	<-following
	tb.Cleanup(func() { stop(); <-ended })
}
