// Package postgres is the database engine for many replicas.
package postgres

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ostiary/ostiary/internal/pgurl"
	"github.com/ostiary/ostiary/internal/store/db"
)

// acquireTimeout bounds the wait of a request for a connection, connectTimeout the
// opening of one. The statement_timeout of the server is below [db.RequestTimeout], so
// that a slow statement does not cost the connection.
const (
	acquireTimeout = time.Second
	connectTimeout = 3 * time.Second
)

// Engine is a PostgreSQL database.
type Engine struct {
	pool             *pgxpool.Pool
	reading, writing *pipeline
	watch            *watch
	log              *slog.Logger
	given            []string    // session settings that the URL sets
	pooled           atomic.Bool // a pooler rejects session settings
	unprepared       atomic.Bool // prepared statements do not stay with a connection
	dead             sync.Map    // names of partitions without a live grant that could not be dropped
}

// Open returns an engine for a postgres:// URL. It connects when a statement needs a
// connection. If maxConns is 0, the URL or pgx sets the size of the pool.
func Open(ctx context.Context, url string, maxConns int, log *slog.Logger) (*Engine, error) {
	if err := pgurl.Check(url); err != nil {
		return nil, err
	}
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, pgurl.ParseError(url, err)
	}
	if maxConns > 0 {
		config.MaxConns = int32(min(maxConns, 10_000))
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = connectTimeout
	}
	e := &Engine{log: log}
	config.ConnConfig.RuntimeParams["application_name"] = cmp.Or(config.ConnConfig.RuntimeParams["application_name"], "ostiary")
	for parameter := range sessionSettings() {
		if _, given := config.ConnConfig.RuntimeParams[parameter]; given {
			e.given = append(e.given, parameter)
		}
	}
	if config.ConnConfig.ValidateConnect == nil && len(config.ConnConfig.Fallbacks) > 0 {
		config.ConnConfig.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	config.BeforeConnect = func(_ context.Context, c *pgx.ConnConfig) error {
		e.configure(c)
		return nil
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("make the pool: %w", err)
	}
	e.pool, e.watch = pool, newWatch(e)
	e.reading, e.writing = &pipeline{engine: e}, &pipeline{engine: e}
	return e, nil
}

// Name implements [db.Engine].
func (e *Engine) Name() string { return "postgres" }

// Close implements [db.Engine].
func (e *Engine) Close() {
	e.watch.close()
	e.pool.Close()
}

// Connections implements [db.Engine].
func (e *Engine) Connections() db.Connections {
	stat := e.pool.Stat()
	return db.Connections{Max: int(stat.MaxConns()), InUse: int(stat.AcquiredConns()), Idle: int(stat.IdleConns())}
}

// Reader implements [db.Engine].
func (e *Engine) Reader() db.Runner { return e.reading }

// Writer implements [db.Engine].
func (e *Engine) Writer() db.Runner { return e.writing }

// LongReader implements [db.Engine].
func (e *Engine) LongReader() db.Runner { return e }

// LongWriter implements [db.Engine].
func (e *Engine) LongWriter() db.Runner { return e }

// Watchers implements [db.Engine].
func (e *Engine) Watchers() (reader, writer db.Runner) { return e.watch, e.watch }

// Exec implements [db.Runner] on a connection of the pool.
func (e *Engine) Exec(ctx context.Context, statement string, args ...any) (affected int64, err error) {
	err = e.withConn(ctx, db.RequestTimeout, func(ctx context.Context, c *pgx.Conn) error {
		affected, err = statements{c, c}.Exec(ctx, statement, args...)
		return err
	})
	return affected, err
}

// Query implements [db.Runner] on a connection of the pool.
func (e *Engine) Query(ctx context.Context, visit func(db.Scanner) error, statement string, args ...any) error {
	return e.withConn(ctx, db.RequestTimeout, func(ctx context.Context, c *pgx.Conn) error {
		return statements{c, c}.Query(ctx, visit, statement, args...)
	})
}

// Transact implements [db.Engine].
func (e *Engine) Transact(ctx context.Context, timeout time.Duration, act func(db.Conn) error) error {
	return e.withConn(ctx, timeout, func(ctx context.Context, c *pgx.Conn) error {
		err := pgx.BeginTxFunc(ctx, c, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
			return act(db.Conn{Runner: statements{tx, c}})
		})
		return classify(c, err)
	})
}

// withConn runs use with a connection of the pool, again after a conflict with another
// transaction.
func (e *Engine) withConn(ctx context.Context, timeout time.Duration, use func(context.Context, *pgx.Conn) error) error {
	return e.acquire(ctx, func(c *pgx.Conn) error {
		bounded, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		return use(bounded, c)
	})
}

// withDeadline is withConn for work that does not end with a request. The deadline is
// set on the connection: for a context that can end pgx starts a goroutine for each
// statement.
func (e *Engine) withDeadline(ctx context.Context, timeout time.Duration, use func(context.Context, *pgx.Conn) error) error {
	return e.acquire(ctx, func(c *pgx.Conn) error { //nolint:contextcheck // see above
		wire := c.PgConn().Conn()
		if err := wire.SetDeadline(time.Now().Add(timeout)); err != nil { //nolint:forbidigo // network deadlines need the system clock
			return db.Unavailable(err)
		}
		defer wire.SetDeadline(time.Time{}) //nolint:errcheck // fails only on a closed connection, which is not used again
		return use(context.Background(), c)
	})
}

// acquire runs use with a connection of the pool, again after a conflict with another
// transaction.
func (e *Engine) acquire(ctx context.Context, use func(*pgx.Conn) error) error {
	return db.Retry(isConflict, func() error {
		waiting, cancel := context.WithTimeout(ctx, acquireTimeout)
		defer cancel()
		c, err := e.pool.Acquire(waiting)
		if e.adapt(ctx, err) {
			c, err = e.pool.Acquire(waiting)
		}
		if err != nil {
			return db.Unavailable(err) // closed, rejected, or no connection free in time
		}
		defer c.Release()

		err = use(c.Conn())
		if isReadOnly(err) || e.adapt(ctx, err) {
			// The server has become a standby, or a pooler does not keep prepared statements:
			// no connection of the pool may be used again. Reset closes the idle ones immediately,
			// and this one and others in use when they are released.
			e.pool.Reset()
		}
		return err
	})
}

// statements runs statements on a connection or in a transaction.
type statements struct {
	on interface {
		Exec(ctx context.Context, statement string, args ...any) (pgconn.CommandTag, error)
		Query(ctx context.Context, statement string, args ...any) (pgx.Rows, error)
	}
	conn *pgx.Conn
}

// Exec implements [db.Runner].
func (s statements) Exec(ctx context.Context, statement string, args ...any) (int64, error) {
	tag, err := s.on.Exec(ctx, statement, args...)
	return tag.RowsAffected(), classify(s.conn, err)
}

// Query implements [db.Runner].
func (s statements) Query(ctx context.Context, visit func(db.Scanner) error, statement string, args ...any) error {
	rows, err := s.on.Query(ctx, statement, args...)
	if err != nil {
		return classify(s.conn, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := visit(rows); err != nil {
			return err
		}
	}
	return classify(s.conn, rows.Err())
}
