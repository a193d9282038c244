package store

import (
	"context"
	"fmt"
	"time"
)

// Pragma reads or sets a setting of the connection that writes to a SQLite file.
func Pragma(ctx context.Context, s *Store, name string) (string, error) {
	var value any
	err := s.write.one(ctx, `PRAGMA `+name).Scan(&value)
	return fmt.Sprint(value), err
}

// Sizes tells how much there is of what a purge removes.
type Sizes struct{ Grants, Partitions, Rows int64 }

// Sizes counts all rows.
func (s *Store) Sizes(ctx context.Context) (z Sizes, err error) {
	const grants = `SELECT count(*) FROM grants`
	const rows = `
		SELECT (SELECT count(*) FROM setup_links) + (SELECT count(*) FROM sessions) + (SELECT count(*) FROM consents)
			+ (SELECT count(*) FROM requests) + (SELECT count(*) FROM revoked_tokens) + (SELECT count(*) FROM replay)
			+ (SELECT count(*) FROM guesses) + (SELECT count(*) FROM participants) + (SELECT count(*) FROM notices)`
	const partitions = `SELECT count(*) FROM pg_inherits WHERE inhparent = to_regclass('grants')`

	if err := s.read.one(ctx, grants).Scan(&z.Grants); err != nil {
		return z, err
	}
	if s.Engine() == "postgres" {
		if err := s.read.one(ctx, partitions).Scan(&z.Partitions); err != nil {
			return z, err
		}
	}
	err = s.read.one(ctx, rows).Scan(&z.Rows)
	return z, err
}

// Mistakes are what no code of ours should do, each with the error it gets.
func (s *Store) Mistakes(ctx context.Context) map[string]error {
	var number int64
	inside := func(act func(conn) error) error { return s.tx(ctx, act) }
	alone := func(act func(conn) error) error { return act(s.write) }
	got := map[string]error{}
	for where, run := range map[string]func(func(conn) error) error{"": alone, ", in a transaction": inside} {
		got["an argument of no use"+where] = run(func(c conn) error {
			_, err := c.exec(ctx, `DELETE FROM clients WHERE id = $1`, make(chan int))
			return err
		})
		got["an argument of no use to a query"+where] = run(func(c conn) error {
			return c.one(ctx, `SELECT version FROM clients WHERE id = $1`, make(chan int)).Scan(&number)
		})
		got["an argument too few"+where] = run(func(c conn) error {
			_, err := c.exec(ctx, `DELETE FROM clients WHERE id = $1`)
			return err
		})
		got["a column of another type"+where] = run(func(c conn) error {
			return c.one(ctx, `SELECT 'text'`).Scan(&number)
		})
		got["a table that is not there"+where] = run(func(c conn) error {
			_, err := c.exec(ctx, `DELETE FROM nowhere`)
			return err
		})
	}
	return got
}

// HoldWrites keeps writes on PostgreSQL waiting, so that what comes before release
// goes in one batch. waiting tells how many there are.
func HoldWrites(s *Store) (waiting func() int, release func()) {
	l := s.engine.(*postgres).writing
	l.mu.Lock()
	l.leading = lanesWide
	l.mu.Unlock()
	waiting = func() int {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.waiting)
	}
	return waiting, func() {
		l.mu.Lock()
		l.leading = 1
		l.mu.Unlock()
		l.finish(nil, nil)
	}
}

// WriteAndLook runs a statement that writes and hands its rows to visit.
func WriteAndLook(ctx context.Context, s *Store, statement string, visit func() error) error {
	return s.write.each(ctx, func(scanner) error { return visit() }, statement)
}

// Linger lets one transaction take up many writes to a SQLite file however long they
// take on a busy machine.
func Linger(s *Store) { s.engine.(*sqliteEngine).writing.patience = time.Hour }

// Waiting tells how many stand in the queue of those who write to a SQLite file.
func Waiting(s *Store) int {
	w := s.engine.(*sqliteEngine).writing
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.queue)
}

// List reads what may take long.
func List(ctx context.Context, s *Store, statement string) error {
	return s.list.each(ctx, func(scanner) error { return nil }, statement)
}

// Transact runs act in one transaction, a long one if it is an import.
func Transact(ctx context.Context, s *Store, isImport bool, act func(exec func(statement string, args ...any) error) error) error {
	patience := requestPatience
	if isImport {
		patience = importPatience
	}
	return s.txWithin(ctx, patience, func(c conn) error {
		return act(func(statement string, args ...any) error {
			_, err := c.exec(ctx, statement, args...)
			return err
		})
	})
}
