package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/store/db"
)

const (
	// batchSize bounds the rows that one statement deletes, and so the time for which
	// it blocks other writes.
	batchSize = 200
	// limit is batchSize in a statement. For a placeholder the planner would assume a
	// tenth of the table, and read all of it.
	limit = ` LIMIT 200`
	// batchPause follows a statement that deleted a full batch, so that other writes
	// proceed even while a purge works through a backlog.
	batchPause = 20 * time.Millisecond
	// expiryMargin is the time for which an expired row stays: the clocks of other
	// replicas may be behind, and a code is valid for longer than a session that has
	// timed out.
	expiryMargin = time.Hour

	// keyRetentionMicros is the time in microseconds for which expired API keys and
	// trusted issuers stay listed: 30 days.
	keyRetentionMicros = `2592000000000`
	// useRetentionMicros is the time for which last uses of clients are kept: 400 days.
	useRetentionMicros = `34560000000000`

	purgeInterval = time.Minute
)

// Purged counts the records that a purge has removed.
type Purged struct {
	Partitions int   // of grants, on PostgreSQL
	Grants     int64 // one by one
	Rows       int64 // of the other tables
	Unfinished bool  // the next purge continues where this one stopped
}

// purger removes expired records.
type purger struct {
	db              *db.DB
	accounts        *Accounts
	grantLifetime   time.Duration
	requestLifetime time.Duration
	auditRetention  time.Duration
	// maxAnonymousMails is the number of messages that requests without a user may cause, and
	// maxSignUps that of their sign-ups.
	maxAnonymousMails, maxSignUps int
	maxFailures                   int // of events of failed sign-ins
	maxPasswordFailures           int // of counters of failures in a row
	maxAttemptCounters            int
	inactivity                    *inactivity
	grants                        grantsPurge
	unanswered                    unansweredPurge
	now                           func() time.Time
	log                           *slog.Logger
}

// purge implements [Store.Purge].
func (s *purger) purge(ctx context.Context, now time.Time) (Purged, error) {
	var purged Purged
	hour, week := grant.PartitionAt(now, false), grant.PartitionAt(now, true)
	return purged, errors.Join(
		s.db.Engine.CreatePartitions(ctx, hour, hour.Next(), week, week.Next()),
		s.purgeSessions(ctx, now.Add(-expiryMargin), &purged),
		s.purgeRows(ctx, now.Add(-expiryMargin), &purged),
		s.purgeAnonymousMails(ctx, &purged),
		s.purgeFailures(ctx, &purged),
		s.purgeSignUps(ctx, now, &purged),
		s.purgePasswordFailures(ctx, now, &purged),
		s.purgeAttemptCounters(ctx, &purged),
		s.deleteRequested(ctx, now, &purged),
		s.purgeUnanswered(ctx, now, &purged),
		s.purgeEvents(ctx, now, &purged),
		s.inactivity.apply(ctx, s.db, now),
		s.purgeRefusals(ctx, now, &purged),
		s.dropPartitions(ctx, now, &purged),
		s.purgeGrants(ctx, now, &purged),
	)
}

func (s *purger) dropPartitions(ctx context.Context, now time.Time, purged *Purged) error {
	dropped, err := s.db.Engine.DropPartitions(ctx, now, s.closedAt(now))
	purged.Partitions += dropped
	return err
}

// closedAt returns a function that reports whether a partition receives no further
// grant, and the requests of its grants have expired. Most grants of an hourly
// partition end soon, so it is checked early; a partition is dropped only if no grant
// in it is alive.
func (s *purger) closedAt(now time.Time) func(grant.Partition) bool {
	return func(p grant.Partition) bool {
		longest := s.grantLifetime
		if !p.Weekly() {
			longest = min(longest, s.requestLifetime+expiryMargin)
		}
		return !now.Before(p.End().Add(longest))
	}
}

// purgeSessions removes timed-out sessions and their consents. It sends no logout
// notice for a timeout.
func (s *purger) purgeSessions(ctx context.Context, before time.Time, purged *Purged) error {
	const (
		ended    = `(SELECT id FROM sessions WHERE idle_until <= $1 ORDER BY idle_until, id` + limit + `)`
		consents = `DELETE FROM consents WHERE session_id <> '' AND session_id IN ` + ended
		sessions = `DELETE FROM sessions WHERE id IN ` + ended
	)
	for removed := int64(batchSize); removed == batchSize; {
		err := s.db.Tx(ctx, func(c db.Conn) (err error) {
			if _, err = c.Exec(ctx, consents, before.UnixMicro()); err != nil {
				return err
			}
			removed, err = c.Exec(ctx, sessions, before.UnixMicro())
			return err
		})
		if err != nil {
			return fmt.Errorf("purge sessions: %w", err)
		}
		purged.Rows += removed
		if err := pauseAfterBatch(ctx, removed); err != nil {
			return err
		}
	}
	return nil
}

func (s *purger) purgeRows(ctx context.Context, before time.Time, purged *Purged) error {
	for _, remove := range []string{
		`DELETE FROM setup_links WHERE hash IN (SELECT hash FROM setup_links WHERE expires_at <= $1` + limit + `)`,
		`DELETE FROM consents WHERE (subject, client_id, session_id) IN
			(SELECT subject, client_id, session_id FROM consents WHERE expires_at <= $1 ORDER BY expires_at` + limit + `)`,
		`DELETE FROM participants WHERE (session_id, client_id) IN
			(SELECT session_id, client_id FROM participants WHERE living IS NULL AND joined_at <= $1` + limit + `)`,
		`DELETE FROM requests WHERE id IN (SELECT id FROM requests WHERE expires_at <= $1 ORDER BY expires_at` + limit + `)`,
		`DELETE FROM pushed_requests WHERE id IN (SELECT id FROM pushed_requests WHERE expires_at <= $1 ORDER BY expires_at` + limit + `)`,
		`DELETE FROM backchannel_requests WHERE grant_id IN
			(SELECT grant_id FROM backchannel_requests WHERE expires_at <= $1 ORDER BY expires_at` + limit + `)`,
		`DELETE FROM devices WHERE grant_id IN (SELECT grant_id FROM devices WHERE expires_at <= $1 ORDER BY expires_at` + limit + `)`,
		`DELETE FROM sign_outs WHERE id IN (SELECT id FROM sign_outs WHERE expires_at <= $1 ORDER BY expires_at` + limit + `)`,
		`DELETE FROM revoked_tokens WHERE jti IN (SELECT jti FROM revoked_tokens WHERE until <= $1 ORDER BY until` + limit + `)`,
		`DELETE FROM replay WHERE digest IN (SELECT digest FROM replay WHERE until <= $1 ORDER BY until` + limit + `)`,
		`DELETE FROM notices WHERE id IN (SELECT id FROM notices WHERE purge_after <= $1 ORDER BY purge_after` + limit + `)`,
		`DELETE FROM one_time_links WHERE hash IN (SELECT hash FROM one_time_links WHERE expires_at <= $1 ORDER BY expires_at` + limit + `)`,
		`DELETE FROM statistics WHERE (width, began_at, counter) IN
			(SELECT width, began_at, counter FROM statistics WHERE purge_after <= $1 ORDER BY purge_after` + limit + `)`,
		`DELETE FROM mails WHERE id IN (SELECT id FROM mails WHERE purge_after <= $1 ORDER BY purge_after` + limit + `)`,
		`DELETE FROM known_sources WHERE digest IN (SELECT digest FROM known_sources WHERE expires_at <= $1 ORDER BY expires_at` + limit + `)`,
		`DELETE FROM trusted_devices WHERE digest IN
			(SELECT digest FROM trusted_devices WHERE expires_at <= $1 ORDER BY expires_at` + limit + `)`,
		`DELETE FROM pending_authenticators WHERE binding IN
			(SELECT binding FROM pending_authenticators WHERE expires_at <= $1 ORDER BY expires_at` + limit + `)`,
		`DELETE FROM data_files WHERE subject IN (SELECT subject FROM data_files WHERE expires_at <= $1 ORDER BY expires_at` + limit + `)`,
		`DELETE FROM activity WHERE (subject, id) IN (SELECT subject, id FROM activity WHERE expires_at <= $1 ORDER BY expires_at` + limit + `)`,
		`DELETE FROM guesses WHERE digest IN (SELECT digest FROM guesses WHERE until <= $1 ORDER BY until` + limit + `)`,
		`DELETE FROM api_keys WHERE id IN (SELECT id FROM api_keys WHERE expires_at <= $1 - ` + keyRetentionMicros + limit + `)`,
		`DELETE FROM trusted_issuers WHERE id IN
			(SELECT id FROM trusted_issuers WHERE expires_at <= $1 - ` + keyRetentionMicros + ` ORDER BY expires_at` + limit + `)`,
		`DELETE FROM client_uses WHERE (client_id, secret) IN
			(SELECT client_id, secret FROM client_uses WHERE used_at <= $1 - ` + useRetentionMicros + ` ORDER BY used_at` + limit + `)`,
	} {
		removed, err := inBatches(ctx, s.db.LongWrite, remove, before.UnixMicro())
		purged.Rows += removed
		if err != nil {
			return fmt.Errorf("purge rows: %w", err)
		}
	}
	return nil
}

// inBatches runs a statement with the limit until it deletes less than a full batch.
func inBatches(ctx context.Context, on db.Conn, remove string, args ...any) (total int64, err error) {
	for {
		removed, err := on.Exec(ctx, remove, args...)
		total += removed
		if err != nil || removed < batchSize {
			return total, err
		}
		if err := pauseAfterBatch(ctx, removed); err != nil {
			return total, err
		}
	}
}

// pauseAfterBatch pauses if a full batch was deleted.
func pauseAfterBatch(ctx context.Context, removed int64) error {
	if removed < batchSize {
		return nil
	}
	return db.Sleep(ctx, batchPause)
}

// run implements [Store.RunPurge].
func (s *purger) run(ctx context.Context) {
	for {
		purged, err := s.purge(ctx, s.now())
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			s.log.LogAttrs(ctx, slog.LevelWarn, "purge interrupted", slog.Any("error", err))
		case purged != Purged{}:
			s.log.LogAttrs(ctx, slog.LevelDebug, "purged", slog.Int("partitions", purged.Partitions),
				slog.Int64("grants", purged.Grants), slog.Int64("rows", purged.Rows))
		}
		// The random part keeps replicas that started together from purging together.
		if db.Sleep(ctx, purgeInterval/2+rand.N(purgeInterval)) != nil { //nolint:gosec // not a credential
			return
		}
	}
}

// purgeEvents removes audit events after their retention.
func (s *purger) purgeEvents(ctx context.Context, now time.Time, purged *Purged) error {
	const remove = `DELETE FROM audit_events WHERE id IN (SELECT id FROM audit_events WHERE id < $1 ORDER BY id` + limit + `)`

	removed, err := inBatches(ctx, s.db.LongWrite, remove, audit.FirstID(now.Add(-s.auditRetention)))
	purged.Rows += removed
	if err != nil {
		return fmt.Errorf("purge audit events: %w", err)
	}
	return nil
}

// purgeRefusals removes records of rejected requests after their retention.
func (s *purger) purgeRefusals(ctx context.Context, now time.Time, purged *Purged) error {
	const remove = `DELETE FROM refusals WHERE id IN (SELECT id FROM refusals WHERE id < $1 ORDER BY id` + limit + `)`

	removed, err := inBatches(ctx, s.db.LongWrite, remove, refusal.FirstID(now.Add(-refusalRetention)))
	purged.Rows += removed
	if err != nil {
		return fmt.Errorf("purge refusals: %w", err)
	}
	return nil
}
