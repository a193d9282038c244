package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/ostiary/ostiary/internal/store/db"
)

const (
	// readingInterval is how often a replica reads the change counter.
	readingInterval = 250 * time.Millisecond
	// readingMargin is added to the time for which a process that made a change waits
	// for a replica that does not acknowledge it: the clocks of two machines may run
	// at different speeds.
	readingMargin = 100 * time.Millisecond
	// leaveTimeout bounds the statement with which a replica leaves.
	leaveTimeout = 2 * time.Second
)

// replica is this process as one of the replicas that cache records.
type replica struct {
	replication *replication
	version     string
	id          string // empty until it has joined

	failing bool // the last reading failed
}

// errSuspected reports that another process has marked this replica as dead.
var errSuspected = errors.New("this replica did not answer in time, and joins again")

// follow implements [Store.Follow].
func (s *replication) follow(ctx context.Context, version string, ready func()) {
	r := &replica{replication: s, version: version}
	var background sync.WaitGroup
	defer func() {
		background.Wait()
		r.leave(ctx)
	}()
	tick := time.NewTicker(min(readingInterval, s.changes.ttl/4))
	defer tick.Stop()

	r.read(ctx)
	ready()
	background.Go(func() { s.removeDeadReplicas(ctx) })
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			r.read(ctx)
		}
	}
}

// read takes a reading, and joins before if necessary.
func (r *replica) read(ctx context.Context) {
	bounded, cancel := context.WithTimeout(ctx, r.replication.changes.ttl)
	defer cancel()
	err := r.try(bounded)
	if errors.Is(err, errSuspected) {
		r.replication.log.LogAttrs(ctx, slog.LevelWarn, "replica joins again", slog.Any("reason", err))
		err = r.try(bounded)
	}
	switch {
	case ctx.Err() != nil:
	case err != nil && !r.failing:
		r.failing = true
		r.replication.log.LogAttrs(ctx, slog.LevelWarn, "change counter not read: cached clients and keys are read from the database for each use", slog.Any("error", err))
	case err == nil && r.failing:
		r.failing = false
		r.replication.log.LogAttrs(ctx, slog.LevelInfo, "change counter read again")
	}
}

// try takes one reading. A suspected replica must not use any reading, not even the
// previous one: a process that suspects it may stop waiting for it.
func (r *replica) try(ctx context.Context) error {
	const read = `
		SELECT c.value, r.seen, CASE WHEN r.id IS NULL THEN 1 ELSE r.suspected END
		FROM change_counter c LEFT JOIN replicas r ON r.id = $1 WHERE c.only_row = 1`
	const acknowledge = `UPDATE replicas SET seen = $2 WHERE id = $1`

	s := r.replication
	if r.id == "" {
		if err := r.join(ctx); err != nil {
			return err
		}
	}
	now := reading{sentAt: s.changes.clock()}
	var seen int64
	var suspected bool
	if err := s.db.WatchRead.QueryRow(ctx, read, r.id).Scan(&now.value, into(func(n int64) error { seen = n; return nil }), intoFlag(&suspected)); err != nil {
		return fmt.Errorf("read change counter: %w", err)
	}
	if suspected {
		return r.resign(ctx)
	}
	s.changes.accept(now)
	if seen == now.value {
		return nil
	}
	// Acknowledge only after the reading is in use: until then, older records were.
	acknowledged, err := s.db.WatchWrite.Exec(ctx, acknowledge, r.id, now.value)
	if err != nil {
		return fmt.Errorf("acknowledge changes: %w", err)
	}
	if acknowledged == 0 {
		return r.resign(ctx)
	}
	return nil
}

func (r *replica) join(ctx context.Context) error {
	const join = `INSERT INTO replicas (id, seen, ttl, suspected, version) VALUES ($1, 0, $2, 0, $3)`

	id := rand.Text()
	if _, err := r.replication.db.WatchWrite.Exec(ctx, join, id, r.replication.changes.ttl.Microseconds(), r.version); err != nil {
		return fmt.Errorf("join the replicas: %w", err)
	}
	r.id = id
	r.replication.self.Store(&id)
	return nil
}

// resign drops the reading and the row of the replica.
func (r *replica) resign(ctx context.Context) error {
	r.replication.changes.reading.Store(nil)
	if _, err := r.replication.db.WatchWrite.Exec(ctx, leaveReplicas, r.id); err != nil {
		return fmt.Errorf("leave the replicas: %w", err)
	}
	r.id = ""
	return errSuspected
}

const leaveReplicas = `DELETE FROM replicas WHERE id = $1`

// leave drops the reading before the row, so that changes do not wait for this replica.
func (r *replica) leave(ctx context.Context) {
	r.replication.changes.reading.Store(nil)
	if r.id == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
	defer cancel()
	if _, err := r.replication.db.WatchWrite.Exec(ctx, leaveReplicas, r.id); err != nil {
		r.replication.log.LogAttrs(ctx, slog.LevelWarn, "replica did not leave: the next change waits for it", slog.Any("error", err))
	}
}

// ReplicaVersions returns the number of running replicas by version. Replicas of versions that do not
// report it count as the empty one, and a replica that was killed counts until the next change.
func (s *Store) ReplicaVersions(ctx context.Context) (map[string]int, error) {
	const read = `SELECT version, count(*) FROM replicas WHERE suspected = 0 GROUP BY version`

	versions := map[string]int{}
	err := s.db.LongRead.Query(ctx, func(from db.Scanner) error {
		var version string
		var n int64
		err := from.Scan(&version, &n)
		versions[version] = int(n)
		return err
	}, read)
	if err != nil {
		return nil, fmt.Errorf("list replicas: %w", err)
	}
	return versions, nil
}
