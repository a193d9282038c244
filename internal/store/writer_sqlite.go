package store

import (
	"context"
	"slices"
	"sync"
	"time"
)

// What one transaction takes up before it is committed, however many still wait:
// the first of them waits for all of it.
const (
	batchMost     = 128
	batchPatience = 50 * time.Millisecond
)

// sqliteWriter writes for everybody, on one connection.
//
// To wait for the disk takes longer than most statements, and SQLite lets one
// write at a time. So those who come while somebody writes queue up, and the first
// of them to get the turn runs what all of them want in one transaction. Nobody
// hears of success before it is on disk. Whoever comes alone waits for nobody.
type sqliteWriter struct {
	connect  func(context.Context) (*sqliteConn, error)
	patience time.Duration // of the first of a batch with those behind

	turn chan struct{} // holds one while somebody writes
	conn *sqliteConn   // theirs; nil until it is needed

	mu    sync.Mutex
	queue []*writing

	closing sync.Once
	closed  chan struct{}
}

func newSQLiteWriter(connect func(context.Context) (*sqliteConn, error)) *sqliteWriter {
	return &sqliteWriter{
		connect: connect, patience: batchPatience,
		turn: make(chan struct{}, 1), closed: make(chan struct{}),
	}
}

// close waits for whoever writes, and lets nobody write again.
func (w *sqliteWriter) close() {
	w.closing.Do(func() {
		close(w.closed)
		w.turn <- struct{}{}
		w.discard()
	})
}

func (w *sqliteWriter) exec(ctx context.Context, statement string, args ...any) (affected int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestPatience)
	defer cancel()
	err = w.together(ctx, func(c *sqliteConn) error {
		affected, err = c.exec(context.WithoutCancel(ctx), statement, args...)
		return err
	})
	return affected, err
}

func (w *sqliteWriter) each(ctx context.Context, visit func(scanner) error, statement string, args ...any) error {
	ctx, cancel := context.WithTimeout(ctx, requestPatience)
	defer cancel()
	return w.together(ctx, func(c *sqliteConn) error {
		return c.each(context.WithoutCancel(ctx), visit, statement, args...)
	})
}

// together runs a statement in one transaction with those of others, unless ctx
// ends before it begins. A statement that fails is undone by SQLite, and leaves the
// others as they are.
func (w *sqliteWriter) together(ctx context.Context, run func(*sqliteConn) error) error {
	if err := ctx.Err(); err != nil {
		return &unavailable{err}
	}
	mine := &writing{run: func(c *sqliteConn) error {
		if err := ctx.Err(); err != nil {
			return &unavailable{err} // while it was taken out of the queue
		}
		return run(c)
	}}
	select {
	case w.turn <- struct{}{}:
		return w.lead(ctx, mine, batchMost)
	default:
		return w.wait(ctx, mine)
	}
}

// alone runs what may take long in a transaction of its own.
func (w *sqliteWriter) alone(ctx context.Context, run func(*sqliteConn) error) error {
	if err := ctx.Err(); err != nil {
		return &unavailable{err}
	}
	select {
	case w.turn <- struct{}{}:
		return w.lead(ctx, &writing{run: run}, 1)
	case <-ctx.Done():
		return &unavailable{ctx.Err()}
	case <-w.closed:
		return &unavailable{errClosed}
	}
}

// wait stands in the queue until somebody has done the caller's work, or gives the
// caller the turn.
func (w *sqliteWriter) wait(ctx context.Context, mine *writing) error {
	mine.done = make(chan struct{})
	w.enter(mine)
	var why error
	select {
	case <-mine.done:
		return mine.outcome()
	case w.turn <- struct{}{}:
		if w.leave(mine) {
			return w.lead(ctx, mine, batchMost)
		}
		<-w.turn // whoever had it before did the work
		return mine.outcome()
	case <-ctx.Done():
		why = ctx.Err()
	case <-w.closed:
		why = errClosed
	}
	if w.leave(mine) {
		return &unavailable{why}
	}
	<-mine.done // what has begun is brought to its end
	return mine.outcome()
}

func (w *sqliteWriter) enter(one *writing) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue = append(w.queue, one)
}

// leave reports whether one was still in the queue, out of which it takes it.
func (w *sqliteWriter) leave(one *writing) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.Index(w.queue, one)
	if i < 0 {
		return false
	}
	w.queue = slices.Delete(w.queue, i, i+1)
	return true
}

// next takes the first out of the queue, nil if nobody waits.
func (w *sqliteWriter) next() *writing {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) == 0 {
		return nil
	}
	first := w.queue[0]
	w.queue = slices.Delete(w.queue, 0, 1)
	return first
}
