package store

import (
	"context"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/ciba"
	"github.com/ostiary/ostiary/internal/store/db"
)

// DenyAndBlock denies a request as [BackchannelRequests.DenyBackchannel] does, and blocks its client:
// later requests of the client for the user are denied when they arrive.
func (s *BackchannelRequests) DenyAndBlock(ctx context.Context, r *ciba.Request, now time.Time) error {
	const block = `
		INSERT INTO blocked_clients (subject, client_id, blocked_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`

	return s.deny(ctx, r, now, func(c db.Conn) error {
		_, err := c.Exec(ctx, block, r.Subject, r.ClientID, now.UnixMicro())
		return err
	})
}

// UnblockClient ends the block of a client by a user. It does nothing if there is none.
func (s *BackchannelRequests) UnblockClient(ctx context.Context, subject, clientID string) error {
	if _, err := s.db.Write.Exec(ctx, `DELETE FROM blocked_clients WHERE subject = $1 AND client_id = $2`, subject, clientID); err != nil {
		return fmt.Errorf("unblock client: %w", err)
	}
	return nil
}

// BlockedClients returns the IDs of up to limit clients that a user blocks.
func (s *BackchannelRequests) BlockedClients(ctx context.Context, subject string, limit int) (list []string, err error) {
	const read = `SELECT client_id FROM blocked_clients WHERE subject = $1 ORDER BY client_id LIMIT $2`

	err = s.db.Read.Query(ctx, func(from db.Scanner) error {
		var id string
		err := from.Scan(&id)
		list = append(list, id)
		return err
	}, read, subject, limit)
	if err != nil {
		return nil, fmt.Errorf("list blocked clients: %w", err)
	}
	return list, nil
}

// isBlocked reports whether the user of a request blocks its client.
func isBlocked(ctx context.Context, on db.Conn, r *ciba.Request) (blocked bool, err error) {
	const read = `SELECT count(*) FROM blocked_clients WHERE subject = $1 AND client_id = $2`

	err = on.QueryRow(ctx, read, r.Subject, r.ClientID).Scan(intoFlag(&blocked))
	return blocked, err
}

// CountBackchannel returns the number of requests that wait for a user.
func (s *BackchannelRequests) CountBackchannel(ctx context.Context, subject string, now time.Time) (int, error) {
	const read = `
		SELECT count(*) FROM backchannel_requests WHERE subject = $1 AND expires_at > $2 AND denied_at IS NULL AND allowed_at IS NULL`

	var count int
	if err := s.db.Read.QueryRow(ctx, read, subject, now.UnixMicro()).Scan(&count); err != nil {
		return 0, fmt.Errorf("count backchannel requests: %w", err)
	}
	return count, nil
}
