// Package postgres is the database engine for many replicas.
package postgres

import (
	"context"
	"log/slog"
	"time"

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
	*partitions

	pool             *pool
	reading, writing *pipeline
	watch            *watch
}

// Open returns an engine for a postgres:// URL. It connects when a statement needs a
// connection. If maxConns is 0, the URL or pgx sets the size of the pool.
func Open(ctx context.Context, url string, maxConns int, log *slog.Logger) (*Engine, error) {
	if err := pgurl.Check(url); err != nil {
		return nil, err
	}
	p, err := newPool(ctx, url, maxConns, log)
	if err != nil {
		return nil, err
	}
	return &Engine{
		partitions: &partitions{pool: p}, pool: p, watch: newWatch(p),
		reading: &pipeline{pool: p}, writing: &pipeline{pool: p},
	}, nil
}

// Name implements [db.Engine].
func (e *Engine) Name() string { return "postgres" }

// Close implements [db.Engine].
func (e *Engine) Close() {
	e.watch.close()
	e.pool.conns.Close()
}

// Connections implements [db.Engine].
func (e *Engine) Connections() db.Connections {
	stat := e.pool.conns.Stat()
	return db.Connections{Max: int(stat.MaxConns()), InUse: int(stat.AcquiredConns()), Idle: int(stat.IdleConns())}
}

// Reader implements [db.Engine].
func (e *Engine) Reader() db.Runner { return e.reading }

// Writer implements [db.Engine].
func (e *Engine) Writer() db.Runner { return e.writing }

// LongReader implements [db.Engine].
func (e *Engine) LongReader() db.Runner { return e.pool }

// LongWriter implements [db.Engine].
func (e *Engine) LongWriter() db.Runner { return e.pool }

// Watchers implements [db.Engine].
func (e *Engine) Watchers() (reader, writer db.Runner) { return e.watch, e.watch }

// Transact implements [db.Engine].
func (e *Engine) Transact(ctx context.Context, timeout time.Duration, act func(db.Conn) error) error {
	return e.pool.transact(ctx, timeout, act)
}

// Batch implements [db.Engine].
func (e *Engine) Batch(ctx context.Context, statements ...db.Statement) error {
	return e.writing.batch(ctx, statements)
}
