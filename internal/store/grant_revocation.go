package store

import (
	"context"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/store/db"
)

// RevokeGrant ends a grant of a client, or of any client if clientID is empty. It does
// nothing if the grant is unknown, belongs to another client, or was revoked before.
func (s *Grants) RevokeGrant(ctx context.Context, ref grant.Locator, clientID string, why grant.RevocationReason, now time.Time) error {
	const revoke = `
		UPDATE grants SET revoked_at = $4, revoked_why = $5
		WHERE bucket = $1 AND id = $2 AND ($3 = '' OR client_id = $3) AND revoked_at IS NULL`

	_, err := s.db.Write.Exec(ctx, s.db.Engine.InPartition(ref.Partition, revoke), int64(ref.Partition), ref.ID[:], clientID, now.UnixMicro(), string(why))
	if err != nil {
		return fmt.Errorf("revoke grant: %w", err)
	}
	return nil
}

// RevokeGrantsOf ends the grants of a subject, for one client unless clientID is empty.
// Consents stay.
func (s *Grants) RevokeGrantsOf(ctx context.Context, subject, clientID string, now time.Time) error {
	return revokeGrantsOf(ctx, s.db.LongWrite, subject, clientID, now)
}

func revokeGrantsOf(ctx context.Context, on db.Conn, subject, clientID string, now time.Time) error {
	revoke := `
		UPDATE grants SET revoked_at = $3, revoked_why = $4
		WHERE subject = $1 AND ` + equalOrUnset("client_id", "$2", clientID) + ` AND revoked_at IS NULL`

	if _, err := on.Exec(ctx, revoke, subject, clientID, now.UnixMicro(), string(grant.RevokedByOperator)); err != nil {
		return fmt.Errorf("revoke grants of subject: %w", err)
	}
	return nil
}

// RevokeGrantsIn ends the grants of a session. The session stays active.
func (s *Grants) RevokeGrantsIn(ctx context.Context, sessionID string, now time.Time) error {
	const revoke = `UPDATE grants SET revoked_at = $2, revoked_why = $3 WHERE session_id = $1 AND revoked_at IS NULL`

	if _, err := s.db.LongWrite.Exec(ctx, revoke, sessionID, now.UnixMicro(), string(grant.RevokedByOperator)); err != nil {
		return fmt.Errorf("revoke grants of session: %w", err)
	}
	return nil
}

// DenyToken revokes one access token by its jti. The store keeps the entry until until.
func (s *Grants) DenyToken(ctx context.Context, jti string, until time.Time) error {
	const deny = `
		INSERT INTO revoked_tokens (jti, until) VALUES ($1, $2)
		ON CONFLICT (jti) DO UPDATE
		SET until = CASE WHEN excluded.until > revoked_tokens.until THEN excluded.until ELSE revoked_tokens.until END`

	if _, err := s.db.Write.Exec(ctx, deny, jti, until.UnixMicro()); err != nil {
		return fmt.Errorf("deny token: %w", err)
	}
	return nil
}
