package store

import (
	"context"
	"fmt"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/store/db"
)

// Pragma reads or sets a setting of the connection that writes to a SQLite file.
func Pragma(ctx context.Context, s *Store, name string) (string, error) {
	var value any
	err := s.db.Write.QueryRow(ctx, `PRAGMA `+name).Scan(&value)
	return fmt.Sprint(value), err
}

// Sizes are the numbers of records that a purge removes.
type Sizes struct{ Grants, Partitions, Rows int64 }

// Sizes counts all rows.
func (s *Store) Sizes(ctx context.Context) (z Sizes, err error) {
	const grants = `SELECT count(*) FROM grants`
	const rows = `
		SELECT (SELECT count(*) FROM setup_links) + (SELECT count(*) FROM sessions) + (SELECT count(*) FROM consents)
			+ (SELECT count(*) FROM requests) + (SELECT count(*) FROM revoked_tokens) + (SELECT count(*) FROM replay)
			+ (SELECT count(*) FROM guesses) + (SELECT count(*) FROM participants) + (SELECT count(*) FROM notices)`
	const partitions = `SELECT count(*) FROM pg_inherits WHERE inhparent = to_regclass('grants')`

	if err := s.db.Read.QueryRow(ctx, grants).Scan(&z.Grants); err != nil {
		return z, err
	}
	if s.Engine() == "postgres" {
		if err := s.db.Read.QueryRow(ctx, partitions).Scan(&z.Partitions); err != nil {
			return z, err
		}
	}
	err = s.db.Read.QueryRow(ctx, rows).Scan(&z.Rows)
	return z, err
}

// Mistakes returns the errors of programming mistakes, by description.
func (s *Store) Mistakes(ctx context.Context) map[string]error {
	var number int64
	inside := func(act func(db.Conn) error) error { return s.db.Tx(ctx, act) }
	alone := func(act func(db.Conn) error) error { return act(s.db.Write) }
	got := map[string]error{}
	for where, run := range map[string]func(func(db.Conn) error) error{"": alone, ", in a transaction": inside} {
		got["an invalid argument"+where] = run(func(c db.Conn) error {
			_, err := c.Exec(ctx, `DELETE FROM clients WHERE id = $1`, make(chan int))
			return err
		})
		got["an invalid argument of a query"+where] = run(func(c db.Conn) error {
			return c.QueryRow(ctx, `SELECT version FROM clients WHERE id = $1`, make(chan int)).Scan(&number)
		})
		got["an argument too few"+where] = run(func(c db.Conn) error {
			_, err := c.Exec(ctx, `DELETE FROM clients WHERE id = $1`)
			return err
		})
		got["a column of another type"+where] = run(func(c db.Conn) error {
			return c.QueryRow(ctx, `SELECT 'text'`).Scan(&number)
		})
		got["a table that is not there"+where] = run(func(c db.Conn) error {
			_, err := c.Exec(ctx, `DELETE FROM nowhere`)
			return err
		})
	}
	return got
}

// BoundFailures sets the number of events of failed sign-ins that a purge leaves.
func (s *Store) BoundFailures(n int) { s.purger.maxFailures = n }

// BoundAnonymousMails sets the number of messages that requests without a user may cause.
func (s *Store) BoundAnonymousMails(n int) { s.purger.maxAnonymousMails = n }

// BoundPasswordFailures sets the number of counters of failures in a row that are kept.
func (s *Store) BoundPasswordFailures(n int) { s.purger.maxPasswordFailures = n }

// BoundAttemptCounters sets the number of counters of attempts that are kept.
func (s *Store) BoundAttemptCounters(n int) { s.purger.maxAttemptCounters = n }

// DisableInactive sets the rule for accounts that are not used.
func (s *Store) DisableInactive(r InactivityRule) { s.purger.inactivity.InactivityRule = r }

// BoundSignUps sets the number of sign-ups that are kept.
func (s *Store) BoundSignUps(n int) { s.purger.maxSignUps = n }

// SearchBounded is [Accounts.SearchAccounts] with other bounds: the number up to which matches are
// counted, and the number of matches of a frequent word that are read for a page.
func SearchBounded(ctx context.Context, s *Store, counted, read int, f account.Filter, after string, limit int) ([]*account.Account, string, error) {
	return searchAccounts(ctx, s.db, searchBounds{counted, read}, f, after, limit)
}
