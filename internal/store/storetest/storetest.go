// Package storetest gives tests a real store: a database of their own, with the
// schema in place, on either engine.
package storetest

import (
	"context"
	"fmt"
	"io/fs"
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
		test(t, Open(t, url))
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

// SQLiteURL returns the URL of a fresh SQLite database with the schema in place.
func SQLiteURL(tb testing.TB) string {
	tb.Helper()
	url := "sqlite:" + filepath.Join(tb.TempDir(), "ostiary.db")
	if err := migrate(tb.Context(), url); err != nil {
		tb.Fatal(err)
	}
	return url
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
		s.Follow(ctx, func() { close(following) })
	}()
	<-following
	tb.Cleanup(func() { stop(); <-ended })
}
