package store

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/store/db"
)

// Replica is a replica that reads the change counter only on a call of Read, like one
// that is stopped in between.
type Replica struct{ replica }

// Join makes s a replica that uses a reading for ttl, and takes the first reading.
func (s *Store) Join(ctx context.Context, tb testing.TB, ttl time.Duration) *Replica {
	tb.Helper()
	s.replication.changes.ttl = ttl
	r := &Replica{replica{replication: s.replication}}
	r.Read(ctx, tb)
	return r
}

// Read takes a reading, which must succeed.
func (r *Replica) Read(ctx context.Context, tb testing.TB) {
	tb.Helper()
	bounded, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := r.try(bounded); err != nil && !errors.Is(err, errSuspected) {
		tb.Fatal(err)
	}
}

// ReplicaRow is the row of a replica.
type ReplicaRow struct {
	ID        string
	Seen      int64
	Suspected bool
}

// Replicas lists the rows of all replicas.
func (s *Store) Replicas(ctx context.Context, tb testing.TB) (rows []ReplicaRow) {
	tb.Helper()
	err := s.db.LongRead.Query(ctx, func(from db.Scanner) error {
		var r ReplicaRow
		err := from.Scan(&r.ID, &r.Seen, intoFlag(&r.Suspected))
		rows = append(rows, r)
		return err
	}, `SELECT id, seen, suspected FROM replicas ORDER BY id`)
	if err != nil {
		tb.Fatal(err)
	}
	return rows
}

// ChangeCounter returns the number of the last change.
func (s *Store) ChangeCounter(ctx context.Context, tb testing.TB) (value int64) {
	tb.Helper()
	if err := s.db.Read.QueryRow(ctx, `SELECT value FROM change_counter`).Scan(&value); err != nil {
		tb.Fatal(err)
	}
	return value
}

// SetChangeCounter sets the counter, as a restored backup does.
func (s *Store) SetChangeCounter(ctx context.Context, tb testing.TB, value int64) {
	tb.Helper()
	if _, err := s.db.Write.Exec(ctx, `UPDATE change_counter SET value = $1`, value); err != nil {
		tb.Fatal(err)
	}
}

// SetClock replaces the clock for the age of readings.
func (c *Changes) SetClock(clock func() time.Time) { c.clock = clock }

// Setting returns a setting of a connection to PostgreSQL.
func (s *Store) Setting(ctx context.Context, tb testing.TB, name string) (value string) {
	tb.Helper()
	if err := s.db.LongRead.QueryRow(ctx, `SELECT current_setting($1)`, name).Scan(&value); err != nil {
		tb.Fatal(err)
	}
	return value
}
