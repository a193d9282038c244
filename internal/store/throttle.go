package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/store/db"
)

// Throttle counts attempts at secrets, for all replicas together.
type Throttle struct{ db *db.DB }

// maxAttemptCounters bounds the counters of [Throttle.CountAttempt], since any client can add
// one. Those whose window ends first are deleted.
const maxAttemptCounters = 100_000

// CountAttempt counts an attempt under a key and returns the number of attempts and the
// start of the window. A new window begins after the end of the last one.
func (s *Throttle) CountAttempt(
	ctx context.Context, key string, window time.Duration, now time.Time,
) (count int, since time.Time, err error) {
	return countAttempts(ctx, s.db.Write, key, 1, window, now)
}

// countAttempts adds to the number of attempts under a key; see [Throttle.CountAttempt].
func countAttempts(ctx context.Context, on db.Conn, key string, add int, window time.Duration, now time.Time) (count int, since time.Time, err error) {
	const guess = `
		INSERT INTO guesses (digest, count, since, until) VALUES ($1, $4, $2, $3)
		ON CONFLICT (digest) DO UPDATE SET
			count = CASE WHEN guesses.until <= excluded.since THEN excluded.count ELSE guesses.count + excluded.count END,
			since = CASE WHEN guesses.until <= excluded.since THEN excluded.since ELSE guesses.since END,
			until = CASE WHEN guesses.until <= excluded.since THEN excluded.until ELSE guesses.until END
		RETURNING count, since`

	err = on.QueryRow(ctx, guess, digest(key), now.UnixMicro(), now.Add(window).UnixMicro(), add).Scan(&count, intoTime(&since))
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("count guess: %w", err)
	}
	return count, since, nil
}

// AttemptCount returns the result of [Throttle.CountAttempt] without counting an
// attempt, 0 after the end of the window.
func (s *Throttle) AttemptCount(ctx context.Context, key string, now time.Time) (count int, since time.Time, err error) {
	const read = `SELECT count, since FROM guesses WHERE digest = $1 AND until > $2`

	err = s.db.Read.QueryRow(ctx, read, digest(key), now.UnixMicro()).Scan(&count, intoTime(&since))
	if errors.Is(err, sql.ErrNoRows) {
		return 0, time.Time{}, nil
	}
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("read guesses: %w", err)
	}
	return count, since, nil
}

// ResetAttempts ends the window of a key.
func (s *Throttle) ResetAttempts(ctx context.Context, key string) error {
	const forget = `DELETE FROM guesses WHERE digest = $1`

	if _, err := s.db.Write.Exec(ctx, forget, digest(key)); err != nil {
		return fmt.Errorf("forget guesses: %w", err)
	}
	return nil
}

// purgeAttemptCounters deletes the counters whose window ends first, above their maximum number. It
// reads the index of their ends, up to that number.
func (s *purger) purgeAttemptCounters(ctx context.Context, purged *Purged) error {
	const oldest = `
		DELETE FROM guesses WHERE digest IN (SELECT digest FROM guesses ORDER BY until DESC` + limit + ` OFFSET $1)`

	removed, err := inBatches(ctx, s.db.LongWrite, oldest, s.maxAttemptCounters)
	purged.Rows += removed
	if err != nil {
		return fmt.Errorf("purge attempts: %w", err)
	}
	return nil
}
