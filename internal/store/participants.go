package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/notice"
	"github.com/ostiary/ostiary/internal/session"
)

// JoinSession notes that a client gets an answer in a session, so that it hears of
// the session's end. It returns [session.ErrNotFound] if the session has ended: the
// database lets either the client in before that, or its end come first.
func (s *Store) JoinSession(ctx context.Context, sessionID, clientID string, now time.Time) error {
	const join = `INSERT INTO participants (session_id, client_id, joined_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`

	_, err := s.write.exec(ctx, join, sessionID, clientID, now.UnixMicro())
	if s.engine.lacksReferenced(err) {
		return session.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("join session: %w", err)
	}
	return nil
}

// removeSession removes a session with all that was kept for it alone, and writes
// the notices of its end. It returns the clients that took part, nobody if the
// session is not there.
func removeSession(ctx context.Context, on conn, id string, now time.Time) ([]string, error) {
	// The session goes first: whoever joins it now waits, and finds it gone.
	var subject string
	err := on.one(ctx, `DELETE FROM sessions WHERE id = $1 RETURNING subject`, id).Scan(&subject)
	gone := errors.Is(err, sql.ErrNoRows)
	if err != nil && !gone {
		return nil, fmt.Errorf("end session: %w", err)
	}
	if _, err := on.exec(ctx, `DELETE FROM consents WHERE session_id = $1`, id); err != nil {
		return nil, fmt.Errorf("end consents of session: %w", err)
	}
	if gone {
		return nil, nil
	}
	participants, err := leave(ctx, on, id)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(participants))
	for i, c := range participants {
		ids[i] = c.ID
		if c.BackchannelLogoutURI == "" {
			continue
		}
		if err := insertNotice(ctx, on, notice.New(notice.BackchannelLogout, c.ID, subject, id, now)); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// leave removes the participants of a session and returns those that are still
// registered and may still be told, by their ids.
func leave(ctx context.Context, on conn, sessionID string) (list []*client.Client, err error) {
	const read = `
		SELECT c.id, c.metadata FROM participants p JOIN clients c ON c.id = p.client_id
		WHERE p.session_id = $1 AND c.disabled = 0 ORDER BY c.id`
	const remove = `DELETE FROM participants WHERE session_id = $1`

	err = on.each(ctx, func(from scanner) error {
		c := &client.Client{}
		list = append(list, c)
		return from.Scan(&c.ID, intoDocument(&c.Metadata))
	}, read, sessionID)
	if err != nil {
		return nil, fmt.Errorf("read participants: %w", err)
	}
	if _, err := on.exec(ctx, remove, sessionID); err != nil {
		return nil, fmt.Errorf("end participation: %w", err)
	}
	return list, nil
}

// removeSessions does so with all sessions of a subject, and returns their ids.
func removeSessions(ctx context.Context, on conn, subject string, now time.Time) (ids []string, err error) {
	const read = `SELECT id FROM sessions WHERE subject = $1 ORDER BY id`

	err = on.each(ctx, func(from scanner) error {
		var id string
		err := from.Scan(&id)
		ids = append(ids, id)
		return err
	}, read, subject)
	if err != nil {
		return nil, fmt.Errorf("find sessions: %w", err)
	}
	for _, id := range ids {
		if _, err := removeSession(ctx, on, id, now); err != nil {
			return nil, err
		}
	}
	return ids, nil
}
