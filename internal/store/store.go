// Package store has every SQL statement, once, for both engines: PostgreSQL and SQLite.
// There is one repository for each domain type.
//
// Repositories return the errors of the domain packages. Failures of the database itself
// implement unavailable.Failure. Times come from the caller and are stored in
// microseconds.
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

	"github.com/ostiary/ostiary/internal/activity"
	"github.com/ostiary/ostiary/internal/store/db"
	"github.com/ostiary/ostiary/internal/store/postgres"
	"github.com/ostiary/ostiary/internal/store/sqlite"
)

// Config is the configuration of a store.
type Config struct {
	URL             string           // sqlite:PATH or postgres://...
	MaxConns        int              // to PostgreSQL; 0: pool_max_conns of the URL, or the default of pgx
	GrantLifetime   time.Duration    // the longest lifetime of a grant; default 91 days. Partitions are checked after it
	RequestLifetime time.Duration    // the longest lifetime of an authorization request; default 2 h. Its grant is kept for that time
	AuditRetention  time.Duration    // of audit events; default 90 days
	Inactivity      InactivityRule   // disables accounts that are not used
	Now             func() time.Time // used by RunPurge only
	Log             *slog.Logger

	// ReadingTTL is the time for which a reading of the change counter is used; default
	// 1 s. Tests that count statements use a longer one.
	ReadingTTL time.Duration
	// WithoutSlot runs a wait for other replicas without the admission slot of the
	// request; nil calls wait directly.
	WithoutSlot func(ctx context.Context, wait func())
}

// Store is an open database. Each field is the repository of a domain type.
type Store struct {
	Accounts       *Accounts
	Activity       *Activity
	APIKeys        *APIKeys
	Attributes     *Attributes
	Audit          *Audit
	Backchannel    *BackchannelRequests
	BreachChecks   *BreachChecks
	Clients        *Clients
	Consents       *Consents
	DataFiles      *DataFiles
	Deadlines      *EnrolmentDeadlines
	PushedRequests *PushedRequests
	DetailTypes    *DetailTypes
	Devices        *Devices
	Grants         *Grants
	Groups         *Groups
	Keys           *Keys
	KeySets        *KeySets
	LogoutRequests *LogoutRequests
	Mails          *Mails
	OneTimeLinks   *OneTimeLinks
	Outbox         *Outbox
	Passkeys       *Passkeys
	Refusals       *Refusals
	Replay         *Replay
	Requests       *Requests
	Resources      *Resources
	Scopes         *Scopes
	SecondFactors  *SecondFactors
	SearchWords    *SearchWords
	Seeds          *Seeds
	Sessions       *Sessions
	SetupLinks     *SetupLinks
	SignIns        *SignIns
	SignInSources  *SignInSources
	SignUps        *SignUps
	Statistics     *Statistics
	Terms          *Terms
	Throttle       *Throttle
	TrustedDevices *TrustedDevices
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

// New returns a store on an open engine. It ignores the URL of the configuration.
func New(e db.Engine, c Config) *Store {
	d := db.New(e)
	log := cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	requestLifetime := cmp.Or(c.RequestLifetime, 2*time.Hour)
	r := &replication{db: d, withoutSlot: c.WithoutSlot, log: log}
	r.changes.clock, r.changes.ttl = time.Now, cmp.Or(c.ReadingTTL, readingTTL) //nolint:forbidigo // needs the monotonic system clock
	if r.withoutSlot == nil {
		r.withoutSlot = func(_ context.Context, wait func()) { wait() }
	}
	told := &notices{}
	accounts := &Accounts{d, r, log, told}
	return &Store{
		Accounts:       accounts,
		Activity:       &Activity{d},
		APIKeys:        &APIKeys{d, r},
		Attributes:     &Attributes{d, r},
		Audit:          &Audit{d},
		Backchannel:    &BackchannelRequests{d},
		BreachChecks:   &BreachChecks{d},
		Clients:        &Clients{d, r},
		Consents:       &Consents{d},
		DataFiles:      &DataFiles{d},
		Deadlines:      &EnrolmentDeadlines{d},
		PushedRequests: &PushedRequests{&Replay{d}, d},
		DetailTypes:    &DetailTypes{d, r},
		Devices:        &Devices{d},
		Grants:         &Grants{d},
		Groups:         &Groups{d},
		Keys:           &Keys{d, r},
		KeySets:        &KeySets{d},
		LogoutRequests: &LogoutRequests{d},
		Mails:          &Mails{d},
		OneTimeLinks:   &OneTimeLinks{d, accounts},
		Outbox:         &Outbox{d},
		Passkeys:       &Passkeys{d, told},
		Refusals:       &Refusals{d},
		Replay:         &Replay{d},
		Requests:       &Requests{d},
		Resources:      &Resources{d, r},
		Scopes:         &Scopes{d, r},
		SecondFactors:  &SecondFactors{d, told},
		SearchWords:    &SearchWords{d, log},
		Seeds:          &Seeds{d},
		Sessions:       &Sessions{db: d, requestLifetime: requestLifetime, notices: told},
		SetupLinks:     &SetupLinks{d},
		SignIns:        &SignIns{d},
		SignInSources:  &SignInSources{d, told},
		SignUps:        &SignUps{d},
		Statistics:     &Statistics{d},
		Terms:          &Terms{d},
		Throttle:       &Throttle{d},
		TrustedDevices: &TrustedDevices{d},
		TrustedIssuers: &TrustedIssuers{d, r},

		db: d, replication: r, log: log,
		purger: &purger{
			db: d, accounts: accounts, now: c.Now, log: log,
			grantLifetime: cmp.Or(c.GrantLifetime, 91*24*time.Hour), requestLifetime: requestLifetime,
			auditRetention: cmp.Or(c.AuditRetention, 90*24*time.Hour), maxAnonymousMails: maxAnonymousMails, maxSignUps: maxSignUps, maxFailures: activity.MaxFailures,
			maxPasswordFailures: maxPasswordFailures, maxAttemptCounters: maxAttemptCounters, inactivity: &inactivity{InactivityRule: c.Inactivity, accounts: accounts, log: log},
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

// Follow makes this process a replica of a version, whose caches may keep records, until ctx ends.
// It calls ready when the first reading of the change counter has succeeded or failed.
//
// The replica has a row with the number of the last change that its caches respect.
// Every 250 ms it reads the counter and that row in one statement, and writes the row
// only if the counter has changed. A reading is valid for a second from before the
// statement was sent. A process that makes a change waits until the rows of all
// replicas have its number; see [replication.awaitReplicas].
func (s *Store) Follow(ctx context.Context, version string, ready func()) {
	s.replication.follow(ctx, version, ready)
}

// DeferWaits lets changes return before they are in effect on all replicas. Commands
// that make many changes use it, and call [Store.Settle] before they report success.
func (s *Store) DeferWaits() { s.replication.deferred.Store(true) }

// Unsettled reports whether this process has committed changes for which [Store.Settle]
// has not waited.
func (s *Store) Unsettled() bool {
	return s.replication.pending.Load() > s.replication.settled.Load()
}

// Settle returns when all changes that this process has committed are in effect on all
// replicas.
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
