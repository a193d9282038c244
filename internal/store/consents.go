package store

import (
	"context"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/store/db"
)

// ListConsents returns what a subject allows clients beyond a request, in the order of
// clients and sessions, that which follows after. Unless sessionID is empty, it is what
// they allowed in that session alone.
func (s *Store) ListConsents(
	ctx context.Context, subject, sessionID string, after consent.Consent, limit int, now time.Time,
) (list []*consent.Consent, err error) {
	read := `
		SELECT c.client_id, c.session_id, ` + consentColumns + ` FROM consents c
		WHERE c.subject = $1 AND (c.client_id, c.session_id) > ($2, $3) AND ` + matching("c.session_id", "$4", sessionID) + `
			AND (c.expires_at IS NULL OR c.expires_at > $5)
		ORDER BY c.client_id, c.session_id LIMIT $6`

	err = s.db.LongRead.Query(ctx, func(from db.Scanner) error {
		c := &consent.Consent{Subject: subject}
		list = append(list, c)
		return from.Scan(append([]any{&c.ClientID, &c.SessionID}, consentInto(c)...)...)
	}, read, subject, after.ClientID, after.SessionID, sessionID, now.UnixMicro(), limit)
	if err != nil {
		return nil, fmt.Errorf("list consents: %w", err)
	}
	return list, nil
}

// ListGrantsWithoutConsent returns living grants of a subject for clients that the subject
// allows nothing beyond a request: the consent ends with the grant. They come in the
// order of their creation, those that follow after; unless sessionID is empty, those of
// that session, whatever else the subject allows.
func (s *Store) ListGrantsWithoutConsent(
	ctx context.Context, subject, sessionID string, after grant.Locator, limit int, now time.Time,
) (list []*grant.Grant, err error) {
	read := `
		SELECT ` + grantColumns + ` FROM grants
		WHERE (bucket, id) > ($1, $2) AND subject = $3 AND revoked_at IS NULL AND ends_at > $4 AND ` + standing
	if sessionID == "" {
		read += ` AND $5 = '' AND NOT EXISTS (SELECT 1 FROM consents c WHERE c.subject = grants.subject AND c.client_id = grants.client_id
			AND (c.expires_at IS NULL OR c.expires_at > $4))`
	} else {
		read += ` AND session_id = $5`
	}
	err = s.db.LongRead.Query(ctx, func(from db.Scanner) error {
		g := &grant.Grant{}
		list = append(list, g)
		return from.Scan(grantInto(g)...)
	}, read+` ORDER BY bucket, id LIMIT $6`, int64(after.Partition), after.ID[:], subject, now.UnixMicro(), sessionID, limit)
	if err != nil {
		return nil, fmt.Errorf("list grants without consent: %w", err)
	}
	return list, nil
}

// RevokeConsents forgets what a subject allowed a client, or all clients if that is
// empty, and ends what came of it.
func (s *Store) RevokeConsents(ctx context.Context, subject, clientID string, now time.Time) error {
	forget := `DELETE FROM consents WHERE subject = $1 AND ` + matching("client_id", "$2", clientID)

	err := s.db.Tx(ctx, func(c db.Conn) error {
		if _, err := c.Exec(ctx, forget, subject, clientID); err != nil {
			return fmt.Errorf("delete consents: %w", err)
		}
		return revokeGrantsOf(ctx, c, subject, clientID, now)
	})
	if err != nil {
		return err
	}
	// A request that saw the consent before may have been answered meanwhile.
	return revokeGrantsOf(ctx, s.db.LongWrite, subject, clientID, now)
}

// RevokeGrantsOf ends the grants of a subject, those of one client unless that is
// empty. What the subject allows is not forgotten.
func (s *Store) RevokeGrantsOf(ctx context.Context, subject, clientID string, now time.Time) error {
	return revokeGrantsOf(ctx, s.db.LongWrite, subject, clientID, now)
}

func revokeGrantsOf(ctx context.Context, on db.Conn, subject, clientID string, now time.Time) error {
	revoke := `
		UPDATE grants SET revoked_at = $3, revoked_why = $4
		WHERE subject = $1 AND ` + matching("client_id", "$2", clientID) + ` AND revoked_at IS NULL`

	if _, err := on.Exec(ctx, revoke, subject, clientID, now.UnixMicro(), string(grant.RevokedByOperator)); err != nil {
		return fmt.Errorf("revoke grants of subject: %w", err)
	}
	return nil
}

// RevokeGrantsIn ends the grants that were given in a session, which goes on.
func (s *Store) RevokeGrantsIn(ctx context.Context, sessionID string, now time.Time) error {
	const revoke = `UPDATE grants SET revoked_at = $2, revoked_why = $3 WHERE session_id = $1 AND revoked_at IS NULL`

	if _, err := s.db.LongWrite.Exec(ctx, revoke, sessionID, now.UnixMicro(), string(grant.RevokedByOperator)); err != nil {
		return fmt.Errorf("revoke grants of session: %w", err)
	}
	return nil
}
