package store

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// unansweredPurge is the time until which expired requests without a decision have been
// purged.
type unansweredPurge struct {
	sync.Mutex

	until time.Time
}

// purgeUnanswered removes the authorization and logout requests that have expired since
// the last purge without a decision. Any client of the network can create them, and no
// token or session can result from them any more, so that they do not stay for
// [expiryMargin] as others do.
func (s *purger) purgeUnanswered(ctx context.Context, now time.Time, purged *Purged) error {
	s.unanswered.Lock()
	from := s.unanswered.until
	s.unanswered.Unlock()
	if oldest := now.Add(-expiryMargin); from.Before(oldest) {
		from = oldest // older requests are purged with or without a decision
	}
	for _, remove := range []string{
		`DELETE FROM requests WHERE id IN (SELECT id FROM requests
			WHERE expires_at > $1 AND expires_at <= $2 AND session_id = '' AND decision = '' AND login = '' AND consent = ''
			ORDER BY expires_at` + limit + `)`,
		`DELETE FROM sign_outs WHERE id IN (SELECT id FROM sign_outs
			WHERE expires_at > $1 AND expires_at <= $2 AND decision = '' ORDER BY expires_at` + limit + `)`,
	} {
		removed, err := inBatches(ctx, s.db.LongWrite, remove, from.UnixMicro(), now.UnixMicro())
		purged.Rows += removed
		if err != nil {
			return fmt.Errorf("purge unanswered requests: %w", err)
		}
	}
	s.unanswered.Lock()
	defer s.unanswered.Unlock()
	if s.unanswered.until.Before(now) {
		s.unanswered.until = now
	}
	return nil
}
