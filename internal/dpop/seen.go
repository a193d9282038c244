package dpop

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"
)

// maxSeen bounds each of the two sets of [Seen]: about 10 MiB together.
const maxSeen = 1 << 17

// Seen holds the proofs that this process has accepted, for resources: it implements [Replay]
// without the database. It is bounded: of more than maxSeen proofs within their lifetime the oldest
// are forgotten.
//
// Spec: RFC 9449 §11.1.
type Seen struct {
	mu               sync.Mutex
	current, earlier map[[sha256.Size]byte]struct{}
	rotateAt         time.Time // when current becomes earlier
}

// ClaimOnce reports whether this is the first call with the key of an owner and kind.
func (s *Seen) ClaimOnce(_ context.Context, kind, owner, key string, _, now time.Time) (bool, error) {
	digest := sha256.Sum256([]byte(kind + "\x00" + owner + "\x00" + key))
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, seen := s.current[digest]; seen {
		return false, nil
	}
	if _, seen := s.earlier[digest]; seen {
		return false, nil
	}
	if s.current == nil || len(s.current) >= maxSeen || now.After(s.rotateAt) {
		s.earlier, s.current, s.rotateAt = s.current, map[[sha256.Size]byte]struct{}{}, now.Add(longestUse)
	}
	s.current[digest] = struct{}{}
	return true, nil
}
