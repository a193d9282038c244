package store

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/store/db"
)

// stepsAtOnce bounds how far one purge goes through the grants of buckets that are
// not closed, in steps of [batch] grants. Most of those live, and are in no hurry.
const maxSteps = 50

// over is the condition that nothing was alive under a grant at $4: its last access token
// has ended and so has its refresh token or unused code, or it was revoked, by itself or
// with its client or account. Once true of a grant it stays true.
const endedCondition = `created_at <= $4 AND (revoked_at <= $4 OR ends_at <= $4
	OR (COALESCE(tokens_until, ends_at) <= $4
		AND (expires_at <= $4 OR (code_spent_at IS NULL AND code_expires_at <= $4)))
	OR NOT EXISTS (SELECT 1 FROM accounts a WHERE a.subject = grants.subject AND a.not_before <= grants.created_at)
	OR NOT EXISTS (SELECT 1 FROM clients c WHERE c.id = grants.client_id AND c.not_before <= grants.created_at))`

// lastID is not before any other.
var lastID = grant.ID(slices.Repeat([]byte{0xff}, 16)) //nolint:gochecknoglobals // constant

// grantsPurge is the position of the purge in the open partitions.
type grantsPurge struct {
	sync.Mutex

	at grant.Locator
}

// purgeGrants removes grants that are over one by one, in the buckets that the engine
// names. Those that are closed it goes through to the end; through the others it walks
// a part of the way each time, and begins anew when it has been everywhere.
func (s *purger) purgeGrants(ctx context.Context, now time.Time, purged *Purged) error {
	if !s.grants.TryLock() {
		return nil // somebody is at it
	}
	defer s.grants.Unlock()
	buckets, err := s.db.Engine.PurgedPartitions(ctx, now)
	if err != nil {
		return fmt.Errorf("list buckets: %w", err)
	}
	before := now.Add(-s.requestLifetime - expiryMargin)
	closed := s.closedAt(now)
	left := maxSteps
	for _, b := range buckets {
		at := grant.Locator{Partition: b}
		switch {
		case closed(b):
		case b == s.grants.at.Partition:
			at.ID = s.grants.at.ID
		case b < s.grants.at.Partition:
			continue
		}
		for end := false; !end && (left > 0 || closed(b)); {
			at.ID, end, err = s.purgeStep(ctx, at, before, purged)
			if err != nil {
				return fmt.Errorf("purge grants: %w", err)
			}
			if !closed(b) {
				s.grants.at = at
				left--
			}
		}
	}
	if left > 0 {
		s.grants.at = grant.Locator{}
	}
	purged.Unfinished = left <= 0
	return nil
}

// purgeStep removes what is over among the next grants of a bucket. It returns where
// the next step begins, and whether there is one. The reader looks first, so that the
// writer, of whom SQLite has one, is needed only where there is something to remove.
func (s *purger) purgeStep(ctx context.Context, from grant.Locator, before time.Time, purged *Purged) (next grant.ID, end bool, err error) {
	const look = `
		SELECT id, CASE WHEN ` + endedCondition + ` THEN 1 ELSE 0 END FROM grants
		WHERE bucket = $1 AND id > $2 AND id <= $3 ORDER BY id` + limit
	const remove = `
		DELETE FROM grants WHERE bucket = $1 AND id > $2 AND id <= $3 AND ` + endedCondition

	var seen, dead int64
	err = s.db.LongRead.Query(ctx, func(r db.Scanner) error {
		var isOver int64
		err := r.Scan(intoID(&next), &isOver)
		seen++
		dead += isOver
		return err
	}, s.db.Engine.InPartition(from.Partition, look), int64(from.Partition), from.ID[:], lastID[:], before.UnixMicro())
	if err != nil || dead == 0 {
		return next, seen < batchSize, err
	}
	removed, err := s.db.LongWrite.Exec(ctx, s.db.Engine.InPartition(from.Partition, remove),
		int64(from.Partition), from.ID[:], next[:], before.UnixMicro())
	purged.Grants += removed
	if err != nil {
		return next, false, err
	}
	return next, seen < batchSize, db.Sleep(ctx, batchPause)
}
