package manage

import (
	"context"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/session"
)

// SessionStore lists and ends sessions. Ending a session revokes its grants and queues logout
// notices.
type SessionStore interface {
	// ListSessions returns the active sessions of a subject, or of all if it is empty, that
	// follow the ID after.
	ListSessions(ctx context.Context, subject, after string, limit int, now time.Time) ([]*session.Session, error)
	EndSession(ctx context.Context, id string, now time.Time) (clients []string, err error)
}

// Sessions ends sessions by ID. Ending all sessions of a user is one call of the store.
type Sessions struct {
	Store SessionStore
	Now   func() time.Time
}

// End ends active sessions, or none if an ID is unknown. Ended is called after each.
func (m *Sessions) End(ctx context.Context, ids []string, ended func(id string) error) error {
	id, now := func(s *session.Session) string { return s.ID }, m.Now()
	active, err := listAll(func(after string) ([]*session.Session, error) {
		return m.Store.ListSessions(ctx, "", after, pageSize, now)
	}, id)
	if err != nil {
		return err
	}
	if err := checkKnown(ids, active, id, "no active session has this ID"); err != nil {
		return fmt.Errorf("nothing was revoked:\n%w", err)
	}
	for _, id := range ids {
		if _, err := m.Store.EndSession(ctx, id, m.Now()); err != nil {
			return err
		}
		if err := ended(id); err != nil {
			return err
		}
	}
	return nil
}
