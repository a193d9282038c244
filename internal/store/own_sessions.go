package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store/db"
)

// RecentSessions returns up to limit live sessions of a subject, the last used first, after
// the session after unless that is nil.
func (s *Sessions) RecentSessions(ctx context.Context, subject string, after *session.Session, limit int, now time.Time) (list []*session.Session, err error) {
	const read = `
		SELECT ` + qualifiedSessionColumns + ` FROM ` + liveSessions + `
		WHERE s.subject = $1 AND s.idle_until > $2 AND (s.seen_at < $3 OR s.seen_at = $3 AND s.id > $4)
		ORDER BY s.seen_at DESC, s.id LIMIT $5`

	seen, id := int64(1<<62), ""
	if after != nil {
		seen, id = stamp(after.SeenAt), after.ID
	}
	err = s.db.Read.Query(ctx, func(from db.Scanner) error {
		n := &session.Session{}
		list = append(list, n)
		return from.Scan(sessionInto(n)...)
	}, read, subject, now.UnixMicro(), seen, id, limit)
	if err != nil {
		return nil, fmt.Errorf("list recent sessions: %w", err)
	}
	return list, nil
}

// CountSessions returns the number of live sessions of a subject.
func (s *Sessions) CountSessions(ctx context.Context, subject string, now time.Time) (count int, err error) {
	const read = `SELECT count(*) FROM ` + liveSessions + ` WHERE s.subject = $1 AND s.idle_until > $2`

	if err := s.db.Read.QueryRow(ctx, read, subject, now.UnixMicro()).Scan(&count); err != nil {
		return 0, fmt.Errorf("count sessions: %w", err)
	}
	return count, nil
}

// EndSessionOf ends a session of a subject as [Sessions.EndSession] does. It returns
// [session.ErrNotFound] if the subject has no such session.
func (s *Sessions) EndSessionOf(ctx context.Context, subject, id string, now time.Time) error {
	var gone endedSessions
	err := s.db.Tx(ctx, func(c db.Conn) error {
		var found string
		err := c.QueryRow(ctx, `SELECT id FROM sessions WHERE id = $1 AND subject = $2`, id, subject).Scan(&found)
		if errors.Is(err, sql.ErrNoRows) {
			return session.ErrNotFound
		}
		if err != nil {
			return fmt.Errorf("find session: %w", err)
		}
		_, gone, err = s.endSession(ctx, c, id, now)
		return err
	})
	if err != nil {
		return err
	}
	return s.revokeGrantsIn(ctx, s.db.LongWrite, gone, now)
}

// EndOtherSessions ends all sessions of a subject but the session keep as
// [Sessions.EndSession] does, and returns their number.
func (s *Sessions) EndOtherSessions(ctx context.Context, subject, keep string, now time.Time) (count int, err error) {
	var gone endedSessions
	err = s.db.Tx(ctx, func(c db.Conn) error {
		if gone, err = removeOtherSessions(ctx, c, subject, keep, now); err != nil {
			return err
		}
		return s.revokeGrantsIn(ctx, c, gone, now)
	})
	if err != nil {
		return 0, err
	}
	return len(gone.ids), s.revokeGrantsIn(ctx, s.db.LongWrite, gone, now)
}
