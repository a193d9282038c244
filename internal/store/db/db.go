package db

import (
	"context"
	"sync/atomic"
	"time"
)

const (
	// RequestTimeout bounds a statement or transaction of a request.
	RequestTimeout = 4 * time.Second
	// ImportTimeout bounds the transaction of an import.
	ImportTimeout = 10 * time.Minute
)

// DB runs the statements of all repositories and counts them.
type DB struct {
	Engine Engine

	Read      Conn // short statements on committed data
	Write     Conn // short statements that find their rows by key
	LongRead  Conn // reads that may take long
	LongWrite Conn // writes that may take long

	// Statements of the process itself, which are not counted. Those of the watchers
	// do not queue behind the statements of requests.
	BackgroundRead, BackgroundWrite Conn
	WatchRead, WatchWrite           Conn

	statements atomic.Int64
}

// New returns a DB on an engine.
func New(e Engine) *DB {
	d := &DB{Engine: e}
	d.Read = d.counted(e.Reader())
	d.Write = d.counted(e.Writer())
	d.LongRead = d.counted(e.LongReader())
	d.LongWrite = d.counted(e.LongWriter())
	d.BackgroundRead, d.BackgroundWrite = Conn{e.LongReader()}, Conn{e.LongWriter()}
	read, write := e.Watchers()
	d.WatchRead, d.WatchWrite = Conn{read}, Conn{write}
	return d
}

func (d *DB) counted(r Runner) Conn { return Conn{counted{r, &d.statements}} }

// Statements returns the number of statements since New. Statements that begin and
// end transactions, migrate the schema, manage partitions or belong to the
// background work of the process do not count.
func (d *DB) Statements() int64 { return d.statements.Load() }

// Tx runs act in one transaction: all of its statements are committed, or none is. Inside act every statement must use the connection that act receives; on
// another one it would wait for this transaction to end.
func (d *DB) Tx(ctx context.Context, act func(Conn) error) error {
	return d.TxWithin(ctx, RequestTimeout, act)
}

// Batch runs statements in one transaction, on PostgreSQL in one round trip. Its result does
// not say how many rows each of them changed: a statement that must change a row has to fail
// if it does not, see [Engine.IsNullViolation].
func (d *DB) Batch(ctx context.Context, statements ...Statement) error {
	d.statements.Add(int64(len(statements)))
	return d.Engine.Batch(ctx, statements...)
}

// TxWithin is Tx with another timeout than that of a request.
func (d *DB) TxWithin(ctx context.Context, timeout time.Duration, act func(Conn) error) error {
	return d.Engine.Transact(ctx, timeout, func(c Conn) error {
		return act(d.counted(c.Runner))
	})
}

// Sleep waits, or returns the error of ctx if ctx ends first.
func Sleep(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
