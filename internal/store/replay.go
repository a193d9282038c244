package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/store/db"
)

// Replay stores values that may be used once.
type Replay struct{ db *db.DB }

// ClaimOnce reports whether the caller is the first to claim an owner's key of a
// kind: the jti of a client's assertion, for instance. It may be claimed again
// after until.
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

// digest stands for parts that may be long, or say something about a person.
func digest(parts ...string) []byte {
	h := sha256.New()
	for _, part := range parts {
		_ = binary.Write(h, binary.BigEndian, uint64(len(part))) // a hash takes everything
		h.Write([]byte(part))
	}
	return h.Sum(nil)
}
