package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

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

// digest returns a hash of parts, which may be long or personal data.
func digest(parts ...string) []byte {
	h := sha256.New()
	for _, part := range parts {
		_ = binary.Write(h, binary.BigEndian, uint64(len(part))) // a hash never returns an error
		h.Write([]byte(part))
	}
	return h.Sum(nil)
}
