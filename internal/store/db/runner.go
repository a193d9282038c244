// Package db runs SQL statements: the interface that engines implement,
// transactions, retries, and the classification of errors into failures of the
// database and results of a statement.
package db

import (
	"context"
	"database/sql"
	"sync/atomic"
)

// Runner runs statements, each separately or all in one transaction. It returns every
// failure of the database as [UnavailableError].
type Runner interface {
	// Exec returns the number of affected rows.
	Exec(ctx context.Context, statement string, args ...any) (int64, error)
	// Query calls visit for every row.
	Query(ctx context.Context, visit func(Scanner) error, statement string, args ...any) error
}

// Statement is a statement of a batch.
type Statement struct {
	Text string
	Args []any
}

// Scanner copies the columns of a row.
type Scanner interface {
	Scan(dest ...any) error
}

// Conn runs the statements of a repository.
type Conn struct{ Runner }

// QueryRow returns the only row of a statement, which runs when the row is scanned.
// Scan returns [sql.ErrNoRows] if there is no row.
func (c Conn) QueryRow(ctx context.Context, statement string, args ...any) Row {
	return func(dest ...any) error {
		found := false
		err := c.Query(ctx, func(s Scanner) error {
			found = true
			return s.Scan(dest...)
		}, statement, args...)
		if err == nil && !found {
			return sql.ErrNoRows
		}
		return err
	}
}

// Row scans the result of a statement.
type Row func(dest ...any) error

// Scan runs the statement of the row and copies its columns.
func (r Row) Scan(dest ...any) error { return r(dest...) }

// counted counts statements.
type counted struct {
	Runner
	statements *atomic.Int64
}

func (c counted) Exec(ctx context.Context, statement string, args ...any) (int64, error) {
	c.statements.Add(1)
	return c.Runner.Exec(ctx, statement, args...)
}

func (c counted) Query(ctx context.Context, visit func(Scanner) error, statement string, args ...any) error {
	c.statements.Add(1)
	return c.Runner.Query(ctx, visit, statement, args...)
}
