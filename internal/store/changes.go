package store

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/ostiary/ostiary/internal/store/db"
)

// readingTTL is the time for which a replica uses a reading of the change counter.
const readingTTL = time.Second

// Changes reports whether cached records are still current.
//
// Each change of a record that replicas cache increments a counter in the same
// transaction. A replica reads the counter four times a second, and each cached record
// has the value that was known before the record was read. A record is current while
// the counter has that value and the last reading is younger than a second; see
// [Store.Follow].
type Changes struct {
	clock     func() time.Time // with a monotonic reading
	ttl       time.Duration
	reading   atomic.Pointer[reading]
	last      reading      // also after it was dropped; only the goroutine that takes readings uses it
	ownChange atomic.Int64 // the last change that this process made
}

// reading is the value of the counter at a time after sentAt.
type reading struct {
	value  int64
	sentAt time.Time
	era    int64 // the number of times that the whole cache became invalid
	since  time.Time
}

const (
	// changesPerEra is an upper bound of the changes of a database.
	changesPerEra = 1 << 40
	// maxEra bounds the age of cached records: rows may be changed by hand, which does
	// not increment the counter.
	maxEra = time.Minute
)

// accept stores a reading. If the counter is lower than before, the database was
// restored from a backup, or a replica that was behind has taken over. All cached
// records are invalid then, with any number.
func (c *Changes) accept(now reading) {
	now.era, now.since = c.last.era, cmp.Or(c.last.since, now.sentAt)
	if now.value < c.last.value {
		c.ownChange.Store(0)
	}
	if now.value < c.last.value || now.sentAt.Sub(now.since) >= max(maxEra, 2*c.ttl) {
		now.era++
		now.since = now.sentAt
	}
	c.last = now
	c.reading.Store(&now)
}

// Version returns the number of the last known change. It returns false if no reading
// is fresh; callers must read records from the database then.
//
// Either clock may stop while the process does: the monotonic one while the machine
// sleeps, the wall clock when it is set back. Version uses the larger age.
func (c *Changes) Version() (version int64, fresh bool) {
	r := c.reading.Load()
	if r == nil {
		return 0, false
	}
	now := c.clock()
	age := max(now.Sub(r.sentAt), time.Duration(now.UnixNano()-r.sentAt.UnixNano()))
	if age >= c.ttl {
		return 0, false
	}
	return r.era*changesPerEra + max(r.value, c.ownChange.Load()), true
}

// raiseTo sets number to at least to.
func raiseTo(number *atomic.Int64, to int64) {
	for {
		last := number.Load()
		if to <= last || number.CompareAndSwap(last, to) {
			return
		}
	}
}

// replication applies changes of cached records on all replicas.
type replication struct {
	db          *db.DB
	changes     Changes
	self        atomic.Pointer[string] // the id of this replica, nil for a command
	deferred    atomic.Bool            // changes do not wait for replicas
	pending     atomic.Int64           // the last change committed here
	settled     atomic.Int64           // the last one that is known to be in effect on all replicas
	withoutSlot func(ctx context.Context, wait func())
	log         *slog.Logger
}

// change runs act in a transaction that changes records which replicas cache. It
// returns when the change is in effect on all replicas: see
// [replication.awaitReplicas].
func (s *replication) change(ctx context.Context, act func(db.Conn) error) error {
	return s.changeWithin(ctx, db.RequestTimeout, func(c db.Conn) (bool, error) { return true, act(c) })
}

// changeWithin is change with a timeout, for an act that reports whether it changed
// such a record.
func (s *replication) changeWithin(ctx context.Context, timeout time.Duration, act func(db.Conn) (changed bool, err error)) error {
	version, err := s.commitChange(ctx, timeout, act)
	if err != nil {
		return err
	}
	s.enforce(ctx, version)
	return nil
}

// commitChange runs act in one transaction and returns the number of the change, 0 if
// act reports none. The caller must call enforce.
func (s *replication) commitChange(ctx context.Context, timeout time.Duration, act func(db.Conn) (changed bool, err error)) (version int64, err error) {
	// The row stays locked until the commit, so that changes are committed in the order
	// of their numbers. This statement is the last of the transaction to keep that short.
	const raise = `UPDATE change_counter SET value = value + 1 WHERE only_row = 1 RETURNING value`

	err = s.db.TxWithin(ctx, timeout, func(c db.Conn) error {
		version = 0
		changed, err := act(c)
		if err != nil || !changed {
			return err
		}
		if err := c.QueryRow(ctx, raise).Scan(&version); err != nil {
			return fmt.Errorf("raise change counter: %w", err)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	raiseTo(&s.changes.ownChange, version)
	return version, nil
}

// enforce waits until a change is in effect on all replicas.
func (s *replication) enforce(ctx context.Context, version int64) {
	raiseTo(&s.pending, version)
	if !s.deferred.Load() {
		s.settle(ctx)
	}
}

// settle implements [Store.Settle].
func (s *replication) settle(ctx context.Context) {
	version := s.pending.Load()
	if version <= s.settled.Load() {
		return
	}
	s.withoutSlot(ctx, func() { s.awaitReplicas(ctx, version) })
	raiseTo(&s.settled, version)
}
