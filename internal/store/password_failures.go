package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/store/db"
)

// maxPasswordFailures bounds the failure counters of [Throttle.AddFailure], since any client
// can add one. The oldest are deleted.
const maxPasswordFailures = 100_000

// FailuresInRow returns the number of failures under a key since the last success.
func (s *Throttle) FailuresInRow(ctx context.Context, key string) (count int, err error) {
	const read = `SELECT count FROM password_failures WHERE digest = $1`

	err = s.db.Read.QueryRow(ctx, read, digest(key)).Scan(&count)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read failures: %w", err)
	}
	return count, nil
}

// AddFailure counts a failure under a key. A counter below [account.RestAfter] is deleted when
// it has not changed for [account.FailureMemory].
func (s *Throttle) AddFailure(ctx context.Context, key string, now time.Time) error {
	const add = `
		INSERT INTO password_failures (digest, count, noted_at) VALUES ($1, 1, $2)
		ON CONFLICT (digest) DO UPDATE SET count = password_failures.count + 1, noted_at = excluded.noted_at`

	if _, err := s.db.Write.Exec(ctx, add, digest(key), now.UnixMicro()); err != nil {
		return fmt.Errorf("count failure: %w", err)
	}
	return nil
}

// ResetFailures deletes the failure counter of a key.
func (s *Throttle) ResetFailures(ctx context.Context, key string) error {
	return resetFailures(ctx, s.db.Write, key)
}

func resetFailures(ctx context.Context, on db.Conn, key string) error {
	const forget = `DELETE FROM password_failures WHERE digest = $1`

	if _, err := on.Exec(ctx, forget, digest(key)); err != nil {
		return fmt.Errorf("reset failures: %w", err)
	}
	return nil
}

// purgePasswordFailures deletes the counters that have not reached [account.RestAfter] in
// [account.FailureMemory], and the oldest above their maximum number.
func (s *purger) purgePasswordFailures(ctx context.Context, now time.Time, purged *Purged) error {
	const old = `
		DELETE FROM password_failures WHERE digest IN (
			SELECT digest FROM password_failures WHERE noted_at <= $1 AND count < $2 ORDER BY noted_at` + limit + `)`
	const oldest = `
		DELETE FROM password_failures WHERE digest IN (
			SELECT digest FROM password_failures ORDER BY noted_at DESC` + limit + ` OFFSET $1)`

	removed, err := inBatches(ctx, s.db.LongWrite, old, now.Add(-account.FailureMemory-expiryMargin).UnixMicro(), account.RestAfter)
	purged.Rows += removed
	if err != nil {
		return fmt.Errorf("purge failures: %w", err)
	}
	removed, err = inBatches(ctx, s.db.LongWrite, oldest, s.maxPasswordFailures)
	purged.Rows += removed
	if err != nil {
		return fmt.Errorf("purge failures: %w", err)
	}
	return nil
}
