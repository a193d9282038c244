package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/outbox"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store/db"
)

// JoinSession adds a client to the participants of a session, so that it gets a logout
// notice. forcedSubject is the client's name for the user, empty for the usual one. It
// returns [session.ErrNotFound] if the session has ended: the foreign key orders the
// insert before the end of the session or rejects it.
func (s *Sessions) JoinSession(ctx context.Context, sessionID, clientID, forcedSubject string, now time.Time) error {
	const join = `
		INSERT INTO participants (session_id, client_id, joined_at, living, known_as) VALUES ($1, $2, $3, $1, $4)
		ON CONFLICT DO NOTHING`

	_, err := s.db.Write.Exec(ctx, join, sessionID, clientID, now.UnixMicro(), forcedSubject)
	if s.db.Engine.IsForeignKeyViolation(err) {
		return session.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("join session: %w", err)
	}
	return nil
}

// removeSession deletes a session with its consents, and inserts logout notices. It
// returns the participants, none if the session does not exist.
func removeSession(ctx context.Context, on db.Conn, id string, now time.Time) (participants []string, gone endedSessions, err error) {
	gone.ids = []string{id}
	// The session is deleted first: a concurrent JoinSession waits and then fails.
	var subject string
	err = on.QueryRow(ctx, `DELETE FROM sessions WHERE id = $1 RETURNING subject, created_at`, id).
		Scan(&subject, intoTime(&gone.since))
	missing := errors.Is(err, sql.ErrNoRows)
	if err != nil && !missing {
		return nil, gone, fmt.Errorf("end session: %w", err)
	}
	if _, err := on.Exec(ctx, `DELETE FROM consents WHERE session_id = $1 AND session_id <> ''`, id); err != nil {
		return nil, gone, fmt.Errorf("end consents of session: %w", err)
	}
	if missing {
		return nil, gone, nil
	}
	participants, err = removeParticipants(ctx, on, subject, gone.ids, now)
	return participants, gone, err
}

// removeSessions deletes all sessions of a subject as removeSession does. The number of
// its statements does not grow with the number of sessions.
func removeSessions(ctx context.Context, on db.Conn, subject string, now time.Time) (gone endedSessions, err error) {
	return removeOtherSessions(ctx, on, subject, "", now)
}

// removeOtherSessions is removeSessions for all but one session; keep may be empty.
func removeOtherSessions(ctx context.Context, on db.Conn, subject, keep string, now time.Time) (gone endedSessions, err error) {
	err = on.Query(ctx, func(from db.Scanner) error {
		var id string
		var since time.Time
		err := from.Scan(&id, intoTime(&since))
		if len(gone.ids) == 0 || since.Before(gone.since) {
			gone.since = since
		}
		gone.ids = append(gone.ids, id)
		return err
	}, `DELETE FROM sessions WHERE subject = $1 AND id <> $2 RETURNING id, created_at`, subject, keep)
	if err != nil {
		return gone, fmt.Errorf("end sessions: %w", err)
	}
	if _, err := on.Exec(ctx, `DELETE FROM consents WHERE session_id <> '' AND subject = $1 AND session_id <> $2`, subject, keep); err != nil {
		return gone, fmt.Errorf("end consents of sessions: %w", err)
	}
	_, err = removeParticipants(ctx, on, subject, gone.ids, now)
	return gone, err
}

// removeParticipants deletes the participants of ended sessions of a subject and
// inserts logout notices. It returns the IDs of the participants that are still
// registered and enabled, in order.
func removeParticipants(ctx context.Context, on db.Conn, subject string, sessionIDs []string, now time.Time) ([]string, error) {
	type participation struct{ sessionID, forcedSubject string }
	joined := map[string][]participation{} // of each client
	err := inChunks(sessionIDs, func(places string, args []any) error {
		return on.Query(ctx, func(from db.Scanner) error {
			var p participation
			var clientID string
			err := from.Scan(&p.sessionID, &clientID, &p.forcedSubject)
			joined[clientID] = append(joined[clientID], p)
			return err
		}, `DELETE FROM participants WHERE session_id IN (`+places+`) RETURNING session_id, client_id, known_as`, args...)
	})
	if err != nil {
		return nil, fmt.Errorf("end participation: %w", err)
	}
	var told []string
	var list []*outbox.Notice
	err = inChunks(slices.Sorted(maps.Keys(joined)), func(places string, args []any) error {
		return on.Query(ctx, func(from db.Scanner) error {
			c := &client.Client{}
			if err := from.Scan(&c.ID, intoDocument(&c.Metadata)); err != nil {
				return err
			}
			told = append(told, c.ID)
			if c.BackchannelLogoutURI == "" {
				return nil
			}
			for _, p := range joined[c.ID] {
				n := outbox.New(outbox.BackchannelLogout, c.ID, subject, p.sessionID, now)
				n.ForcedSubject = p.forcedSubject
				list = append(list, n)
			}
			return nil
		}, `SELECT id, metadata FROM clients WHERE disabled = 0 AND id IN (`+places+`) ORDER BY id`, args...)
	})
	if err != nil {
		return nil, fmt.Errorf("read participants: %w", err)
	}
	return told, insertNotices(ctx, on, list)
}
