package main

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"strings"

	"github.com/ostiary/ostiary/internal/grant"
)

// engine speaks to the database beside the store.
type engine interface {
	columns(table string) []string
	// model returns a row of the table.
	model(ctx context.Context, table string) ([]any, error)
	// copy adds rows, many at once.
	copy(ctx context.Context, table string, columns []string, rows iter.Seq[[]any]) error
	remove(ctx context.Context, ref grant.Locator) error
	// settle leaves the tables as they are when nothing has happened for a while.
	settle(ctx context.Context) error
	// sizes returns the bytes of each part of the database.
	sizes(ctx context.Context) ([]part, error)
	// some returns n grants that lie next to each other.
	some(ctx context.Context, n int) ([]held, error)
	// inPlace returns how many updates there were of grants, and how many of them
	// stayed in their page.
	inPlace(ctx context.Context) (updates, hot int64, err error)
	close()
}

// part is a table without its indexes, or an index.
type part struct {
	name  string
	bytes int64
}

// held is what one needs to know to refresh a grant.
type held struct {
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

// names keeps the columns of the tables.
type names map[string][]string

func (n names) columns(table string) []string { return n[table] }

// oneRow reads a row of a table, and its columns.
func (n names) oneRow(ctx context.Context, db *sql.DB, table string) ([]any, error) {
	rows, err := db.QueryContext(ctx, `SELECT * FROM `+table+` LIMIT 1`) //nolint:gosec // a table of ours
	if err != nil {
		return nil, fmt.Errorf("read a row: %w", err)
	}
	defer rows.Close() //nolint:errcheck // Err tells
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

func someGrants(ctx context.Context, db *sql.DB, n int) (list []held, err error) {
	const read = `
		SELECT bucket, id, client_id, refresh_generation FROM grants
		WHERE bucket > (SELECT min(bucket) FROM grants) ORDER BY bucket, id LIMIT $1`

	rows, err := db.QueryContext(ctx, read, n)
	if err != nil {
		return nil, fmt.Errorf("read some grants: %w", err)
	}
	defer rows.Close() //nolint:errcheck // Err tells
	for rows.Next() {
		var h held
		var bucket int64
		var id []byte
		if err := rows.Scan(&bucket, &id, &h.clientID, &h.generation); err != nil {
			return nil, fmt.Errorf("read some grants: %w", err)
		}
		h.ref = grant.Locator{Partition: grant.Partition(bucket), ID: grant.ID(id)} //nolint:gosec // it was written from one
		list = append(list, h)
	}
	return list, rows.Err()
}
