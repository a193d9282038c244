package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
)

// preparedMost bounds the statements that a connection keeps prepared. Those of
// requests are some dozens; a few others have as many texts as there are lengths
// of a list.
const preparedMost = 128

// sqliteConn is a connection to the file. Whoever has it has it alone.
//
// It speaks to the driver itself. Between them database/sql would keep a pool and
// watch each context from two goroutines, for as much processor time as a
// statement by primary key takes.
type sqliteConn struct {
	raw      driver.Conn
	prepared map[string]sqliteStatement // those not in use
	// broken is the first failure that was the database's. What it left behind is
	// uncertain, so that the connection has to be closed.
	broken error
}

type sqliteStatement interface {
	driver.StmtExecContext
	driver.StmtQueryContext
	Close() error
}

// connectSQLite opens the file. The first of all connections to it turns it to WAL:
// of two processes that want to at once, SQLite refuses one without letting it
// wait, since both hold a lock that the other needs.
func connectSQLite(ctx context.Context, to driver.Connector) (*sqliteConn, error) {
	c := &sqliteConn{prepared: map[string]sqliteStatement{}}
	err := persist(ctx, func() (err error) {
		c.raw, err = to.Connect(ctx)
		return err
	})
	if err != nil {
		return nil, interpretSQLite(err)
	}
	return c, nil
}

// close gives the file back. A transaction that is under way never was.
func (c *sqliteConn) close() {
	for text := range c.prepared {
		c.forget(text)
	}
	_ = c.raw.Close() // every acknowledged write is on disk already
}

// exec runs a statement and returns how many rows were affected. The end of ctx
// interrupts it, which costs a goroutine and with it a good part of a short
// statement's time; [context.WithoutCancel] saves that.
func (c *sqliteConn) exec(ctx context.Context, statement string, args ...any) (affected int64, err error) {
	err = c.with(ctx, statement, args, func(s sqliteStatement, args []driver.NamedValue) error {
		result, err := s.ExecContext(ctx, args)
		if err != nil {
			return err
		}
		affected, err = result.RowsAffected()
		return err
	})
	return affected, err
}

// each runs a statement and calls visit for every row. It reads to the end even
// where one row is expected: there SQLite says if it could not finish.
func (c *sqliteConn) each(ctx context.Context, visit func(scanner) error, statement string, args ...any) error {
	var visited error
	err := c.with(ctx, statement, args, func(s sqliteStatement, args []driver.NamedValue) (err error) {
		rows, err := s.QueryContext(ctx, args)
		if err != nil {
			return err
		}
		defer func() {
			if closed := rows.Close(); err == nil {
				err = closed
			}
		}()
		columns := make(sqliteRow, len(rows.Columns()))
		for visited == nil {
			err := rows.Next(columns)
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			visited = visit(columns)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return visited
}

// with lends use a prepared statement and its arguments.
func (c *sqliteConn) with(
	ctx context.Context, text string, args []any, use func(sqliteStatement, []driver.NamedValue) error,
) error {
	values, err := sqliteValues(args)
	if err != nil {
		return err
	}
	s, err := c.prepare(ctx, text)
	if err != nil {
		return c.interpret(err)
	}
	defer c.keep(text, s)
	return c.interpret(use(s, values))
}

// prepare takes a statement out of those that wait, so that none is closed while
// in use.
func (c *sqliteConn) prepare(ctx context.Context, text string) (sqliteStatement, error) {
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
	s, ok := made.(sqliteStatement)
	if !ok {
		return nil, errors.Join(fmt.Errorf("prepare: not with a %T", made), made.Close())
	}
	return s, nil
}

// keep puts a statement back, in place of any other once there are too many.
func (c *sqliteConn) keep(text string, s sqliteStatement) {
	for other := range c.prepared {
		if len(c.prepared) < preparedMost {
			break
		}
		c.forget(other)
	}
	c.forget(text) // it was prepared twice, if it ran inside itself
	c.prepared[text] = s
}

func (c *sqliteConn) forget(text string) {
	if s, ok := c.prepared[text]; ok {
		_ = s.Close() // tells how the statement went the last time
		delete(c.prepared, text)
	}
}

func (c *sqliteConn) interpret(err error) error {
	err = interpretSQLite(err)
	if _, failed := errors.AsType[*unavailable](err); failed {
		c.breaks(err)
	}
	return err
}

// breaks notes that the state of the connection is uncertain.
func (c *sqliteConn) breaks(why error) {
	if c.broken == nil {
		c.broken = asUnavailable(why)
	}
}
