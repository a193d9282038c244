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

// readingTTL is for how long a replica uses a reading of the change counter.
const readingTTL = time.Second

// Changes tells whether records that were read before are still as in the database.
//
// Each change of a record that replicas cache raises a counter in the same
// transaction. A replica reads the counter four times a second, and each cached
// record carries the number that was known before the record was read. A record is
// good while the counter has not moved past it and the last reading is younger than
// a second; see [Store.Follow].
type Changes struct {
	clock     func() time.Time // the machine's, with its monotonic reading
	ttl       time.Duration
	reading   atomic.Pointer[reading]
	last      reading      // also when it was dropped; of who takes readings
	ownChange atomic.Int64 // the last change that this process made
}

// reading is the counter as of a moment at or after sent.
type reading struct {
	value  int64
	sentAt time.Time
	era    int64 // how often what was cached before became useless whatever its number
	since  time.Time
}

const (
	// eraLength is more changes than there will ever be.
	changesPerEra = 1 << 40
	// longestEra is for how long anything is cached: rows may be changed by hand, which
	// does not raise the counter.
	maxEra = time.Minute
)

// use makes a reading the one that counts. Where the counter is lower than before, the
// database is another one, of a backup or of a replica that was behind when it took over.
// No record from before that is good, whatever its number.
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

// Version returns the number of the last change known here. It reports false if no
// reading is fresh: then a record must be read from the database for each use.
//
// Either clock may stand still while the process does: the monotonic one while the
// machine sleeps, the other one when it is set back. The one that says more counts.
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

// raiseTo makes a number at least as high as to.
func raiseTo(number *atomic.Int64, to int64) {
	for {
		last := number.Load()
		if to <= last || number.CompareAndSwap(last, to) {
			return
		}
	}
}

// replication makes changes of cached records known to all replicas.
type replication struct {
	db          *db.DB
	changes     Changes
	self        atomic.Pointer[string] // the id of this replica, nil for a command
	deferred    atomic.Bool            // changes do not wait for replicas
	pending     atomic.Int64           // the last change committed here
	settled     atomic.Int64           // the last of them known to be in force everywhere
	withoutSlot func(ctx context.Context, wait func())
	log         *slog.Logger
}

// change runs act in a transaction that changes records which replicas cache. It
// returns when the change is in force at every replica: see [replication.awaitReplicas].
func (s *replication) change(ctx context.Context, act func(db.Conn) error) error {
	return s.changeWithin(ctx, db.RequestTimeout, func(c db.Conn) (bool, error) { return true, act(c) })
}

// changeWithin is change for an act that may take as long as patience, and reports
// whether it changed such a record.
func (s *replication) changeWithin(ctx context.Context, patience time.Duration, act func(db.Conn) (changed bool, err error)) error {
	version, err := s.commitChange(ctx, patience, act)
	if err != nil {
		return err
	}
	s.enforce(ctx, version)
	return nil
}

// commitChange runs act in one transaction and returns the number of the change, 0 if
// act reports none. The caller owes an enforce.
func (s *replication) commitChange(ctx context.Context, patience time.Duration, act func(db.Conn) (changed bool, err error)) (version int64, err error) {
	// The row stays locked until the commit, so that changes are committed in the order
	// of their numbers. So it comes last in the transaction.
	const raise = `UPDATE change_counter SET value = value + 1 WHERE only_row = 1 RETURNING value`

	err = s.db.TxWithin(ctx, patience, func(c db.Conn) error {
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

// enforce waits until a change is in force at every replica.
func (s *replication) enforce(ctx context.Context, version int64) {
	raiseTo(&s.pending, version)
	if !s.deferred.Load() {
		s.settle(ctx)
	}
}

// settle returns when all changes that were committed here before are in force at every
// replica: see [replication.awaitReplicas].
func (s *replication) settle(ctx context.Context) {
	version := s.pending.Load()
	if version <= s.settled.Load() {
		return
	}
	s.withoutSlot(ctx, func() { s.awaitReplicas(ctx, version) })
	raiseTo(&s.settled, version)
}
