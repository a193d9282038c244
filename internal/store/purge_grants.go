package store

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/store/db"
)

// maxSteps bounds the steps of [batchSize] grants that one purge takes in partitions
// that are not closed. Most of those grants are alive.
const maxSteps = 50

// endedCondition requires that a grant had no live token or code at $4: its last access
// token and its refresh token or unused code have expired, or it was revoked, alone or
// with its client or account. It never becomes false again.
const endedCondition = `created_at <= $4 AND (revoked_at <= $4 OR ends_at <= $4
	OR (COALESCE(tokens_until, ends_at) <= $4
		AND (expires_at <= $4 OR (code_spent_at IS NULL AND code_expires_at <= $4)))
	OR NOT EXISTS (SELECT 1 FROM accounts a WHERE a.subject = grants.subject AND a.not_before <= grants.created_at)
	OR (client_id <> '` + client.ConsoleID + `'
		AND NOT EXISTS (SELECT 1 FROM clients c WHERE c.id = grants.client_id AND c.not_before <= grants.created_at)))`

// lastID sorts after or equal to every ID.
var lastID = grant.ID(slices.Repeat([]byte{0xff}, 16)) //nolint:gochecknoglobals // constant

// grantsPurge is the position of the purge in the open partitions.
type grantsPurge struct {
	sync.Mutex

	at grant.Locator
}

// purgeGrants deletes ended grants one by one, in the partitions that the engine lists.
// It goes through closed partitions to the end. In the others it takes a limited number
// of steps for each purge, and starts again after the last partition.
func (s *purger) purgeGrants(ctx context.Context, now time.Time, purged *Purged) error {
	if !s.grants.TryLock() {
		return nil // another purge is running
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

// purgeStep deletes the ended grants among the next ones of a partition. It returns the
// start of the next step, and whether the partition ends here. It reads first, so that
// the single writer of SQLite is needed only if there is a grant to delete.
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
