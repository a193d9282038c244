package store

import (
	"context"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/store/db"
)

// GrantFilter restricts a list of grants. An empty field matches all.
type GrantFilter struct{ ClientID, Subject string }

// ListGrants returns up to limit valid grants in the order of their creation, starting
// after the grant after.
func (s *Grants) ListGrants(
	ctx context.Context, f GrantFilter, after grant.Locator, limit int, now time.Time,
) (list []*grant.Grant, err error) {
	read := `
		SELECT ` + grantColumns + ` FROM grants
		WHERE (bucket, id) > ($1, $2) AND ($3 = '' OR client_id = $3) AND ` + equalOrUnset("subject", "$4", f.Subject) + `
			AND revoked_at IS NULL AND ends_at > $5 AND ` + liveCondition + `
		ORDER BY bucket, id LIMIT $6`

	err = s.db.LongRead.Query(ctx, func(from db.Scanner) error {
		g := &grant.Grant{}
		list = append(list, g)
		return from.Scan(grantInto(g)...)
	}, read, int64(after.Partition), after.ID[:], f.ClientID, f.Subject, now.UnixMicro(), limit)
	if err != nil {
		return nil, fmt.Errorf("list grants: %w", err)
	}
	return list, nil
}

// ListGrantsWithoutConsent returns up to limit valid grants of a subject for clients
// without a stored consent, in the order of their creation, starting after the grant
// after. Unless sessionID is empty, it returns all valid grants of that session
// instead.
func (s *Grants) ListGrantsWithoutConsent(
	ctx context.Context, subject, sessionID string, after grant.Locator, limit int, now time.Time,
) (list []*grant.Grant, err error) {
	read := `
		SELECT ` + grantColumns + ` FROM grants
		WHERE (bucket, id) > ($1, $2) AND subject = $3 AND revoked_at IS NULL AND ends_at > $4 AND ` + liveCondition
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
