package rig

import (
	"path/filepath"
	"testing"

	"github.com/ostiary/ostiary/internal/store/storetest"
)

// Engine is a database engine.
type Engine string

// The supported engines.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// Engines returns all engines.
func Engines() []Engine { return []Engine{SQLite, Postgres} }

// Database returns the URL of a new, empty database. Its PostgreSQL is shared among
// tests and runs without fsync. To kill the server or test durability, use
// [storetest.StartPostgres].
func Database(tb testing.TB, engine Engine) string {
	tb.Helper()
	if engine == Postgres {
		return storetest.PostgresURL(tb)
	}
	return "sqlite:" + filepath.Join(tb.TempDir(), "ostiary.db")
}
