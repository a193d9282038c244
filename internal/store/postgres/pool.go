package postgres

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ostiary/ostiary/internal/pgurl"
	"github.com/ostiary/ostiary/internal/store/db"
)

// pool runs statements on pooled connections, and adapts to a pooler such as PgBouncer.
type pool struct {
	conns      *pgxpool.Pool
	log        *slog.Logger
	given      []string    // session settings that the URL sets
	pooled     atomic.Bool // a pooler rejects session settings
	unprepared atomic.Bool // prepared statements do not stay with a connection
}

func newPool(ctx context.Context, url string, maxConns int, log *slog.Logger) (*pool, error) {
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
	p := &pool{log: log}
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
		p.configure(c)
		return nil
	}
	if p.conns, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, fmt.Errorf("make the pool: %w", err)
	}
	return p, nil
}

// Exec implements [db.Runner] on a connection of the pool.
func (p *pool) Exec(ctx context.Context, statement string, args ...any) (affected int64, err error) {
	err = p.withConn(ctx, db.RequestTimeout, func(ctx context.Context, c *pgx.Conn) error {
		affected, err = statements{c, c}.Exec(ctx, statement, args...)
		return err
	})
	return affected, err
}

// Query implements [db.Runner] on a connection of the pool.
func (p *pool) Query(ctx context.Context, visit func(db.Scanner) error, statement string, args ...any) error {
	return p.withConn(ctx, db.RequestTimeout, func(ctx context.Context, c *pgx.Conn) error {
		return statements{c, c}.Query(ctx, visit, statement, args...)
	})
}

// transact implements [Engine.Transact].
func (p *pool) transact(ctx context.Context, timeout time.Duration, act func(db.Conn) error) error {
	return p.withConn(ctx, timeout, func(ctx context.Context, c *pgx.Conn) error {
		err := pgx.BeginTxFunc(ctx, c, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
			return act(db.Conn{Runner: statements{tx, c}})
		})
		return classify(c, err)
	})
}

// withConn runs use with a connection of the pool, again after a conflict with another
// transaction.
func (p *pool) withConn(ctx context.Context, timeout time.Duration, use func(context.Context, *pgx.Conn) error) error {
	return p.acquire(ctx, func(c *pgx.Conn) error {
		bounded, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		return use(bounded, c)
	})
}

// withDeadline is withConn for work that does not end with a request. The deadline is
// set on the connection: for a context that can end pgx starts a goroutine for each
// statement.
func (p *pool) withDeadline(ctx context.Context, timeout time.Duration, use func(context.Context, *pgx.Conn) error) error {
	return p.acquire(ctx, func(c *pgx.Conn) error { //nolint:contextcheck // see above
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
func (p *pool) acquire(ctx context.Context, use func(*pgx.Conn) error) error {
	return db.Retry(isConflict, func() error {
		waiting, cancel := context.WithTimeout(ctx, acquireTimeout)
		defer cancel()
		c, err := p.conns.Acquire(waiting)
		if p.adapt(ctx, err) {
			c, err = p.conns.Acquire(waiting)
		}
		if err != nil {
			return db.Unavailable(err) // closed, rejected, or no connection free in time
		}
		defer c.Release()

		err = use(c.Conn())
		if isReadOnly(err) || p.adapt(ctx, err) {
			// The server has become a standby, or a pooler does not keep prepared statements:
			// no connection of the pool may be used again. Reset closes the idle ones immediately,
			// and this one and others in use when they are released.
			p.conns.Reset()
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
