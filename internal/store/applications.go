package store

import (
	"context"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/detail"
	"github.com/ostiary/ostiary/internal/store/db"
)

// Applications returns the clients that may use the account of a subject, by a remembered
// consent or by grants. Clients that are disabled or deleted are not among them.
func (s *Consents) Applications(ctx context.Context, subject string, now time.Time) ([]*consent.Application, error) {
	const read = `
		SELECT client_id, scopes, min(created_at), max(coalesce(refresh_rotated_at, created_at)), count(*) AS live,
			CASE WHEN detail LIKE '%"authorization_details":%' THEN detail ELSE '' END AS details FROM grants
		WHERE subject = $1 AND revoked_at IS NULL AND expires_at > $2
			AND (code_expires_at IS NULL OR code_spent_at IS NOT NULL) AND ` + liveCondition + `
		GROUP BY client_id, scopes, details
		UNION ALL
		SELECT client_id, scopes, min(given_at), 0, 0, detail AS details FROM consents
		WHERE subject = $1 AND (expires_at IS NULL OR expires_at > $2)
			AND EXISTS (SELECT 1 FROM clients c WHERE c.id = consents.client_id AND c.disabled = 0)
		GROUP BY client_id, scopes, detail
		ORDER BY client_id`

	var parts []consent.Application
	err := s.db.LongRead.Query(ctx, func(from db.Scanner) error {
		var a consent.Application
		var more struct {
			Details detail.List `json:"authorization_details"`
		}
		err := from.Scan(&a.ClientID, intoWords(&a.Scopes), intoTime(&a.Since), intoTime(&a.LastUsedAt), &a.Grants, intoOptional(&more))
		a.Details = more.Details
		parts = append(parts, a)
		return err
	}, read, subject, now.UnixMicro())
	if err != nil {
		return nil, fmt.Errorf("list applications: %w", err)
	}
	return consent.Applications(parts), nil
}
