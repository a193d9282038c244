package main

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"strings"

	"github.com/ostiary/ostiary/internal/grant"
)

// engine accesses the database directly, without the store.
type engine interface {
	columns(table string) []string
	// model returns a row of the table.
	model(ctx context.Context, table string) ([]any, error)
	// copy inserts rows in bulk.
	copy(ctx context.Context, table string, columns []string, rows iter.Seq[[]any]) error
	remove(ctx context.Context, ref grant.Locator) error
	// vacuum cleans the tables up, as autovacuum does after some time.
	vacuum(ctx context.Context) error
	// sizes returns the bytes of each part of the database.
	sizes(ctx context.Context) ([]part, error)
	// sampleGrants returns n adjacent grants.
	sampleGrants(ctx context.Context, n int) ([]grantState, error)
	// hotUpdates returns the number of updates of grants, and the number of heap-only
	// tuple updates among them.
	hotUpdates(ctx context.Context) (updates, hot int64, err error)
	close()
}

// part is an index, or a table without its indexes.
type part struct {
	name  string
	bytes int64
}

// grantState has the columns of a grant that a refresh requires.
type grantState struct {
	ref        grant.Locator
	clientID   string
	generation int64
}

func openEngine(ctx context.Context, url string) (engine, error) {
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		return openSQLite(ctx, path)
	}
	return openPostgres(ctx, url)
}

// names are the columns of each table.
type names map[string][]string

func (n names) columns(table string) []string { return n[table] }

// oneRow returns a row of a table and stores the names of its columns.
func (n names) oneRow(ctx context.Context, db *sql.DB, table string) ([]any, error) {
	rows, err := db.QueryContext(ctx, `SELECT * FROM `+table+` LIMIT 1`) //nolint:gosec // the name of a table is a constant
	if err != nil {
		return nil, fmt.Errorf("read a row: %w", err)
	}
	defer rows.Close() //nolint:errcheck // Err reports errors
	if n[table], err = rows.Columns(); err != nil {
		return nil, fmt.Errorf("read the columns: %w", err)
	}
	row := make([]any, len(n[table]))
	into := make([]any, len(row))
	for i := range row {
		into[i] = &row[i]
	}
	if !rows.Next() {
		return nil, fmt.Errorf("%s is empty: %w", table, rows.Err())
	}
	if err := rows.Scan(into...); err != nil {
		return nil, fmt.Errorf("read a row: %w", err)
	}
	return row, rows.Err()
}

func someGrants(ctx context.Context, db *sql.DB, n int) (list []grantState, err error) {
	const read = `
		SELECT bucket, id, client_id, refresh_generation FROM grants
		WHERE bucket > (SELECT min(bucket) FROM grants) ORDER BY bucket, id LIMIT $1`

	rows, err := db.QueryContext(ctx, read, n)
	if err != nil {
		return nil, fmt.Errorf("read some grants: %w", err)
	}
	defer rows.Close() //nolint:errcheck // Err reports errors
	for rows.Next() {
		var h grantState
		var bucket int64
		var id []byte
		if err := rows.Scan(&bucket, &id, &h.clientID, &h.generation); err != nil {
			return nil, fmt.Errorf("read some grants: %w", err)
		}
		h.ref = grant.Locator{Partition: grant.Partition(bucket), ID: grant.ID(id)} //nolint:gosec // the column holds partitions
		list = append(list, h)
	}
	return list, rows.Err()
}
