package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/devicecode"
)

// AnswerDevice records the device for which a custom device app has found the user
// code; nil refuses the request. The first answer is final; later ones get
// [authrequest.ErrAlreadyDecided].
func (s *Requests) AnswerDevice(ctx context.Context, id string, d *devicecode.Device, verifier []byte, now time.Time) error {
	const accept = `
		UPDATE requests SET client_id = $2, parameters = $3, grant_bucket = $4, grant_id = $5, verifier = $6,
			expires_at = CASE WHEN expires_at < $7 THEN expires_at ELSE $7 END
		WHERE id = $1 AND device = 1 AND client_id = '' AND decision = '' AND expires_at > $8`
	const refuse = `
		UPDATE requests SET decision = $2, decided_at = $3
		WHERE id = $1 AND device = 1 AND client_id = '' AND decision = '' AND expires_at > $3`

	var answered int64
	var err error
	if d != nil {
		answered, err = s.db.Write.Exec(ctx, accept, id, d.ClientID, d.Parameters(), int64(d.Grant.Partition), d.Grant.ID[:],
			verifier, d.ExpiresAt.UnixMicro(), now.UnixMicro())
	} else {
		answered, err = s.db.Write.Exec(ctx, refuse, id, string(authrequest.Denied), now.UnixMicro())
	}
	if err != nil {
		return fmt.Errorf("answer device: %w", err)
	}
	if answered > 0 {
		return nil
	}
	r, err := s.Request(ctx, id, now)
	switch {
	case err != nil:
		return err
	case !r.Device:
		return authrequest.ErrNotFound
	default:
		return authrequest.ErrAlreadyDecided
	}
}

// RedeemDevice redeems the verifier of a device app's answer. It is a compare-and-set:
// of any number of concurrent callers one succeeds. Later calls, and calls with another
// verifier or from another browser, get [authrequest.ErrNotFound].
func (s *Requests) RedeemDevice(ctx context.Context, id string, browser, verifier []byte, now time.Time) error {
	const spend = `
		UPDATE requests SET verifier = NULL
		WHERE id = $1 AND browser = $2 AND verifier = $3 AND device = 1 AND client_id <> ''
			AND login_session = '' AND session_id = '' AND decision = '' AND expires_at > $4
		RETURNING id`

	err := s.db.Write.QueryRow(ctx, spend, id, browser, verifier, now.UnixMicro()).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return authrequest.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("spend device: %w", err)
	}
	return nil
}
