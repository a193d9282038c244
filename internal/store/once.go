package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// DenyToken ends one access token, known by its jti, before its time.
func (s *Store) DenyToken(ctx context.Context, jti string, until time.Time) error {
	const deny = `
		INSERT INTO revoked_tokens (jti, until) VALUES ($1, $2)
		ON CONFLICT (jti) DO UPDATE
		SET until = CASE WHEN excluded.until > revoked_tokens.until THEN excluded.until ELSE revoked_tokens.until END`

	if _, err := s.db.Write.Exec(ctx, deny, jti, until.UnixMicro()); err != nil {
		return fmt.Errorf("deny token: %w", err)
	}
	return nil
}

// ClaimOnce reports whether the caller is the first to claim an owner's key of a
// kind: the jti of a client's assertion, for instance. It may be claimed again
// after until.
func (s *Store) ClaimOnce(ctx context.Context, kind, owner, key string, until, now time.Time) (bool, error) {
	const claim = `
		INSERT INTO replay (digest, until) VALUES ($1, $2)
		ON CONFLICT (digest) DO UPDATE SET until = excluded.until WHERE replay.until <= $3`

	claimed, err := s.db.Write.Exec(ctx, claim, digest(kind, owner, key), until.UnixMicro(), now.UnixMicro())
	if err != nil {
		return false, fmt.Errorf("claim once: %w", err)
	}
	return claimed == 1, nil
}

// CountAttempt counts a guess under a key and returns how many there were since
// when. A new count begins when the window of the last one has passed.
func (s *Store) CountAttempt(
	ctx context.Context, key string, window time.Duration, now time.Time,
) (count int, since time.Time, err error) {
	const guess = `
		INSERT INTO guesses (digest, count, since, until) VALUES ($1, 1, $2, $3)
		ON CONFLICT (digest) DO UPDATE SET
			count = CASE WHEN guesses.until <= excluded.since THEN 1 ELSE guesses.count + 1 END,
			since = CASE WHEN guesses.until <= excluded.since THEN excluded.since ELSE guesses.since END,
			until = CASE WHEN guesses.until <= excluded.since THEN excluded.until ELSE guesses.until END
		RETURNING count, since`

	err = s.db.Write.QueryRow(ctx, guess, digest(key), now.UnixMicro(), now.Add(window).UnixMicro()).Scan(&count, intoTime(&since))
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("count guess: %w", err)
	}
	return count, since, nil
}

// AttemptCount returns what [Store.CountAttempt] counted without raising it, 0 when
// the window has passed.
func (s *Store) AttemptCount(ctx context.Context, key string, now time.Time) (count int, since time.Time, err error) {
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

// ResetAttempts ends the count of a key.
func (s *Store) ResetAttempts(ctx context.Context, key string) error {
	const forget = `DELETE FROM guesses WHERE digest = $1`

	if _, err := s.db.Write.Exec(ctx, forget, digest(key)); err != nil {
		return fmt.Errorf("forget guesses: %w", err)
	}
	return nil
}

// digest stands for parts that may be long, or say something about a person.
func digest(parts ...string) []byte {
	h := sha256.New()
	for _, part := range parts {
		_ = binary.Write(h, binary.BigEndian, uint64(len(part))) // a hash takes everything
		h.Write([]byte(part))
	}
	return h.Sum(nil)
}
