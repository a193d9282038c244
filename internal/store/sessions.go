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
	notices         *notices
}

const sessionColumns = `id, cookie, subject, auth_time, acr, amr, remembered, created_at, seen_at, idle_until, ends_at,
	provider_session, second_factor_waived, browser, system, network`

// InsertSession adds a session. It ends the session whose cookie has the hash replaces,
// and the grants of that session; nil replaces none.
func (s *Sessions) InsertSession(ctx context.Context, n *session.Session, replaces []byte) error {
	if replaces == nil {
		return insertSession(ctx, s.db.Write, n)
	}
	var gone endedSessions
	err := s.db.Tx(ctx, func(c db.Conn) (err error) {
		gone, err = s.replaceSession(ctx, c, n, replaces)
		return err
	})
	if err != nil {
		return err
	}
	return s.revokeGrantsIn(ctx, s.db.LongWrite, gone, n.CreatedAt)
}

// replaceSession adds n and ends the session whose cookie has the hash replaces. Its caller
// revokes the grants of the ended session again after the commit, see endSession.
func (s *Sessions) replaceSession(ctx context.Context, on db.Conn, n *session.Session, replaces []byte) (gone endedSessions, err error) {
	var replaced string
	err = on.QueryRow(ctx, `SELECT id FROM sessions WHERE cookie = $1`, replaces).Scan(&replaced)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return gone, fmt.Errorf("find replaced session: %w", err)
	}
	if err == nil {
		if _, gone, err = s.endSession(ctx, on, replaced, n.CreatedAt); err != nil {
			return gone, err
		}
	}
	return gone, insertSession(ctx, on, n)
}

func insertSession(ctx context.Context, on db.Conn, n *session.Session) error {
	const insert = `
		INSERT INTO sessions (` + sessionColumns + `)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`

	if _, err := on.Exec(ctx, insert, sessionValues(n)...); err != nil {
		return fmt.Errorf("insert session: %w", err)
	}
	return nil
}

// sessionValues returns the values of sessionColumns.
func sessionValues(n *session.Session) []any {
	return []any{
		n.ID, n.Cookie, n.Subject, stamp(n.AuthTime), n.ACR, words(n.AMR), flag(n.Remembered),
		stamp(n.CreatedAt), stamp(n.SeenAt), min(stamp(n.IdleUntil), stamp(n.EndsAt)), stamp(n.EndsAt), n.IdentityProviderSessionID,
		flag(n.SecondFactorWaived), n.Origin.Browser, n.Origin.System, n.Origin.Network,
	}
}

// RenewSession replaces the live session of n.Subject whose cookie has the hash
// oldCookie by n. n gets the ID and the creation time of that session. The old cookie
// becomes invalid. It returns [session.ErrNotFound] if there is no such session.
func (s *Sessions) RenewSession(ctx context.Context, oldCookie []byte, n *session.Session) error {
	return renewSession(ctx, s.db.Write, oldCookie, n)
}

func renewSession(ctx context.Context, on db.Conn, oldCookie []byte, n *session.Session) error {
	const renew = `
		UPDATE sessions SET cookie = $3, auth_time = $4, acr = $5, amr = $6, remembered = $7,
			seen_at = $8, idle_until = $9, ends_at = $10, provider_session = $11, second_factor_waived = $12,
			browser = $13, system = $14, network = $15
		WHERE cookie = $1 AND subject = $2 AND idle_until > $4
		RETURNING id, created_at`

	err := on.QueryRow(ctx, renew, oldCookie, n.Subject, n.Cookie, stamp(n.AuthTime), n.ACR, words(n.AMR), flag(n.Remembered),
		stamp(n.SeenAt), min(stamp(n.IdleUntil), stamp(n.EndsAt)), stamp(n.EndsAt), n.IdentityProviderSessionID, flag(n.SecondFactorWaived),
		n.Origin.Browser, n.Origin.System, n.Origin.Network).
		Scan(&n.ID, intoTime(&n.CreatedAt))
	if errors.Is(err, sql.ErrNoRows) {
		return session.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("renew session: %w", err)
	}
	return nil
}

// TouchSession records the use of a session from an origin and extends it, at most to its
// end. It never shortens a session.
func (s *Sessions) TouchSession(ctx context.Context, cookie []byte, from session.Origin, seenAt, idleUntil time.Time) error {
	const touch = `
		UPDATE sessions SET seen_at = $2, idle_until = CASE
			WHEN $3 < idle_until THEN idle_until WHEN $3 < ends_at THEN $3 ELSE ends_at END,
			browser = $4, system = $5, network = $6
		WHERE cookie = $1 AND seen_at < $2 AND idle_until > $2`

	if _, err := s.db.Write.Exec(ctx, touch, cookie, seenAt.UnixMicro(), idleUntil.UnixMicro(), from.Browser, from.System, from.Network); err != nil {
		return fmt.Errorf("touch session: %w", err)
	}
	return nil
}

// ExtendSession writes the end and the Remembered flag of a live session.
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

// EndSession ends a session, revokes its grants, and inserts a notice for each
// participant with a back-channel logout URI. It returns the IDs of all participants.
// It returns no error for an unknown session.
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

// endedSessions are the deleted sessions of one transaction.
type endedSessions struct {
	ids   []string
	since time.Time // creation time of the oldest, zero if unknown
}

// endSession deletes a session and revokes its grants. Before the commit, a concurrent
// transaction can still insert a grant or redeem a code that endSession does not see.
// So its caller must call revokeGrantsIn again after the commit, when no code can be
// redeemed without the session.
func (s *Sessions) endSession(ctx context.Context, on db.Conn, id string, now time.Time) ([]string, endedSessions, error) {
	participants, gone, err := removeSession(ctx, on, id, now)
	if err != nil {
		return nil, gone, err
	}
	return participants, gone, s.revokeGrantsIn(ctx, on, gone, now)
}

func (s *Sessions) revokeGrantsIn(ctx context.Context, on db.Conn, gone endedSessions, now time.Time) error {
	partitions, all, err := s.partitionsSince(ctx, on, gone.since, now)
	if err != nil {
		return fmt.Errorf("list partitions of session: %w", err)
	}
	if len(partitions) == 0 && !all {
		return nil
	}
	err = inChunks(gone.ids, func(places string, args []any) error {
		_, err := on.Exec(ctx, s.db.Engine.InPartitions(partitions, `
			UPDATE grants SET revoked_at = $1, revoked_why = $2
			WHERE revoked_at IS NULL AND session_id IN (`+places+`)`), args...)
		return err
	}, now.UnixMicro(), string(grant.RevokedByLogout))
	if err != nil {
		return fmt.Errorf("revoke grants of session: %w", err)
	}
	return nil
}

// partitionsSince lists the partitions that may contain grants of a session that was
// created at since; all is true if any partition may. It does not depend on lifetimes:
// clients have their own, and those change. A request may be older than the session,
// and the clocks of other replicas may be wrong.
func (s *Sessions) partitionsSince(ctx context.Context, on db.Conn, since, now time.Time) (list []grant.Partition, all bool, err error) {
	if since.IsZero() {
		return nil, true, nil
	}
	list, err = s.db.Engine.PartitionsBetween(ctx, on, since.Add(-s.requestLifetime-expiryMargin), now.Add(expiryMargin))
	return list, list == nil, err
}

// EndSessionsOf ends all sessions of a subject as [Sessions.EndSession] does, and
// returns their number.
func (s *Sessions) EndSessionsOf(ctx context.Context, subject string, now time.Time) (count int, err error) {
	return s.EndOtherSessions(ctx, subject, "", now)
}
