package store

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// pgWatch runs statements on a connection of its own, so that they wait for no request
// in the pool. The caller bounds the context.
type pgWatch struct {
	engine *postgres
	turn   chan struct{} // holds one while the connection is in use
	conn   *pgx.Conn     // nil until it is needed
	closed bool
}

func newPGWatch(engine *postgres) *pgWatch {
	return &pgWatch{engine: engine, turn: make(chan struct{}, 1)}
}

// connect opens the connection, to a server that takes writes: what a standby has may be
// old. A named statement belongs to a connection, which behind a pooler is anybody's.
func (w *pgWatch) connect(ctx context.Context) (*pgx.Conn, error) {
	return w.engine.connect(ctx, func(c *pgx.ConnConfig) {
		c.DefaultQueryExecMode = pgx.QueryExecModeExec
		c.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	})
}

func (w *pgWatch) close() {
	w.turn <- struct{}{}
	defer func() { <-w.turn }()
	w.closed = true
	if w.conn != nil {
		_ = w.conn.Close(context.Background()) // says goodbye
		w.conn = nil
	}
}

func (w *pgWatch) exec(ctx context.Context, statement string, args ...any) (affected int64, err error) {
	err = w.lend(ctx, func(c *pgx.Conn) error {
		affected, err = pgStatements{c, c}.exec(ctx, statement, args...)
		return err
	})
	return affected, err
}

func (w *pgWatch) each(ctx context.Context, visit func(scanner) error, statement string, args ...any) error {
	return w.lend(ctx, func(c *pgx.Conn) error {
		return pgStatements{c, c}.each(ctx, visit, statement, args...)
	})
}

// lend runs use with the connection, which ends with its first failure.
func (w *pgWatch) lend(ctx context.Context, use func(*pgx.Conn) error) error {
	select {
	case w.turn <- struct{}{}:
	case <-ctx.Done():
		return &unavailable{ctx.Err()}
	}
	defer func() { <-w.turn }()
	if w.closed {
		return &unavailable{errClosed}
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
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), connectPatience)
		defer cancel()
		_ = w.conn.Close(ctx) // what failed may have left anything behind
		w.conn = nil
	}
	return err
}
