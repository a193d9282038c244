package sqlite

import (
	"context"
	"sync"

	"github.com/ostiary/ostiary/internal/store/db"
)

// readers reads committed data on a few connections, which it opens on first use.
type readers struct {
	connect func(context.Context) (*conn, error)
	slots   chan struct{} // contains one value for each connection in use

	mu   sync.Mutex
	idle []*conn // a stack: the connection used last has the warmest cache

	closing sync.Once
	closed  chan struct{}
}

func newReaders(limit int, connect func(context.Context) (*conn, error)) *readers {
	return &readers{connect: connect, slots: make(chan struct{}, limit), closed: make(chan struct{})}
}

// close waits for running reads.
func (r *readers) close() {
	r.closing.Do(func() {
		close(r.closed)
		for range cap(r.slots) {
			r.slots <- struct{}{}
		}
		for _, c := range r.idle {
			c.close()
		}
	})
}

// Exec implements [db.Runner].
func (r *readers) Exec(ctx context.Context, text string, args ...any) (affected int64, err error) {
	err = r.withConn(ctx, func(c *conn) error {
		affected, err = c.Exec(context.WithoutCancel(ctx), text, args...)
		return err
	})
	return affected, err
}

// Query implements [db.Runner]. Its statements find rows by key, which takes less time
// than watching for the end of ctx.
func (r *readers) Query(ctx context.Context, visit func(db.Scanner) error, text string, args ...any) error {
	return r.withConn(ctx, func(c *conn) error {
		return c.Query(context.WithoutCancel(ctx), visit, text, args...)
	})
}

// longReader runs reads that may take long, until the timeout of a request.
type longReader struct{ *readers }

// Query implements [db.Runner].
func (l longReader) Query(ctx context.Context, visit func(db.Scanner) error, text string, args ...any) error {
	ctx, cancel := context.WithTimeout(ctx, db.RequestTimeout)
	defer cancel()
	return l.withConn(ctx, func(c *conn) error {
		return c.Query(ctx, visit, text, args...)
	})
}

// withConn runs use with a connection, for which it waits until the timeout of a request.
func (r *readers) withConn(ctx context.Context, use func(*conn) error) error {
	if err := r.enter(ctx); err != nil {
		return db.Unavailable(err)
	}
	defer func() { <-r.slots }()
	c, err := r.take(ctx)
	if err != nil {
		return err
	}
	defer r.giveBack(c)
	return use(c)
}

func (r *readers) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case r.slots <- struct{}{}:
		return nil
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, db.RequestTimeout)
	defer cancel()
	select {
	case r.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-r.closed:
		return db.ErrClosed
	}
}

func (r *readers) take(ctx context.Context) (*conn, error) {
	if c := r.takeIdle(); c != nil {
		return c, nil
	}
	return r.connect(ctx)
}

func (r *readers) takeIdle() *conn {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := len(r.idle) - 1
	if last < 0 {
		return nil
	}
	c := r.idle[last]
	r.idle = r.idle[:last]
	return c
}

func (r *readers) giveBack(c *conn) {
	if c.broken != nil {
		c.close()
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.idle = append(r.idle, c)
}
