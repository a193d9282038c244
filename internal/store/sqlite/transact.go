package sqlite

import (
	"context"
	"time"

	"github.com/ostiary/ostiary/internal/store/db"
)

// Transact implements [db.Engine]. A short act shares a commit with the writes of other
// callers. A longer one, an import, has a separate transaction: others wait for it, but
// do not fail with it.
func (e *Engine) Transact(ctx context.Context, timeout time.Duration, act func(db.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	run := func(c *conn) error {
		return c.inSavepoint(ctx, func() error { return act(db.Conn{Runner: transaction{c, ctx.Err}}) })
	}
	if timeout > db.RequestTimeout {
		return e.writing.separate(ctx, run)
	}
	return e.writing.grouped(ctx, run)
}

// Batch implements [db.Engine].
func (e *Engine) Batch(ctx context.Context, statements ...db.Statement) error {
	return e.Transact(ctx, db.RequestTimeout, func(c db.Conn) error {
		for _, s := range statements {
			if _, err := c.Exec(ctx, s.Text, s.Args...); err != nil {
				return err
			}
		}
		return nil
	})
}

// inSavepoint undoes the writes of act unless act returns nil before ctx ends.
func (c *conn) inSavepoint(ctx context.Context, act func() error) (err error) {
	unwatched := context.WithoutCancel(ctx)
	if _, err := c.Exec(unwatched, `SAVEPOINT act`); err != nil {
		return err
	}
	kept := false
	defer func() {
		if kept {
			return
		}
		if _, failed := c.Exec(unwatched, `ROLLBACK TO act`); failed != nil {
			c.markBroken(failed)
		}
		if _, failed := c.Exec(unwatched, `RELEASE act`); failed != nil {
			c.markBroken(failed)
		}
	}()
	if err := act(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return db.Unavailable(err)
	}
	kept = true
	if _, err := c.Exec(unwatched, `RELEASE act`); err != nil {
		c.markBroken(err)
		return err
	}
	return nil
}

// transaction runs the statements of an act. It starts none after the context of the act
// has ended. It does not interrupt a running one, which would undo the writes of the whole
// group.
type transaction struct {
	c     *conn
	ended func() error
}

// Exec implements [db.Runner].
func (t transaction) Exec(ctx context.Context, text string, args ...any) (int64, error) {
	if err := t.ended(); err != nil {
		return 0, db.Unavailable(err)
	}
	return t.c.Exec(context.WithoutCancel(ctx), text, args...)
}

// Query implements [db.Runner].
func (t transaction) Query(ctx context.Context, visit func(db.Scanner) error, text string, args ...any) error {
	if err := t.ended(); err != nil {
		return db.Unavailable(err)
	}
	return t.c.Query(context.WithoutCancel(ctx), visit, text, args...)
}
