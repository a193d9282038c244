package meter

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// database reads the counters of a PostgreSQL server that only the measured server
// uses.
type database struct {
	conn       *pgx.Conn
	postmaster int // 0 if it runs on another machine
	counted    bool
}

func watchDatabase(ctx context.Context, url string) (*database, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	d := &database{conn: conn}
	var backend int
	const self = `SELECT pg_backend_pid()`
	if err := conn.QueryRow(ctx, self).Scan(&backend); err != nil {
		return nil, fmt.Errorf("read the backend process: %w", err)
	}
	if s, err := readStat(backend); err == nil {
		d.postmaster = s.parent
	}
	const loaded = `SELECT current_setting('shared_preload_libraries') LIKE '%pg_stat_statements%'`
	if err := conn.QueryRow(ctx, loaded).Scan(&d.counted); err != nil {
		return nil, fmt.Errorf("read shared_preload_libraries: %w", err)
	}
	if d.counted {
		if _, err := conn.Exec(ctx, `CREATE EXTENSION IF NOT EXISTS pg_stat_statements`); err != nil {
			return nil, fmt.Errorf("load pg_stat_statements: %w", err)
		}
	}
	return d, nil
}

// read sets the fields of the database. It does not count its own statements.
func (d *database) read(ctx context.Context, r *Reading) error {
	const position = `
		SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint,
		       pg_snapshot_xmax(pg_current_snapshot())::text::bigint,
		       (SELECT sum(pg_database_size(oid))::bigint FROM pg_database)`
	if err := d.conn.QueryRow(ctx, position).Scan(&r.WAL, &r.Writes, &r.Stored); err != nil {
		return fmt.Errorf("read the database's position: %w", err)
	}
	if d.counted {
		const calls = `
			SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements
			WHERE query NOT LIKE '%pg_stat_statements%' AND query NOT LIKE '%pg_current_wal_insert_lsn%'`
		if err := d.conn.QueryRow(ctx, calls).Scan(&r.Statements); err != nil {
			return fmt.Errorf("read pg_stat_statements: %w", err)
		}
	}
	if d.postmaster == 0 {
		return nil
	}
	var err error
	if r.Database, err = processTime(d.postmaster); err != nil {
		return fmt.Errorf("read the database's time: %w", err)
	}
	return nil
}

func (d *database) close(ctx context.Context) error {
	if err := d.conn.Close(ctx); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	return nil
}
