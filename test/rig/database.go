package rig

import (
	"path/filepath"
	"testing"

	"github.com/ostiary/ostiary/internal/store/storetest"
)

// Engine is a kind of database.
type Engine string

// The engines that every promise holds on.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// Engines lists them.
func Engines() []Engine { return []Engine{SQLite, Postgres} }

// Database returns the URL of a fresh, empty database. Its PostgreSQL is shared
// among tests and does not wait for the disk; for one to kill, or to lose power,
// see [storetest.StartPostgres].
func Database(tb testing.TB, engine Engine) string {
	tb.Helper()
	if engine == Postgres {
		return storetest.PostgresURL(tb)
	}
	return "sqlite:" + filepath.Join(tb.TempDir(), "ostiary.db")
}
