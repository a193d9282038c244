package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store/db"
)

// PushedRequests stores authorization requests that clients pushed.
type PushedRequests struct{ db *db.DB }

// InsertPushed stores a request.
func (s *PushedRequests) InsertPushed(ctx context.Context, p *authrequest.Pushed) error {
	const insert = `
		INSERT INTO pushed_requests (id, client_id, parameters, created_at, expires_at, grant_bucket, grant_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`

	_, err := s.db.Write.Exec(ctx, insert, p.ID, p.ClientID, p.Parameters, stamp(p.CreatedAt), stamp(p.ExpiresAt),
		int64(p.Grant.Partition), p.Grant.ID[:])
	if err != nil {
		return fmt.Errorf("insert pushed request: %w", err)
	}
	return nil
}

// Pushed returns a request that has not expired, or [authrequest.ErrNotFound], with the live session
// of a cookie and the consent of its user for the client, as [Sessions.SessionAndConsent] does.
// Session and consent are nil without a live session.
func (s *PushedRequests) Pushed(
	ctx context.Context, id string, cookie []byte, now time.Time,
) (p *authrequest.Pushed, n *session.Session, remembered *consent.Consent, err error) {
	// The account is joined last, so that a session without one counts as none.
	const read = `
		SELECT r.id, r.client_id, r.parameters, r.created_at, r.expires_at, r.grant_bucket, r.grant_id,
			` + qualifiedSessionColumns + `, ` + released + `, ` + consentColumns + `
		FROM pushed_requests r
		LEFT JOIN sessions s ON s.cookie = $3 AND s.idle_until > $2
		LEFT JOIN accounts a ON a.subject = s.subject AND a.disabled_at IS NULL AND a.not_before <= s.auth_time
		LEFT JOIN consents c ON c.subject = s.subject AND c.client_id = r.client_id
			AND (c.session_id = '' OR c.session_id = s.id)
			AND (c.expires_at IS NULL OR c.expires_at > $2)
		WHERE r.id = $1 AND r.expires_at > $2
		ORDER BY c.session_id`

	err = s.db.Read.Query(ctx, func(from db.Scanner) error {
		var (
			q     authrequest.Pushed
			found session.Session
			c     consent.Consent
		)
		err := from.Scan(slices.Concat([]any{
			&q.ID, &q.ClientID, &q.Parameters, intoTime(&q.CreatedAt), intoTime(&q.ExpiresAt), (*uint32)(&q.Grant.Partition), intoID(&q.Grant.ID),
		}, sessionInto(&found), []any{intoReleased(&found.Claims, &found.Released)}, consentInto(&c))...)
		if err != nil {
			return err
		}
		p = &q
		if found.Claims == nil { // no account, so that the session, if any, is not live
			return nil
		}
		n, remembered = &found, mergeConsents(remembered, &c, found.Subject, q.ClientID)
		return nil
	}, read, id, now.UnixMicro(), cookie)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("read pushed request and session: %w", err)
	}
	if p == nil {
		return nil, nil, nil, authrequest.ErrNotFound
	}
	return p, n, remembered, nil
}
