package main

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"strings"

	_ "modernc.org/sqlite" // the driver sqlite

	"github.com/ostiary/ostiary/internal/grant"
)

type sqlite struct {
	names

	db *sql.DB
}

func openSQLite(ctx context.Context, path string) (*sqlite, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)&_pragma=synchronous(OFF)&_pragma=cache_size(-200000)")
	if err != nil {
		return nil, fmt.Errorf("open the file: %w", err)
	}
	db.SetMaxOpenConns(1)
	return &sqlite{names{}, db}, db.PingContext(ctx)
}

func (s *sqlite) close() { _ = s.db.Close() }

func (s *sqlite) model(ctx context.Context, table string) ([]any, error) {
	return s.oneRow(ctx, s.db, table)
}

func (s *sqlite) sampleGrants(ctx context.Context, n int) ([]grantState, error) {
	return someGrants(ctx, s.db, n)
}

// copy inserts rows in transactions of 20,000.
func (s *sqlite) copy(ctx context.Context, table string, columns []string, rows iter.Seq[[]any]) error {
	const batch = 20_000
	next, stop := iter.Pull(rows)
	defer stop()
	insert := `INSERT INTO ` + table + ` (` + strings.Join(columns, ", ") + `) VALUES (?` + strings.Repeat(", ?", len(columns)-1) + `)`
	for added := batch; added == batch; {
		var err error
		if added, err = s.copyBatch(ctx, insert, next, batch); err != nil {
			return fmt.Errorf("insert rows: %w", err)
		}
	}
	return nil
}

func (s *sqlite) copyBatch(ctx context.Context, insert string, next func() ([]any, bool), size int) (added int, err error) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback() //nolint:errcheck // no effect after Commit
	statement, err := tx.PrepareContext(ctx, insert)
	if err != nil {
		return 0, err
	}
	defer statement.Close() //nolint:errcheck // closed with the transaction
	for added < size {
		row, ok := next()
		if !ok {
			break
		}
		if _, err := statement.ExecContext(ctx, row...); err != nil {
			return 0, err
		}
		added++
	}
	return added, tx.Commit()
}

func (s *sqlite) remove(ctx context.Context, ref grant.Locator) error {
	if _, err := s.db.ExecContext(ctx, `DELETE FROM grants WHERE bucket = ? AND id = ?`, int64(ref.Partition), ref.ID[:]); err != nil {
		return fmt.Errorf("remove a grant: %w", err)
	}
	return nil
}

func (s *sqlite) vacuum(ctx context.Context) error {
	if _, err := s.db.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return nil
}

func (s *sqlite) sizes(ctx context.Context) (parts []part, err error) {
	rows, err := s.db.QueryContext(ctx, `SELECT name, sum(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC`)
	if err != nil {
		return nil, fmt.Errorf("read sizes: %w", err)
	}
	defer rows.Close() //nolint:errcheck // Err reports errors
	for rows.Next() {
		var sized part
		if err := rows.Scan(&sized.name, &sized.bytes); err != nil {
			return nil, fmt.Errorf("read sizes: %w", err)
		}
		parts = append(parts, sized)
	}
	return parts, rows.Err()
}

// hotUpdates returns zeros: SQLite updates rows in place.
func (s *sqlite) hotUpdates(context.Context) (updates, hot int64, err error) { return 0, 0, nil }
