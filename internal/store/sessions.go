package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store/db"
)

// Sessions stores browser sessions and the clients that take part in them.
type Sessions struct {
	db              *db.DB
	requestLifetime time.Duration
}

const sessionColumns = `id, cookie, subject, auth_time, acr, amr, remembered, created_at, seen_at, idle_until, ends_at,
	provider_session`

// InsertSession adds a session. The session that the browser had before for
// another subject, known by its cookie's hash replaces, ends together with its
// grants.
func (s *Sessions) InsertSession(ctx context.Context, n *session.Session, replaces []byte) error {
	if replaces == nil {
		return insertSession(ctx, s.db.Write, n)
	}
	var gone endedSessions
	err := s.db.Tx(ctx, func(c db.Conn) error {
		var replaced string
		err := c.QueryRow(ctx, `SELECT id FROM sessions WHERE cookie = $1`, replaces).Scan(&replaced)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("find replaced session: %w", err)
		}
		if err == nil {
			if _, gone, err = s.endSession(ctx, c, replaced, n.CreatedAt); err != nil {
				return err
			}
		}
		return insertSession(ctx, c, n)
	})
	if err != nil {
		return err
	}
	return s.revokeGrantsIn(ctx, s.db.LongWrite, gone, n.CreatedAt)
}

func insertSession(ctx context.Context, on db.Conn, n *session.Session) error {
	const insert = `
		INSERT INTO sessions (` + sessionColumns + `)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`

	_, err := on.Exec(ctx, insert, n.ID, n.Cookie, n.Subject, stamp(n.AuthTime), n.ACR, words(n.AMR), flag(n.Remembered),
		stamp(n.CreatedAt), stamp(n.SeenAt), min(stamp(n.IdleUntil), stamp(n.EndsAt)), stamp(n.EndsAt), n.IdentityProviderSessionID)
	if err != nil {
		return fmt.Errorf("insert session: %w", err)
	}
	return nil
}

// RenewSession notes that the subject of a living session signed in again. The
// session keeps its ID, which n gets, and takes all else from n; the old cookie
// is good no more. It returns [session.ErrNotFound] if there is no such session.
func (s *Sessions) RenewSession(ctx context.Context, oldCookie []byte, n *session.Session) error {
	const renew = `
		UPDATE sessions SET cookie = $3, auth_time = $4, acr = $5, amr = $6, remembered = $7,
			seen_at = $8, idle_until = $9, ends_at = $10, provider_session = $11
		WHERE cookie = $1 AND subject = $2 AND idle_until > $4
		RETURNING id, created_at`

	err := s.db.Write.QueryRow(ctx, renew, oldCookie, n.Subject, n.Cookie, stamp(n.AuthTime), n.ACR, words(n.AMR), flag(n.Remembered),
		stamp(n.SeenAt), min(stamp(n.IdleUntil), stamp(n.EndsAt)), stamp(n.EndsAt), n.IdentityProviderSessionID).
		Scan(&n.ID, intoTime(&n.CreatedAt))
	if errors.Is(err, sql.ErrNoRows) {
		return session.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("renew session: %w", err)
	}
	return nil
}

// TouchSession notes that a session is in use, which prolongs it up to its end. One
// that was given longer from the start is not cut short.
func (s *Sessions) TouchSession(ctx context.Context, cookie []byte, seenAt, idleUntil time.Time) error {
	const touch = `
		UPDATE sessions SET seen_at = $2, idle_until = CASE
			WHEN $3 < idle_until THEN idle_until WHEN $3 < ends_at THEN $3 ELSE ends_at END
		WHERE cookie = $1 AND seen_at < $2 AND idle_until > $2`

	if _, err := s.db.Write.Exec(ctx, touch, cookie, seenAt.UnixMicro(), idleUntil.UnixMicro()); err != nil {
		return fmt.Errorf("touch session: %w", err)
	}
	return nil
}

// ExtendSession gives a living session, which is to be remembered, another end.
func (s *Sessions) ExtendSession(ctx context.Context, n *session.Session, now time.Time) error {
	const extend = `
		UPDATE sessions SET remembered = $3, seen_at = $4, idle_until = $5, ends_at = $6
		WHERE cookie = $1 AND id = $2 AND idle_until > $4`

	_, err := s.db.Write.Exec(ctx, extend, n.Cookie, n.ID, flag(n.Remembered), now.UnixMicro(),
		min(stamp(n.IdleUntil), stamp(n.EndsAt)), stamp(n.EndsAt))
	if err != nil {
		return fmt.Errorf("extend session: %w", err)
	}
	return nil
}

// EndSession ends a session and revokes all of its grants. It returns the clients
// that took part in it, for each of which that asked for one a notice waits now.
// That the session is not there is no error.
func (s *Sessions) EndSession(ctx context.Context, id string, now time.Time) (participants []string, err error) {
	var gone endedSessions
	err = s.db.Tx(ctx, func(c db.Conn) error {
		participants, gone, err = s.endSession(ctx, c, id, now)
		return err
	})
	if err != nil {
		return nil, err
	}
	return participants, s.revokeGrantsIn(ctx, s.db.LongWrite, gone, now)
}

// ended are sessions that are over.
type endedSessions struct {
	ids   []string
	since time.Time // when the first of them began, zero if nobody knows
}

// endSession removes the session and revokes its grants. Nobody sees that until it
// is committed, and a code given and spent meanwhile is found by neither: whoever
// calls this has to look for grants once more afterwards, when no code can be
// spent without its session.
func (s *Sessions) endSession(ctx context.Context, on db.Conn, id string, now time.Time) ([]string, endedSessions, error) {
	participants, gone, err := removeSession(ctx, on, id, now)
	if err != nil {
		return nil, gone, err
	}
	return participants, gone, s.revokeGrantsIn(ctx, on, gone, now)
}

func (s *Sessions) revokeGrantsIn(ctx context.Context, on db.Conn, gone endedSessions, now time.Time) error {
	buckets, all, err := s.partitionsSince(ctx, on, gone.since, now)
	if err != nil {
		return fmt.Errorf("list buckets of session: %w", err)
	}
	if len(buckets) == 0 && !all {
		return nil
	}
	err = inChunks(gone.ids, func(places string, args []any) error {
		_, err := on.Exec(ctx, s.db.Engine.InPartitions(buckets, `
			UPDATE grants SET revoked_at = $1, revoked_why = $2
			WHERE revoked_at IS NULL AND session_id IN (`+places+`)`), args...)
		return err
	}, now.UnixMicro(), string(grant.RevokedByLogout))
	if err != nil {
		return fmt.Errorf("revoke grants of session: %w", err)
	}
	return nil
}

// bucketsSince lists the buckets in which a session that began at since can have grants,
// or reports that all are to be searched. It depends on no lifetime: clients have lifespans
// of their own, and those change. The request that a grant answers may be older than the
// session, and other replicas' clocks may be wrong.
func (s *Sessions) partitionsSince(ctx context.Context, on db.Conn, since, now time.Time) (list []grant.Partition, all bool, err error) {
	if since.IsZero() {
		return nil, true, nil
	}
	list, err = s.db.Engine.PartitionsBetween(ctx, on, since.Add(-s.requestLifetime-expiryMargin), now.Add(expiryMargin))
	return list, list == nil, err
}

// EndSessionsOf ends all sessions of a subject as [Store.EndSession] does, and
// returns how many there were.
func (s *Sessions) EndSessionsOf(ctx context.Context, subject string, now time.Time) (count int, err error) {
	var gone endedSessions
	err = s.db.Tx(ctx, func(c db.Conn) error {
		if gone, err = removeSessions(ctx, c, subject, now); err != nil {
			return err
		}
		return s.revokeGrantsIn(ctx, c, gone, now)
	})
	if err != nil {
		return 0, err
	}
	return len(gone.ids), s.revokeGrantsIn(ctx, s.db.LongWrite, gone, now)
}
