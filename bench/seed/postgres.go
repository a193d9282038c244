package main

import (
	"context"
	"database/sql"
	"fmt"
	"iter"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/ostiary/ostiary/internal/grant"
)

type postgres struct {
	names

	conn *pgx.Conn
	db   *sql.DB
}

func openPostgres(ctx context.Context, url string) (*postgres, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("read the URL: %w", err)
	}
	config.RuntimeParams["synchronous_commit"] = "off"
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return &postgres{names{}, conn, stdlib.OpenDB(*config)}, nil
}

func (p *postgres) close() {
	_ = p.db.Close()
	_ = p.conn.Close(context.Background())
}

func (p *postgres) model(ctx context.Context, table string) ([]any, error) {
	return p.oneRow(ctx, p.db, table)
}

func (p *postgres) sampleGrants(ctx context.Context, n int) ([]grantState, error) {
	return someGrants(ctx, p.db, n)
}

// copy inserts rows by COPY in one transaction.
func (p *postgres) copy(ctx context.Context, table string, columns []string, rows iter.Seq[[]any]) error {
	next, stop := iter.Pull(rows)
	defer stop()
	if _, err := p.conn.CopyFrom(ctx, pgx.Identifier{table}, columns, &source{next: next}); err != nil {
		return fmt.Errorf("copy: %w", err)
	}
	return nil
}

// source passes the rows of a sequence to COPY.
type source struct {
	next func() ([]any, bool)
	row  []any
}

// Next advances to the next row.
func (s *source) Next() (ok bool) { s.row, ok = s.next(); return ok }

// Values returns the row.
func (s *source) Values() ([]any, error) { return s.row, nil }

// Err returns nil, since generated rows cannot fail.
func (s *source) Err() error { return nil }

func (p *postgres) remove(ctx context.Context, ref grant.Locator) error {
	if _, err := p.conn.Exec(ctx, `DELETE FROM grants WHERE bucket = $1 AND id = $2`, int64(ref.Partition), ref.ID[:]); err != nil {
		return fmt.Errorf("remove a grant: %w", err)
	}
	return nil
}

func (p *postgres) vacuum(ctx context.Context) error {
	if _, err := p.conn.Exec(ctx, `VACUUM ANALYZE`); err != nil {
		return fmt.Errorf("vacuum: %w", err)
	}
	return nil
}

// sizes adds the partitions of a table; the size of a table includes TOAST and maps.
func (p *postgres) sizes(ctx context.Context) (parts []part, err error) {
	const read = `
		WITH tables AS (
			SELECT c.oid, coalesce(i.inhparent, c.oid)::regclass::text AS name
			FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
			WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace)
		SELECT name, sum(pg_table_size(oid)) FROM tables GROUP BY name
		UNION ALL
		SELECT coalesce(i.inhparent, x.indexrelid)::regclass::text, sum(pg_relation_size(x.indexrelid))
		FROM tables t JOIN pg_index x ON x.indrelid = t.oid LEFT JOIN pg_inherits i ON i.inhrelid = x.indexrelid
		GROUP BY 1 ORDER BY 2 DESC`

	rows, err := p.conn.Query(ctx, read)
	if err != nil {
		return nil, fmt.Errorf("read sizes: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (sized part, err error) {
		err = row.Scan(&sized.name, &sized.bytes)
		return sized, err
	})
}

func (p *postgres) hotUpdates(ctx context.Context) (updates, hot int64, err error) {
	const read = `
		SELECT coalesce(sum(n_tup_upd), 0)::bigint, coalesce(sum(n_tup_hot_upd), 0)::bigint
		FROM pg_stat_user_tables WHERE relname LIKE 'grants\_b%'`

	if err := p.conn.QueryRow(ctx, read).Scan(&updates, &hot); err != nil {
		return 0, 0, fmt.Errorf("read statistics: %w", err)
	}
	return updates, hot, nil
}
