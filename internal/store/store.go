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
	"time"

	"github.com/ostiary/ostiary/internal/store/db"
	"github.com/ostiary/ostiary/internal/store/postgres"
	"github.com/ostiary/ostiary/internal/store/sqlite"
)

// Config says which database to open and how.
type Config struct {
	URL             string           // sqlite:PATH or postgres://...
	MaxConns        int              // to PostgreSQL; when zero the URL's pool_max_conns, or what pgx thinks fit
	GrantLifetime   time.Duration    // after this long a week of grants is looked at as a whole; 91 days when zero
	RequestLifetime time.Duration    // how long a request can be answered, during which its grant is kept; 2 h when zero
	AuditRetention  time.Duration    // how long audit events are kept; 90 days when zero
	Now             func() time.Time // for the background loop alone
	Log             *slog.Logger

	// ReadingTTL is for how long a reading of the change counter is used; 1 s when
	// zero. Tests that count statements take longer.
	ReadingTTL time.Duration
	// WithoutSlot runs what waits for other replicas, so that the request needs no place
	// among those worked on meanwhile; at once when nil.
	WithoutSlot func(ctx context.Context, wait func())
}

// Store is an open database.
type Store struct {
	Accounts       *Accounts
	APIKeys        *APIKeys
	Audit          *Audit
	Clients        *Clients
	Consents       *Consents
	Devices        *Devices
	Grants         *Grants
	Keys           *Keys
	KeySets        *KeySets
	LogoutRequests *LogoutRequests
	Outbox         *Outbox
	Refusals       *Refusals
	Replay         *Replay
	Requests       *Requests
	Scopes         *Scopes
	Seeds          *Seeds
	Sessions       *Sessions
	SetupLinks     *SetupLinks
	SignInSources  *SignInSources
	Throttle       *Throttle
	TrustedIssuers *TrustedIssuers

	db *db.DB

	writable struct { // the result of the last write of CheckWritable
		sync.Mutex

		at  time.Time
		err error
	}

	replication *replication
	purger      *purger
	log         *slog.Logger
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
	d := db.New(e)
	log := cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	requestLifetime := cmp.Or(c.RequestLifetime, 2*time.Hour)
	r := &replication{db: d, withoutSlot: c.WithoutSlot, log: log}
	r.changes.clock, r.changes.ttl = time.Now, cmp.Or(c.ReadingTTL, readingTTL) //nolint:forbidigo // needs the monotonic system clock
	if r.withoutSlot == nil {
		r.withoutSlot = func(_ context.Context, wait func()) { wait() }
	}
	return &Store{
		Accounts:       &Accounts{d, r},
		APIKeys:        &APIKeys{d, r},
		Audit:          &Audit{d},
		Clients:        &Clients{d, r},
		Consents:       &Consents{d},
		Devices:        &Devices{d},
		Grants:         &Grants{d},
		Keys:           &Keys{d, r},
		KeySets:        &KeySets{d},
		LogoutRequests: &LogoutRequests{d},
		Outbox:         &Outbox{d},
		Refusals:       &Refusals{d},
		Replay:         &Replay{d},
		Requests:       &Requests{d},
		Scopes:         &Scopes{d, r},
		Seeds:          &Seeds{d},
		Sessions:       &Sessions{d, requestLifetime},
		SetupLinks:     &SetupLinks{d},
		SignInSources:  &SignInSources{d},
		Throttle:       &Throttle{d},
		TrustedIssuers: &TrustedIssuers{d, r},

		db: d, replication: r, log: log,
		purger: &purger{
			db: d, now: c.Now, log: log,
			grantLifetime: cmp.Or(c.GrantLifetime, 91*24*time.Hour), requestLifetime: requestLifetime,
			auditRetention: cmp.Or(c.AuditRetention, 90*24*time.Hour),
		},
	}
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

// Changes reports whether cached records are still current.
func (s *Store) Changes() *Changes { return &s.replication.changes }

// Follow makes this process a replica, whose caches may keep records, until ctx ends.
// It calls ready when the first reading of the change counter has succeeded or failed.
//
// The replica has a row with the number of the last change that its caches respect.
// Every 250 ms it reads the counter and that row in one statement, and writes to the
// row only when the counter has moved. A reading counts from before the statement was
// sent and is used for a second. The process that makes a change waits until the rows of all
// replicas have its number; see [replication.awaitReplicas].
func (s *Store) Follow(ctx context.Context, ready func()) { s.replication.follow(ctx, ready) }

// DeferWaits lets changes return before they are in force at every replica. Commands
// that make many changes use it, and call [Store.Settle] before they report success.
func (s *Store) DeferWaits() { s.replication.deferred.Store(true) }

// Unsettled reports whether changes were committed here that [Store.Settle] has not waited
// for.
func (s *Store) Unsettled() bool {
	return s.replication.pending.Load() > s.replication.settled.Load()
}

// Settle returns when all changes that were committed here before are in force at every
// replica.
func (s *Store) Settle(ctx context.Context) { s.replication.settle(ctx) }

// Purge removes expired records, and creates the partitions for the grants of the next
// hour and week. Several replicas may call it at the same time.
func (s *Store) Purge(ctx context.Context, now time.Time) (Purged, error) {
	return s.purger.purge(ctx, now)
}

// RunPurge purges about once a minute until ctx ends.
func (s *Store) RunPurge(ctx context.Context) { s.purger.run(ctx) }

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	var one int64
	if err := s.db.Read.QueryRow(ctx, `SELECT 1`).Scan(&one); err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	return nil
}
