package sqlite

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/ostiary/ostiary/internal/store/db"
)

// maxGroup and groupTimeout bound one transaction, since the first caller waits for all
// others of its group.
const (
	maxGroup     = 128
	groupTimeout = 50 * time.Millisecond
)

// writer commits the writes of many callers together, on one connection.
//
// Waiting for the disk takes longer than most statements, and SQLite allows one writer
// at a time. So callers that arrive while a transaction is running queue, and the first
// of them that gets the lock becomes the leader: it runs the writes of all of them in one
// transaction. Callers get a success only after the commit. A caller without others in
// the queue does not wait.
type writer struct {
	connect func(context.Context) (*conn, error)
	timeout time.Duration // after which a group takes no more writes

	lock chan struct{} // contains one value while a leader writes
	conn *conn         // of the holder of lock; nil until the first use

	mu    sync.Mutex
	queue []*write

	closing sync.Once
	closed  chan struct{}
}

func newWriter(connect func(context.Context) (*conn, error)) *writer {
	return &writer{
		connect: connect, timeout: groupTimeout,
		lock: make(chan struct{}, 1), closed: make(chan struct{}),
	}
}

// close waits for the running transaction, and prevents further ones.
func (w *writer) close() {
	w.closing.Do(func() {
		close(w.closed)
		w.lock <- struct{}{}
		w.discard()
	})
}

// Exec implements [db.Runner].
func (w *writer) Exec(ctx context.Context, text string, args ...any) (affected int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, db.RequestTimeout)
	defer cancel()
	err = w.grouped(ctx, func(c *conn) error {
		affected, err = c.Exec(context.WithoutCancel(ctx), text, args...)
		return err
	})
	return affected, err
}

// Query implements [db.Runner].
func (w *writer) Query(ctx context.Context, visit func(db.Scanner) error, text string, args ...any) error {
	ctx, cancel := context.WithTimeout(ctx, db.RequestTimeout)
	defer cancel()
	return w.grouped(ctx, func(c *conn) error {
		return c.Query(context.WithoutCancel(ctx), visit, text, args...)
	})
}

// grouped runs a statement in one transaction with those of other callers, unless ctx
// ends before it begins. SQLite undoes a statement that fails, and keeps the effects of
// the others.
func (w *writer) grouped(ctx context.Context, run func(*conn) error) error {
	if err := ctx.Err(); err != nil {
		return db.Unavailable(err)
	}
	own := &write{run: func(c *conn) error {
		if err := ctx.Err(); err != nil {
			return db.Unavailable(err) // ended since it left the queue
		}
		return run(c)
	}}
	select {
	case w.lock <- struct{}{}:
		return w.lead(ctx, own, maxGroup)
	default:
		return w.wait(ctx, own)
	}
}

// separate runs a write that may take long in its own transaction, not in a group.
func (w *writer) separate(ctx context.Context, run func(*conn) error) error {
	if err := ctx.Err(); err != nil {
		return db.Unavailable(err)
	}
	select {
	case w.lock <- struct{}{}:
		return w.lead(ctx, &write{run: run}, 1)
	case <-ctx.Done():
		return db.Unavailable(ctx.Err())
	case <-w.closed:
		return db.Unavailable(db.ErrClosed)
	}
}

// wait queues until a leader has done the caller's write, or the caller becomes the
// leader.
func (w *writer) wait(ctx context.Context, own *write) error {
	own.done = make(chan struct{})
	w.enqueue(own)
	var cause error
	select {
	case <-own.done:
		return own.result()
	case w.lock <- struct{}{}:
		if w.remove(own) {
			return w.lead(ctx, own, maxGroup)
		}
		<-w.lock // the leader before has done the write
		return own.result()
	case <-ctx.Done():
		cause = ctx.Err()
	case <-w.closed:
		cause = db.ErrClosed
	}
	if w.remove(own) {
		return db.Unavailable(cause)
	}
	<-own.done // a leader has taken it, so that it is committed or fails soon
	return own.result()
}

func (w *writer) enqueue(one *write) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue = append(w.queue, one)
}

// remove removes one from the queue, and reports whether it was still there.
func (w *writer) remove(one *write) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.Index(w.queue, one)
	if i < 0 {
		return false
	}
	w.queue = slices.Delete(w.queue, i, i+1)
	return true
}

// dequeue returns the first write of the queue, nil if it is empty.
func (w *writer) dequeue() *write {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) == 0 {
		return nil
	}
	first := w.queue[0]
	w.queue = slices.Delete(w.queue, 0, 1)
	return first
}
