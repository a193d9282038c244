package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/ostiary/ostiary/internal/store/db"
)

// watch runs statements on a separate connection, so that they do not queue behind
// requests for one of the pool. The caller bounds the context.
type watch struct {
	pool   *pool
	lock   chan struct{} // contains one value while the connection is in use
	conn   *pgx.Conn     // nil until the first use
	closed bool
}

func newWatch(p *pool) *watch {
	return &watch{pool: p, lock: make(chan struct{}, 1)}
}

// connect opens the connection, to a server that accepts writes: the data of a standby
// may be old. It uses no named statements: they belong to a connection, which behind a
// pooler is shared.
func (w *watch) connect(ctx context.Context) (*pgx.Conn, error) {
	return w.pool.connect(ctx, func(c *pgx.ConnConfig) {
		c.DefaultQueryExecMode = pgx.QueryExecModeExec
		c.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	})
}

func (w *watch) close() {
	w.lock <- struct{}{}
	defer func() { <-w.lock }()
	w.closed = true
	if w.conn != nil {
		_ = w.conn.Close(context.Background()) // only sends a last message
		w.conn = nil
	}
}

// Exec implements [db.Runner].
func (w *watch) Exec(ctx context.Context, statement string, args ...any) (affected int64, err error) {
	err = w.withConn(ctx, func(c *pgx.Conn) error {
		affected, err = statements{c, c}.Exec(ctx, statement, args...)
		return err
	})
	return affected, err
}

// Query implements [db.Runner].
func (w *watch) Query(ctx context.Context, visit func(db.Scanner) error, statement string, args ...any) error {
	return w.withConn(ctx, func(c *pgx.Conn) error {
		return statements{c, c}.Query(ctx, visit, statement, args...)
	})
}

// withConn runs use with the connection, and closes it on the first error.
func (w *watch) withConn(ctx context.Context, use func(*pgx.Conn) error) error {
	select {
	case w.lock <- struct{}{}:
	case <-ctx.Done():
		return db.Unavailable(ctx.Err())
	}
	defer func() { <-w.lock }()
	if w.closed {
		return db.Unavailable(db.ErrClosed)
	}
	if w.conn == nil {
		c, err := w.connect(ctx)
		if err != nil {
			return err
		}
		w.conn = c
	}
	err := use(w.conn)
	if err != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), connectTimeout)
		defer cancel()
		_ = w.conn.Close(ctx) // the state of the connection is unknown
		w.conn = nil
	}
	return err
}
