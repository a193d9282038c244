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
	engine     engine
	read       conn // short statements, of committed data
	write      conn // short statements, which find their rows by key
	list       conn // reads that may take long, so that nobody waits behind them
	aside      conn // writes that may
	watch      conn // reads of the change counter, which wait for nobody else; not counted
	watchWrite conn
	statements atomic.Int64

	writable struct { // what the last try came to
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

// Open opens the database without touching its schema. PostgreSQL is connected
// to when it is first needed; a SQLite file is made if it is not there.
func Open(ctx context.Context, c Config) (*Store, error) {
	s := &Store{
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
	scheme, rest, _ := strings.Cut(c.URL, ":")
	var err error
	switch scheme {
	case "sqlite":
		s.engine, err = openSQLite(ctx, rest)
	case "postgres", "postgresql":
		s.engine, err = openPostgres(ctx, c.URL, c.MaxConns, s.log)
	default:
		err = errors.New("a database URL begins with sqlite: or postgres://")
	}
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	s.read = conn{counted{s.engine.reader(), &s.statements}}
	s.write = conn{counted{s.engine.writer(), &s.statements}}
	s.list = conn{counted{s.engine.lister(), &s.statements}}
	s.aside = conn{counted{s.engine.aside(), &s.statements}}
	watch, watchWrite := s.engine.watchers()
	s.watch, s.watchWrite = conn{watch}, conn{watchWrite}
	return s, nil
}

// Close gives all connections back.
func (s *Store) Close() { s.engine.close() }

// Engine returns "postgres" or "sqlite".
func (s *Store) Engine() string { return s.engine.name() }

// Statements returns how many statements were sent to the database since Open.
// The bounds of transactions do not count, nor does what keeps the schema and
// the partitions in order.
func (s *Store) Statements() int64 { return s.statements.Load() }

// Connections are those to the database, as far as there is a pool of them.
type Connections struct{ Max, InUse, Idle int }

// Connections returns how many there are.
func (s *Store) Connections() Connections { return s.engine.connections() }

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	var one int64
	if err := s.read.one(ctx, `SELECT 1`).Scan(&one); err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	return nil
}
