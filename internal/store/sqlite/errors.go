package sqlite

import (
	"context"
	"errors"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/ostiary/ostiary/internal/store/db"
)

// classify returns failures of the database as [db.UnavailableError] and leaves results
// of statements and programming errors unchanged.
func classify(err error) error {
	if err == nil || db.IsUnavailable(err) {
		return err
	}
	answer, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || errors.Is(err, db.ErrClosed) {
			return db.Unavailable(err)
		}
		return err
	}
	switch answer.Code() & 0xff {
	case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISMATCH,
		sqlite3.SQLITE_MISUSE, sqlite3.SQLITE_RANGE, sqlite3.SQLITE_TOOBIG:
		return err
	}
	return db.Unavailable(err) // busy, full, read-only, damaged, ...
}

func isBusy(err error) bool {
	answer, ok := errors.AsType[*sqlite.Error](err)
	return ok && answer.Code()&0xff == sqlite3.SQLITE_BUSY
}

// IsNullViolation implements [db.Engine].
func (e *Engine) IsNullViolation(err error) bool {
	answer, ok := errors.AsType[*sqlite.Error](err)
	return ok && answer.Code() == sqlite3.SQLITE_CONSTRAINT_NOTNULL
}

// IsForeignKeyViolation implements [db.Engine].
func (e *Engine) IsForeignKeyViolation(err error) bool {
	answer, ok := errors.AsType[*sqlite.Error](err)
	return ok && answer.Code() == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
}
