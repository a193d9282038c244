package store

import (
	"context"
	"errors"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// errClosed reports a store that was closed.
var errClosed = errors.New("the store is closed")

// interpretSQLite tells failures of the database from its answers, and from
// mistakes of ours.
func interpretSQLite(err error) error {
	if err == nil {
		return nil
	}
	if _, done := errors.AsType[*unavailable](err); done {
		return err
	}
	answer, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || errors.Is(err, errClosed) {
			return &unavailable{err}
		}
		return err
	}
	switch answer.Code() & 0xff {
	case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISMATCH,
		sqlite3.SQLITE_MISUSE, sqlite3.SQLITE_RANGE, sqlite3.SQLITE_TOOBIG:
		return err
	}
	return &unavailable{err} // busy, full, read-only, damaged, ...
}

// asUnavailable makes a failure of the database of what need not be one in itself.
func asUnavailable(err error) error {
	if _, done := errors.AsType[*unavailable](err); done {
		return err
	}
	return &unavailable{err}
}

func isBusy(err error) bool {
	answer, ok := errors.AsType[*sqlite.Error](err)
	return ok && answer.Code()&0xff == sqlite3.SQLITE_BUSY
}

func (e *sqliteEngine) lacksReferenced(err error) bool {
	answer, ok := errors.AsType[*sqlite.Error](err)
	return ok && answer.Code() == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
}
