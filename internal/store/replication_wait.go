package store

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/ostiary/ostiary/internal/store/db"
)

// firstPoll and longestPoll bound the pause between two reads of the replicas. The first
// pauses are short, since the replicas may be about to read.
const (
	firstPoll   = 5 * time.Millisecond
	longestPoll = 25 * time.Millisecond
)

// staleReplica is a replica that has not acknowledged a change.
type staleReplica struct {
	id        string
	ttl       time.Duration
	suspected bool
}

// awaitReplicas returns when no replica uses a cached record from before a committed
// change. Each replica has acknowledged the change, or so much time has passed since
// the commit that every older reading has expired. This covers replicas that hang, were
// stopped or have lost the database, and a lost database of this process. It does not
// end with ctx, since the change is committed.
//
// A replica that does not acknowledge in time is marked as suspected. If it is alive,
// it finds the mark with its next reading, which it must not use then. A replica that
// was suspected before the wait began has no valid reading, and its row is deleted: a
// killed process delays two changes, or none if another replica starts in the meantime.
func (s *replication) awaitReplicas(ctx context.Context, version int64) {
	ctx = context.WithoutCancel(ctx)
	committed := s.changes.clock()
	longest := s.changes.ttl
	suspects := map[string]time.Time{} // the time at which each was first found suspected
	for pause := firstPoll; ; pause = min(2*pause, longestPoll) {
		behind, err := s.replicasBehind(ctx, version)
		if err == nil && len(behind) == 0 {
			return
		}
		now := s.changes.clock()
		for _, l := range behind {
			longest = max(longest, l.ttl)
			if _, seen := suspects[l.id]; l.suspected && !seen {
				suspects[l.id] = now
			}
		}
		if now.Sub(committed) >= longest+readingMargin {
			s.suspect(ctx, behind, suspects, version)
			return
		}
		_ = db.Sleep(ctx, pause) // ctx does not end
	}
}

// replicasBehind lists the other replicas that may use records from before a change.
func (s *replication) replicasBehind(ctx context.Context, version int64) (behind []staleReplica, err error) {
	const read = `SELECT id, ttl, suspected FROM replicas WHERE seen < $1 AND id <> $2 ORDER BY id`

	self := ""
	if id := s.self.Load(); id != nil {
		self = *id // its caches know the change already
	}
	err = s.db.BackgroundRead.Query(ctx, func(from db.Scanner) error { // not counted: no request waits for it
		var l staleReplica
		err := from.Scan(&l.id, into(func(us int64) error { l.ttl = time.Duration(us) * time.Microsecond; return nil }), intoFlag(&l.suspected))
		behind = append(behind, l)
		return err
	}, read, version, self)
	if err != nil {
		return nil, fmt.Errorf("list replicas: %w", err)
	}
	return behind, nil
}

// suspect deletes the replicas that have been suspected for the time for which they may
// use a reading, and marks the others. Correctness does not depend on its success.
func (s *replication) suspect(ctx context.Context, behind []staleReplica, suspects map[string]time.Time, version int64) {
	const suspect = `UPDATE replicas SET suspected = 1 WHERE id = $1 AND seen < $2`
	const remove = `DELETE FROM replicas WHERE id = $1 AND suspected = 1`

	now := s.changes.clock()
	for _, l := range behind {
		since, suspected := suspects[l.id]
		dead := suspected && now.Sub(since) >= l.ttl+readingMargin
		var err error
		switch {
		case dead:
			_, err = s.db.Write.Exec(ctx, remove, l.id)
		case !suspected:
			_, err = s.db.Write.Exec(ctx, suspect, l.id, version)
		}
		attrs := []slog.Attr{slog.String("replica", l.id), slog.Bool("removed", dead && err == nil)}
		if err != nil {
			attrs = append(attrs, slog.Any("error", err))
		}
		s.log.LogAttrs(ctx, slog.LevelWarn, "a replica did not answer to a change", attrs...)
	}
}

// removeDeadReplicas removes the rows of killed processes, so that no change waits for
// them. Two empty changes do so: the first finds the replicas that do not acknowledge,
// the second that their last reading has expired.
func (s *replication) removeDeadReplicas(ctx context.Context) {
	for range 2 {
		others, err := s.replicasBehind(ctx, 1<<62)
		if err != nil || len(others) == 0 || ctx.Err() != nil {
			return
		}
		if err := s.change(ctx, func(db.Conn) error { return nil }); err != nil {
			s.log.LogAttrs(ctx, slog.LevelDebug, "dead replicas not looked for", slog.Any("error", err))
			return
		}
	}
}
