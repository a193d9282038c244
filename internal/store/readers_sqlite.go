package store

import (
	"context"
	"sync"
)

// sqliteReaders reads committed data on a few connections, which are made when
// they are first needed.
type sqliteReaders struct {
	connect func(context.Context) (*sqliteConn, error)
	places  chan struct{} // holds one for each connection in use

	mu   sync.Mutex
	idle []*sqliteConn // used last, taken first: its cache knows most

	closing sync.Once
	closed  chan struct{}
}

func newSQLiteReaders(most int, connect func(context.Context) (*sqliteConn, error)) *sqliteReaders {
	return &sqliteReaders{connect: connect, places: make(chan struct{}, most), closed: make(chan struct{})}
}

// close waits for whoever reads.
func (r *sqliteReaders) close() {
	r.closing.Do(func() {
		close(r.closed)
		for range cap(r.places) {
			r.places <- struct{}{}
		}
		for _, c := range r.idle {
			c.close()
		}
	})
}

func (r *sqliteReaders) exec(ctx context.Context, statement string, args ...any) (affected int64, err error) {
	err = r.lend(ctx, func(c *sqliteConn) error {
		affected, err = c.exec(context.WithoutCancel(ctx), statement, args...)
		return err
	})
	return affected, err
}

// each finds its rows by a key. It needs less time for that than to watch for the end
// of ctx.
func (r *sqliteReaders) each(ctx context.Context, visit func(scanner) error, statement string, args ...any) error {
	return r.lend(ctx, func(c *sqliteConn) error {
		return c.each(context.WithoutCancel(ctx), visit, statement, args...)
	})
}

// sqliteLister reads what may take long, no longer than a request waits.
type sqliteLister struct{ *sqliteReaders }

func (l sqliteLister) each(ctx context.Context, visit func(scanner) error, statement string, args ...any) error {
	ctx, cancel := context.WithTimeout(ctx, requestPatience)
	defer cancel()
	return l.lend(ctx, func(c *sqliteConn) error {
		return c.each(ctx, visit, statement, args...)
	})
}

// lend runs use with a connection, for which it waits as long as a request does.
func (r *sqliteReaders) lend(ctx context.Context, use func(*sqliteConn) error) error {
	if err := r.enter(ctx); err != nil {
		return &unavailable{err}
	}
	defer func() { <-r.places }()
	c, err := r.take(ctx)
	if err != nil {
		return err
	}
	defer r.giveBack(c)
	return use(c)
}

func (r *sqliteReaders) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case r.places <- struct{}{}:
		return nil
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, requestPatience)
	defer cancel()
	select {
	case r.places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-r.closed:
		return errClosed
	}
}

func (r *sqliteReaders) take(ctx context.Context) (*sqliteConn, error) {
	if c := r.takeIdle(); c != nil {
		return c, nil
	}
	return r.connect(ctx)
}

func (r *sqliteReaders) takeIdle() *sqliteConn {
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

func (r *sqliteReaders) giveBack(c *sqliteConn) {
	if c.broken != nil {
		c.close()
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.idle = append(r.idle, c)
}
