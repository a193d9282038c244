package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ostiary/ostiary/internal/onetime"
	"github.com/ostiary/ostiary/internal/store/db"
)

// Replay stores one-time values that have been used.
type Replay struct{ db *db.DB }

// ClaimOnce reports whether the caller is the first to use a key of an owner and kind,
// the jti of a client assertion for example. The key may be used again after until.
func (s *Replay) ClaimOnce(ctx context.Context, kind, owner, key string, until, now time.Time) (bool, error) {
	const claim = `
		INSERT INTO replay (digest, until) VALUES ($1, $2)
		ON CONFLICT (digest) DO UPDATE SET until = excluded.until WHERE replay.until <= $3`

	claimed, err := s.db.Write.Exec(ctx, claim, digest(kind, owner, key), until.UnixMicro(), now.UnixMicro())
	if err != nil {
		return false, fmt.Errorf("claim once: %w", err)
	}
	return claimed == 1, nil
}

// ClaimAll claims values, all of them or none. It returns the error Used of a value that was used before.
func (s *Replay) ClaimAll(ctx context.Context, now time.Time, values ...onetime.Value) error {
	switch len(values) {
	case 0:
		return nil
	case 1:
		return values[0].Claim(ctx, s, now)
	}
	return s.claimWith(ctx, now, values)
}

// claimWith claims values and runs statements, in one transaction and round trip.
func (s *Replay) claimWith(ctx context.Context, now time.Time, values []onetime.Value, statements ...db.Statement) error {
	// until must not be NULL: the statement fails if the value was used before.
	const claim = `
		INSERT INTO replay (digest, until) VALUES ($1, $2)
		ON CONFLICT (digest) DO UPDATE SET until = CASE WHEN replay.until <= $3 THEN excluded.until END`

	claims := make([]db.Statement, len(values))
	for i, v := range values {
		claims[i] = db.Statement{Text: claim, Args: []any{digest(v.Kind, v.Owner, v.Key), v.Until.UnixMicro(), now.UnixMicro()}}
	}
	// Transactions that claim the same values lock them in the same order.
	slices.SortFunc(claims, func(a, b db.Statement) int { return bytes.Compare(a.Args[0].([]byte), b.Args[0].([]byte)) })
	err := s.db.Batch(ctx, append(claims, statements...)...)
	switch {
	case err == nil:
		return nil
	case s.db.Engine.IsNullViolation(err):
		return s.used(ctx, now, values)
	default:
		return fmt.Errorf("claim all: %w", err)
	}
}

// used returns the error of the first of values that was used before.
func (s *Replay) used(ctx context.Context, now time.Time, values []onetime.Value) error {
	const find = `SELECT 1 FROM replay WHERE digest = $1 AND until > $2`

	for _, v := range values {
		var one int
		err := s.db.Write.QueryRow(ctx, find, digest(v.Kind, v.Owner, v.Key), now.UnixMicro()).Scan(&one)
		switch {
		case err == nil:
			return v.Used
		case !errors.Is(err, sql.ErrNoRows):
			return fmt.Errorf("find used value: %w", err)
		}
	}
	return values[0].Used // its time is over since
}

// digest returns a hash of parts, which may be long or personal data.
func digest(parts ...string) []byte {
	h := sha256.New()
	for _, part := range parts {
		_ = binary.Write(h, binary.BigEndian, uint64(len(part))) // a hash never returns an error
		h.Write([]byte(part))
	}
	return h.Sum(nil)
}
