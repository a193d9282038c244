package store

import (
	"context"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/onetime"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store/db"
)

// PushedRequests stores authorization requests that clients pushed.
type PushedRequests struct {
	*Replay // the values that a push uses up

	db *db.DB
}

// InsertPushed stores a request and claims the one-time values of its push, as [Replay.ClaimAll] does.
func (s *PushedRequests) InsertPushed(ctx context.Context, p *authrequest.Pushed, values ...onetime.Value) error {
	const insert = `
		INSERT INTO pushed_requests (id, client_id, parameters, created_at, expires_at, grant_bucket, grant_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`

	args := []any{p.ID, p.ClientID, p.Parameters, stamp(p.CreatedAt), stamp(p.ExpiresAt), int64(p.Grant.Partition), p.Grant.ID[:]}
	if len(values) > 0 {
		return s.claimWith(ctx, p.CreatedAt, values, db.Statement{Text: insert, Args: args})
	}
	if _, err := s.db.Write.Exec(ctx, insert, args...); err != nil {
		return fmt.Errorf("insert pushed request: %w", err)
	}
	return nil
}

// Pushed returns a request that has not expired, or [authrequest.ErrNotFound], with the live session
// of a cookie and the consent of its user for the client, as [Sessions.SessionAndConsent] does.
// Session and consent are nil without a live session.
func (s *PushedRequests) Pushed(
	ctx context.Context, id string, cookie []byte, now time.Time,
) (*authrequest.Pushed, *session.Session, *consent.Consent, error) {
	const read = `
		SELECT r.id, r.client_id, r.parameters, r.created_at, r.expires_at, r.grant_bucket, r.grant_id,
			` + qualifiedSessionColumns + `, ` + released + `, ` + consentColumns + `
		FROM pushed_requests r
		LEFT JOIN sessions s ON s.cookie = $3 AND s.idle_until > $2` + userOfRequest

	p := &authrequest.Pushed{}
	n, remembered, err := readWithUser(ctx, s.db, []any{
		&p.ID, &p.ClientID, &p.Parameters, intoTime(&p.CreatedAt), intoTime(&p.ExpiresAt), (*uint32)(&p.Grant.Partition), intoID(&p.Grant.ID),
	}, &p.ClientID, read, id, now.UnixMicro(), cookie)
	if err != nil {
		return nil, nil, nil, err
	}
	return p, n, remembered, nil
}
