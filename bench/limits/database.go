package limits

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ostiary/ostiary/bench/meter"
)

// callerCounts are the numbers of concurrent callers of the database and the
// minimal server.
func callerCounts() []int { return []int{1, 8, 32, 64} }

// rows is the number of rows in the table.
const rows = 100_000

// Database measures a PostgreSQL through pgx. It creates a table and drops it.
func Database(ctx context.Context, url string, d time.Duration, each func(Limit) error) error {
	m, err := meter.New(ctx, meter.Config{Database: url})
	if err != nil {
		return fmt.Errorf("start the meter: %w", err)
	}
	g := gauge{m, func(r meter.Reading) time.Duration { return r.Database }, d, each}
	err = onTable(ctx, url, func() error {
		for _, n := range callerCounts() {
			if err := g.database(ctx, url, n); err != nil {
				return err
			}
		}
		return nil
	})
	return errors.Join(err, m.Close(ctx))
}

// onTable creates the table, runs act and drops the table.
func onTable(ctx context.Context, url string, act func() error) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close(ctx) //nolint:errcheck // no transaction is open
	const create = `
		CREATE TABLE bench_limits (id bigint PRIMARY KEY, body text NOT NULL);
		INSERT INTO bench_limits SELECT i, repeat('x', 200) FROM generate_series(1, 100000) i;
		ANALYZE bench_limits`
	if _, err := conn.Exec(ctx, create); err != nil {
		return fmt.Errorf("create the table: %w", err)
	}
	if err := act(); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, `DROP TABLE bench_limits`); err != nil {
		return fmt.Errorf("drop the table: %w", err)
	}
	return nil
}

// database measures with n callers, each with a connection.
func (g *gauge) database(ctx context.Context, url string, n int) error {
	ctx, cancel := context.WithCancel(ctx) // stops the writers
	defer cancel()
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return fmt.Errorf("read the database's URL: %w", err)
	}
	config.MaxConns = int32(n) //nolint:gosec // the value is small
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer pool.Close()
	for _, task := range []struct {
		name  string
		maker func() (func() error, error)
	}{
		{"INSERT of a row", inserts(ctx, pool)},
		{"INSERT of a row, coalesced", coalesced(ctx, pool)},
		{"SELECT by primary key", selects(ctx, pool)},
	} {
		callers, err := newCallers(n, task.maker)
		if err != nil {
			return err
		}
		if err := g.measure(ctx, task.name, callers); err != nil {
			return err
		}
	}
	return nil
}

const body = "a row of a grant has two hundred bytes or a few more; this text has about the same length, and the content is never used."

// newIDs returns a counter whose values exceed those of earlier counters.
func newIDs() *atomic.Int64 {
	var last atomic.Int64
	last.Store(time.Now().UnixNano())
	return &last
}

// inserts commits each row separately.
func inserts(ctx context.Context, pool *pgxpool.Pool) func() (func() error, error) {
	last := newIDs()
	return func() (func() error, error) {
		return func() error {
			const insert = `INSERT INTO bench_limits (id, body) VALUES ($1, $2)`
			_, err := pool.Exec(ctx, insert, last.Add(1), body)
			return err
		}, nil
	}
}

// selects reads rows in an order that defeats caches.
func selects(ctx context.Context, pool *pgxpool.Pool) func() (func() error, error) {
	var last atomic.Int64
	return func() (func() error, error) {
		return func() error {
			const find = `SELECT body FROM bench_limits WHERE id = $1`
			var text string
			return pool.QueryRow(ctx, find, last.Add(7919)%rows+1).Scan(&text)
		}, nil
	}
}

// maxBatch is the maximum number of rows of a commit.
const maxBatch = 64

// coalesced commits the rows of concurrent callers together (group commit). It has
// two writers: while one waits for the disk, the other collects a batch.
func coalesced(ctx context.Context, pool *pgxpool.Pool) func() (func() error, error) {
	waiting := make(chan chan error, 1024)
	last := newIDs()
	for range 2 {
		go func() {
			for {
				var batch []chan error
				select {
				case <-ctx.Done():
					return
				case first := <-waiting:
					batch = append(batch, first)
				}
				batch = gather(batch, waiting)
				err := insertMany(ctx, pool, last.Add(maxBatch), len(batch))
				for _, answer := range batch {
					answer <- err
				}
			}
		}()
	}
	return func() (func() error, error) {
		answer := make(chan error, 1)
		return func() error {
			waiting <- answer
			select {
			case err := <-answer:
				return err
			case <-ctx.Done():
				return ctx.Err()
			}
		}, nil
	}
}

// gather adds the waiting callers to the batch.
func gather(batch []chan error, waiting <-chan chan error) []chan error {
	for len(batch) < maxBatch {
		select {
		case next := <-waiting:
			batch = append(batch, next)
		default:
			return batch
		}
	}
	return batch
}

func insertMany(ctx context.Context, pool *pgxpool.Pool, first int64, n int) error {
	var statement strings.Builder
	statement.WriteString(`INSERT INTO bench_limits (id, body) VALUES `)
	arguments := make([]any, 0, 2*n)
	for i := range n {
		if i > 0 {
			statement.WriteByte(',')
		}
		fmt.Fprintf(&statement, "($%d, $%d)", 2*i+1, 2*i+2)
		arguments = append(arguments, first+int64(i), body)
	}
	_, err := pool.Exec(ctx, statement.String(), arguments...)
	return err
}
