// Package store holds every SQL statement, once, for both engines: PostgreSQL
// and SQLite.
//
// It speaks the errors of the nouns. A failure of the database itself, as
// opposed to a fact about what it holds, comes with a method Unavailable() bool
// that returns true, so that a room can tell the two apart without knowing this
// package.
package store

import (
	"log/slog"
	"time"
)

// Config says which database to open and how.
type Config struct {
	URL          string           // sqlite:PATH or postgres://...
	MaxConns     int              // of PostgreSQL; 0 is twice the processors and at least 8
	LongestGrant time.Duration    // after this no grant of a bucket can be alive
	Now          func() time.Time // for the background loop alone
	Log          *slog.Logger
}

// Store is an open database.
type Store struct{}
