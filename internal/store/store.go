// Package store holds every SQL statement, once, for both engines: PostgreSQL
// and SQLite.
//
// It speaks the errors of the nouns. A failure of the database itself, as
// opposed to a fact about what it holds, comes with a method Unavailable() bool
// that returns true, so that a room can tell the two apart without knowing this
// package. Times come from the caller and are kept in microseconds.
package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ostiary/ostiary/internal/store/db"
	"github.com/ostiary/ostiary/internal/store/postgres"
	"github.com/ostiary/ostiary/internal/store/sqlite"
)

// Config says which database to open and how.
type Config struct {
	URL          string           // sqlite:PATH or postgres://...
	MaxConns     int              // to PostgreSQL; when zero the URL's pool_max_conns, or what pgx thinks fit
	LongestGrant time.Duration    // after this long a week of grants is looked at as a whole; 91 days when zero
	Linger       time.Duration    // how long a request can be answered, during which its grant is kept; 2 h when zero
	Audit        time.Duration    // how long audit events are kept; 90 days when zero
	Now          func() time.Time // for the background loop alone
	Log          *slog.Logger

	// ReadingTTL is for how long a reading of the change counter is used; 1 s when
	// zero. Tests that count statements take longer.
	ReadingTTL time.Duration
	// WithoutSlot runs what waits for other replicas, so that the request needs no place
	// among those worked on meanwhile; at once when nil.
	WithoutSlot func(ctx context.Context, wait func())
}

// Store is an open database.
type Store struct {
	db *db.DB

	writable struct { // the result of the last write of CheckWritable
		sync.Mutex

		at  time.Time
		err error
	}

	changes     Changes
	self        atomic.Pointer[string] // the id of this replica, nil for a command
	deferred    atomic.Bool            // changes do not wait for replicas
	pending     atomic.Int64           // the last change committed here
	settled     atomic.Int64           // the last of them known to be in force everywhere
	withoutSlot func(ctx context.Context, wait func())

	longestGrant   time.Duration
	linger         time.Duration
	auditRetention time.Duration
	sweeping       sweeping
	unanswered     unansweredPurge
	now            func() time.Time
	log            *slog.Logger
}

// Open opens the database without touching its schema. It connects to PostgreSQL when a
// statement needs a connection, and creates a SQLite file that does not exist.
func Open(ctx context.Context, c Config) (*Store, error) {
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	engine, err := openEngine(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	return New(engine, c), nil
}

// New returns a store on an open engine, whatever the URL of the configuration.
func New(e db.Engine, c Config) *Store {
	s := &Store{
		db:             db.New(e),
		longestGrant:   cmp.Or(c.LongestGrant, 91*24*time.Hour),
		linger:         cmp.Or(c.Linger, 2*time.Hour),
		auditRetention: cmp.Or(c.Audit, 90*24*time.Hour),
		now:            c.Now,
		log:            cmp.Or(c.Log, slog.New(slog.DiscardHandler)),
		withoutSlot:    c.WithoutSlot,
	}
	s.changes.clock, s.changes.ttl = time.Now, cmp.Or(c.ReadingTTL, readingTTL) //nolint:forbidigo // needs the monotonic clock, and no test's
	if s.withoutSlot == nil {
		s.withoutSlot = func(_ context.Context, wait func()) { wait() }
	}
	return s
}

func openEngine(ctx context.Context, c Config) (db.Engine, error) {
	scheme, rest, _ := strings.Cut(c.URL, ":")
	switch scheme {
	case "sqlite":
		return sqlite.Open(ctx, rest)
	case "postgres", "postgresql":
		return postgres.Open(ctx, c.URL, c.MaxConns, c.Log)
	default:
		return nil, errors.New("a database URL begins with sqlite: or postgres://")
	}
}

// Close closes all connections.
func (s *Store) Close() { s.db.Engine.Close() }

// Engine returns "postgres" or "sqlite".
func (s *Store) Engine() string { return s.db.Engine.Name() }

// Statements returns the number of statements since Open. Statements that begin and end
// transactions, migrate the schema or manage partitions do not count.
func (s *Store) Statements() int64 { return s.db.Statements() }

// Connections returns the connections of the pool.
func (s *Store) Connections() db.Connections { return s.db.Engine.Connections() }

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	var one int64
	if err := s.db.Read.QueryRow(ctx, `SELECT 1`).Scan(&one); err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	return nil
}
