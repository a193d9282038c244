package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/ostiary/ostiary/internal/pgurl"
	"github.com/ostiary/ostiary/migrations"
)

// How long a request waits for its turn, and for a connection to be made. The
// server's own limit for a statement is below requestPatience, so that a slow one
// does not cost the connection.
const (
	acquirePatience = time.Second
	connectPatience = 3 * time.Second
)

// migrationLock keeps replicas from migrating at once.
const migrationLock = 0x6f737469617279

// postgres is the engine for many replicas.
type postgres struct {
	pool             *pgxpool.Pool
	reading, writing *lane
	watch            *pgWatch
	log              *slog.Logger
	given            []string    // session settings that the URL has
	pooled           atomic.Bool // there is a pooler that lets no session be set up
	unprepared       atomic.Bool // prepared statements do not stay with a connection
	dead             sync.Map    // names of partitions that were found dead and could not be dropped
}

func openPostgres(ctx context.Context, url string, maxConns int, log *slog.Logger) (*postgres, error) {
	if err := pgurl.Check(url); err != nil {
		return nil, err
	}
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, pgurl.Explain(url, err)
	}
	if maxConns > 0 {
		config.MaxConns = int32(min(maxConns, 10_000))
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = connectPatience
	}
	p := &postgres{log: log}
	config.ConnConfig.RuntimeParams["application_name"] = cmp.Or(config.ConnConfig.RuntimeParams["application_name"], "ostiary")
	for parameter := range sessionSettings() {
		if _, given := config.ConnConfig.RuntimeParams[parameter]; given {
			p.given = append(p.given, parameter)
		}
	}
	if config.ConnConfig.ValidateConnect == nil && len(config.ConnConfig.Fallbacks) > 0 {
		config.ConnConfig.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	config.BeforeConnect = func(_ context.Context, c *pgx.ConnConfig) error {
		p.prepare(c)
		return nil
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("make the pool: %w", err)
	}
	p.pool, p.watch = pool, newPGWatch(p)
	p.reading, p.writing = &lane{engine: p}, &lane{engine: p}
	return p, nil
}

func (p *postgres) name() string { return migrations.Postgres }

func (p *postgres) close() {
	p.watch.close()
	p.pool.Close()
}

func (p *postgres) reader() runner { return p.reading }
func (p *postgres) writer() runner { return p.writing }
func (p *postgres) lister() runner { return p }
func (p *postgres) aside() runner  { return p }

func (p *postgres) watchers() (reader, writer runner) { return p.watch, p.watch }

func (p *postgres) exec(ctx context.Context, statement string, args ...any) (affected int64, err error) {
	err = p.lend(ctx, requestPatience, func(ctx context.Context, c *pgx.Conn) error {
		affected, err = pgStatements{c, c}.exec(ctx, statement, args...)
		return err
	})
	return affected, err
}

func (p *postgres) each(ctx context.Context, visit func(scanner) error, statement string, args ...any) error {
	return p.lend(ctx, requestPatience, func(ctx context.Context, c *pgx.Conn) error {
		return pgStatements{c, c}.each(ctx, visit, statement, args...)
	})
}

func (p *postgres) transact(ctx context.Context, patience time.Duration, act func(conn) error) error {
	return p.lend(ctx, patience, func(ctx context.Context, c *pgx.Conn) error {
		err := pgx.BeginTxFunc(ctx, c, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
			return act(conn{pgStatements{tx, c}})
		})
		return interpretPostgres(c, err)
	})
}

// lend runs use with a connection, again if it lost against another transaction.
func (p *postgres) lend(ctx context.Context, patience time.Duration, use func(context.Context, *pgx.Conn) error) error {
	return p.borrow(ctx, func(c *pgx.Conn) error {
		working, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		return use(working, c)
	})
}

// lendFor is lend for work that does not end with a request. Its end is set on the
// connection: for a context that can end pgx starts a goroutine at each statement.
func (p *postgres) lendFor(ctx context.Context, patience time.Duration, use func(context.Context, *pgx.Conn) error) error {
	return p.borrow(ctx, func(c *pgx.Conn) error { //nolint:contextcheck // see above
		wire := c.PgConn().Conn()
		if err := wire.SetDeadline(time.Now().Add(patience)); err != nil { //nolint:forbidigo // the network's own clock
			return &unavailable{err}
		}
		defer wire.SetDeadline(time.Time{}) //nolint:errcheck // it is closed, then, and so of no use to anybody
		return use(context.Background(), c)
	})
}

// borrow runs use with a connection, again if it lost against another transaction.
func (p *postgres) borrow(ctx context.Context, use func(*pgx.Conn) error) error {
	return retrying(lostOnPostgres, func() error {
		waiting, cancel := context.WithTimeout(ctx, acquirePatience)
		defer cancel()
		c, err := p.pool.Acquire(waiting)
		if p.adapt(ctx, err) {
			c, err = p.pool.Acquire(waiting)
		}
		if err != nil {
			return &unavailable{err} // closed, refused, or none free in time
		}
		defer c.Release()

		err = use(c.Conn())
		if readOnly(err) || p.adapt(ctx, err) {
			// The server has become a standby, or a pooler does not keep statements: no
			// connection of the pool may be used again. The pool closes the idle ones at
			// once, and this one and others in use when they are released.
			p.pool.Reset()
		}
		return err
	})
}

// pgStatements runs statements on a connection or in a transaction.
type pgStatements struct {
	on interface {
		Exec(ctx context.Context, statement string, args ...any) (pgconn.CommandTag, error)
		Query(ctx context.Context, statement string, args ...any) (pgx.Rows, error)
	}
	conn *pgx.Conn
}

func (p pgStatements) exec(ctx context.Context, statement string, args ...any) (int64, error) {
	tag, err := p.on.Exec(ctx, statement, args...)
	return tag.RowsAffected(), interpretPostgres(p.conn, err)
}

func (p pgStatements) each(ctx context.Context, visit func(scanner) error, statement string, args ...any) error {
	rows, err := p.on.Query(ctx, statement, args...)
	if err != nil {
		return interpretPostgres(p.conn, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := visit(rows); err != nil {
			return err
		}
	}
	return interpretPostgres(p.conn, rows.Err())
}

// interpretPostgres tells failures of the database from its answers, and from
// mistakes of ours: pgx gives up a connection that failed, but keeps one for which
// it could not encode an argument.
func interpretPostgres(c *pgx.Conn, err error) error {
	if err == nil {
		return nil
	}
	if _, done := errors.AsType[*unavailable](err); done {
		return err
	}
	failed := c.IsClosed() || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok {
		failed = isFailure(answer.Code)
	}
	if failed {
		return &unavailable{err}
	}
	return err
}

// isFailure tells by the code of an answer whether the server is at fault.
func isFailure(code string) bool {
	switch code {
	case "25006", // read-only
		"25P03": // a transaction cut off for idling
		return true
	}
	switch code[:2] {
	case "08", // connection
		"28", // no longer let in
		"3D", // the database is gone
		"40", // lost against another transaction, again and again
		"53", // out of connections, memory, disk
		"55", // a lock not given in time
		"57", // shutting down, or the statement timed out
		"58", // input and output
		"XX": // damage
		return true
	}
	return false
}

func lostOnPostgres(err error) bool {
	return hasCode(err, "40001", "40P01") || unprepared(err)
}

func (p *postgres) lacksReferenced(err error) bool { return hasCode(err, "23503") }

func readOnly(err error) bool { return hasCode(err, "25006") }

func hasCode(err error, codes ...string) bool {
	answer, ok := errors.AsType[*pgconn.PgError](err)
	return ok && slices.Contains(codes, answer.Code)
}

func (p *postgres) schemaVersion(ctx context.Context) (version int64, err error) {
	const exists = `SELECT to_regclass('goose_db_version') IS NOT NULL, to_regclass('hydra_client') IS NOT NULL`
	var there, hydra bool
	on := conn{p}
	if err := on.one(ctx, exists).Scan(&there, &hydra); err != nil {
		return 0, err
	}
	if !there && hydra {
		return 0, ErrForeignDatabase
	}
	if !there {
		return 0, nil
	}
	err = on.one(ctx, newestStep).Scan(&version)
	return version, err
}

// migrating opens connections of its own: a step of the schema may take longer than a
// statement of a request. The lock is a transaction's, since behind a pooler a session
// is anybody's.
func (p *postgres) migrating(ctx context.Context, use func(*sql.DB, goose.Dialect, ...goose.ProviderOption) error) error {
	conn, err := p.connect(ctx, func(c *pgx.ConnConfig) {
		if !p.pooled.Load() {
			c.RuntimeParams["statement_timeout"], c.RuntimeParams["idle_in_transaction_session_timeout"] = "0", "0"
		}
	})
	if err != nil {
		return err
	}
	config := conn.Config().Copy()
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing is pending
	tx, err := conn.Begin(ctx)
	if err != nil {
		return interpretPostgres(conn, err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) //nolint:errcheck // it holds a lock and nothing else
	for _, statement := range []string{
		`SET LOCAL statement_timeout = 0`, `SET LOCAL lock_timeout = 0`, `SET LOCAL idle_in_transaction_session_timeout = 0`,
		fmt.Sprintf(`SELECT pg_advisory_xact_lock(%d)`, int64(migrationLock)),
	} {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return interpretPostgres(conn, err)
		}
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	db := stdlib.OpenDB(*config)
	defer db.Close() //nolint:errcheck // nothing is pending
	return use(db, goose.DialectPostgres)
}

func (p *postgres) connections() Connections {
	stat := p.pool.Stat()
	return Connections{Max: int(stat.MaxConns()), InUse: int(stat.AcquiredConns()), Idle: int(stat.IdleConns())}
}
