package store

import (
	"context"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/store/db"
)

// SignIns stores the factors of sign-ins that are not complete, in the authorization requests that
// they are for.
type SignIns struct{ db *db.DB }

// RecordFirstFactor records that a user has proven a first factor for a request and needs a
// second one. It replaces that of another user. It returns [authrequest.ErrNotFound] for an
// unknown or expired request.
func (s *SignIns) RecordFirstFactor(ctx context.Context, id string, first *authrequest.FirstFactor, now time.Time) error {
	const record = `UPDATE requests SET first_factor = $2 WHERE id = $1 AND expires_at > $3`

	text, err := document(first)
	if err != nil {
		return fmt.Errorf("write first factor: %w", err)
	}
	return recordInRequest(ctx, s.db.Write, "record first factor", record, id, text, now.UnixMicro())
}

// RecordFactorDeclined records that the user with the subject declined a further factor for a
// request. It returns [authrequest.ErrNotFound] for an unknown or expired request.
func (s *SignIns) RecordFactorDeclined(ctx context.Context, id, subject string, now time.Time) error {
	const record = `UPDATE requests SET factor_declined_by = $2 WHERE id = $1 AND expires_at > $3`

	return recordInRequest(ctx, s.db.Write, "record declined factor", record, id, subject, now.UnixMicro())
}
