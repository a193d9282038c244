package postgres

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/ostiary/ostiary/internal/store/db"
)

// SQLSTATE codes of PostgreSQL (appendix A of its documentation).
const (
	readOnlyTransaction        = "25006"
	idleInTransactionTimeout   = "25P03"
	protocolViolation          = "08P01"
	notNullViolation           = "23502"
	foreignKeyViolation        = "23503"
	checkViolation             = "23514"
	serializationFailure       = "40001"
	deadlockDetected           = "40P01"
	undefinedTable             = "42P01"
	duplicatePreparedStatement = "42P05"
	invalidSQLStatementName    = "26000"
	lockNotAvailable           = "55P03"
)

// classify returns failures of the database as [db.UnavailableError] and leaves results
// of statements and programming errors unchanged: pgx closes a connection that failed,
// but keeps one for which it could not encode an argument.
func classify(c *pgx.Conn, err error) error {
	if err == nil || db.IsUnavailable(err) {
		return err
	}
	failed := c.IsClosed() || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok {
		failed = isFailure(answer.Code)
	}
	if failed {
		return db.Unavailable(err)
	}
	return err
}

// isFailure reports whether an error code means that the server failed.
func isFailure(code string) bool {
	switch code {
	case readOnlyTransaction, idleInTransactionTimeout:
		return true
	}
	switch code[:2] {
	case "08", // connection
		"28", // invalid authorization
		"3D", // the database does not exist
		"40", // conflict with another transaction after all retries
		"53", // out of connections, memory or disk
		"55", // a lock not available in time
		"57", // shutdown or statement timeout
		"58", // input and output
		"XX": // corruption
		return true
	}
	return false
}

// isConflict reports whether a retry can succeed.
func isConflict(err error) bool {
	return hasCode(err, serializationFailure, deadlockDetected) || isUnprepared(err)
}

func isReadOnly(err error) bool { return hasCode(err, readOnlyTransaction) }

// IsNullViolation implements [db.Engine].
func (e *Engine) IsNullViolation(err error) bool { return hasCode(err, notNullViolation) }

// IsForeignKeyViolation implements [db.Engine].
func (e *Engine) IsForeignKeyViolation(err error) bool { return hasCode(err, foreignKeyViolation) }

// isUnsupportedParameter reports whether a pooler rejected a session setting.
func isUnsupportedParameter(err error) bool {
	answer, ok := errors.AsType[*pgconn.PgError](err)
	return ok && answer.Code == protocolViolation && strings.Contains(answer.Message, "startup parameter")
}

// isUnprepared reports whether a prepared statement exists twice, or not at all.
func isUnprepared(err error) bool {
	return hasCode(err, duplicatePreparedStatement, invalidSQLStatementName)
}

func hasCode(err error, codes ...string) bool {
	answer, ok := errors.AsType[*pgconn.PgError](err)
	return ok && slices.Contains(codes, answer.Code)
}
