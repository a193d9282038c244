package store

import (
	"context"
	"time"
)

// transact runs a short act together with what others write, so that the disk is
// waited for once. One that may take long, an import, has a transaction of its own:
// others wait for it, but none of them fails with it.
func (e *sqliteEngine) transact(ctx context.Context, patience time.Duration, act func(conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	run := func(c *sqliteConn) error {
		return c.inSavepoint(ctx, func() error { return act(conn{sqliteTx{c, ctx.Err}}) })
	}
	if patience > requestPatience {
		return e.writing.alone(ctx, run)
	}
	return e.writing.together(ctx, run)
}

// inSavepoint undoes what act has written unless it returns nil before ctx ends.
func (c *sqliteConn) inSavepoint(ctx context.Context, act func() error) (err error) {
	unwatched := context.WithoutCancel(ctx)
	if _, err := c.exec(unwatched, `SAVEPOINT act`); err != nil {
		return err
	}
	kept := false
	defer func() {
		if kept {
			return
		}
		if _, failed := c.exec(unwatched, `ROLLBACK TO act`); failed != nil {
			c.breaks(failed)
		}
		if _, failed := c.exec(unwatched, `RELEASE act`); failed != nil {
			c.breaks(failed)
		}
	}()
	if err := act(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return &unavailable{err}
	}
	kept = true
	if _, err := c.exec(unwatched, `RELEASE act`); err != nil {
		c.breaks(err)
		return err
	}
	return nil
}

// sqliteTx runs the statements of an act, none of which begins after its time. One
// that has begun is not interrupted, which would undo what others wrote.
type sqliteTx struct {
	c     *sqliteConn
	ended func() error
}

func (t sqliteTx) exec(ctx context.Context, statement string, args ...any) (int64, error) {
	if err := t.ended(); err != nil {
		return 0, &unavailable{err}
	}
	return t.c.exec(context.WithoutCancel(ctx), statement, args...)
}

func (t sqliteTx) each(ctx context.Context, visit func(scanner) error, statement string, args ...any) error {
	if err := t.ended(); err != nil {
		return &unavailable{err}
	}
	return t.c.each(context.WithoutCancel(ctx), visit, statement, args...)
}
