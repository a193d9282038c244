package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"

	"github.com/ostiary/ostiary/internal/store/db"
)

// maxPrepared bounds the prepared statements of a connection. The statements of requests
// are some dozens; a few others have one text for each length of a list.
const maxPrepared = 128

// conn is a connection to the file, for one goroutine at a time.
//
// It calls the driver itself. database/sql in between would keep a pool and watch each
// context from two goroutines, which costs as much processor time as a statement by
// primary key.
type conn struct {
	raw      driver.Conn
	prepared map[string]statement // prepared statements that are not in use
	// broken is the first failure of the database. The state of the connection is
	// uncertain after it, so that it must be closed.
	broken error
}

type statement interface {
	driver.StmtExecContext
	driver.StmtQueryContext
	Close() error
}

// connect opens the file. The first of all connections switches it to WAL: if two
// processes do so at the same time, SQLite rejects one without a wait, since both hold a
// lock that the other needs.
func connect(ctx context.Context, to driver.Connector) (*conn, error) {
	c := &conn{prepared: map[string]statement{}}
	err := retryBusy(ctx, func() (err error) {
		c.raw, err = to.Connect(ctx)
		return err
	})
	if err != nil {
		return nil, classify(err)
	}
	return c, nil
}

// close closes the connection. It rolls an open transaction back.
func (c *conn) close() {
	for text := range c.prepared {
		c.forget(text)
	}
	_ = c.raw.Close() // every acknowledged write is on disk already
}

// Exec implements [db.Runner]. The end of ctx interrupts the statement. Watching for it
// costs a goroutine, a considerable part of the time of a short statement;
// [context.WithoutCancel] saves it.
func (c *conn) Exec(ctx context.Context, text string, args ...any) (affected int64, err error) {
	err = c.with(ctx, text, args, func(s statement, args []driver.NamedValue) error {
		result, err := s.ExecContext(ctx, args)
		if err != nil {
			return err
		}
		affected, err = result.RowsAffected()
		return err
	})
	return affected, err
}

// Query implements [db.Runner]. It reads to the end even if one row is expected: SQLite
// reports there if it could not finish.
func (c *conn) Query(ctx context.Context, visit func(db.Scanner) error, text string, args ...any) error {
	var visitErr error
	err := c.with(ctx, text, args, func(s statement, args []driver.NamedValue) (err error) {
		rows, err := s.QueryContext(ctx, args)
		if err != nil {
			return err
		}
		defer func() {
			if closed := rows.Close(); err == nil {
				err = closed
			}
		}()
		columns := make(row, len(rows.Columns()))
		for visitErr == nil {
			err := rows.Next(columns)
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			visitErr = visit(columns)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return visitErr
}

// with calls use with a prepared statement and its arguments.
func (c *conn) with(
	ctx context.Context, text string, args []any, use func(statement, []driver.NamedValue) error,
) error {
	values, err := namedValues(args)
	if err != nil {
		return err
	}
	s, err := c.prepare(ctx, text)
	if err != nil {
		return c.classify(err)
	}
	defer c.keep(text, s)
	return c.classify(use(s, values))
}

// prepare removes a statement from the map, so that it is not closed while in use.
func (c *conn) prepare(ctx context.Context, text string) (statement, error) {
	if s, ok := c.prepared[text]; ok {
		delete(c.prepared, text)
		return s, nil
	}
	to, ok := c.raw.(driver.ConnPrepareContext)
	if !ok {
		return nil, fmt.Errorf("prepare: not with a %T", c.raw)
	}
	made, err := to.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	s, ok := made.(statement)
	if !ok {
		return nil, errors.Join(fmt.Errorf("prepare: not with a %T", made), made.Close())
	}
	return s, nil
}

// keep puts a statement back, and closes random others if there are too many.
func (c *conn) keep(text string, s statement) {
	for other := range c.prepared {
		if len(c.prepared) < maxPrepared {
			break
		}
		c.forget(other)
	}
	c.forget(text) // prepared twice if it ran inside itself
	c.prepared[text] = s
}

func (c *conn) forget(text string) {
	if s, ok := c.prepared[text]; ok {
		_ = s.Close() // returns the error of the last run
		delete(c.prepared, text)
	}
}

func (c *conn) classify(err error) error {
	err = classify(err)
	if db.IsUnavailable(err) {
		c.markBroken(err)
	}
	return err
}

// markBroken notes that the state of the connection is uncertain.
func (c *conn) markBroken(cause error) {
	if c.broken == nil {
		c.broken = db.Unavailable(cause)
	}
}
