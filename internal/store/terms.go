package store

import (
	"context"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/activity"
	"github.com/ostiary/ostiary/internal/store/db"
)

// Terms stores which terms users have accepted.
type Terms struct{ db *db.DB }

// AcceptTerms records that a user accepts a version of the terms now. It does nothing if the user
// has accepted that version before.
func (s *Terms) AcceptTerms(ctx context.Context, subject, version string, now time.Time) error {
	const accept = `
		UPDATE accounts SET terms_version = $2, terms_accepted_at = $3
		WHERE subject = $1 AND coalesce(terms_version, '') <> $2`

	return s.db.Tx(ctx, func(c db.Conn) error {
		accepted, err := c.Exec(ctx, accept, subject, version, now.UnixMicro())
		if err != nil {
			return fmt.Errorf("accept terms: %w", err)
		}
		if accepted == 0 {
			return nil
		}
		return recordActivity(ctx, c, activity.New(activity.TermsAccepted, subject, version, now))
	})
}

// writeTerms records the terms that the user of a new account has accepted.
func writeTerms(ctx context.Context, on db.Conn, a *account.Account) error {
	const write = `UPDATE accounts SET terms_version = $2, terms_accepted_at = $3 WHERE subject = $1`

	if _, err := on.Exec(ctx, write, a.Subject, a.Terms.Version, micros(a.Terms.At)); err != nil {
		return fmt.Errorf("write terms: %w", err)
	}
	return recordActivity(ctx, on, activity.New(activity.TermsAccepted, a.Subject, a.Terms.Version, a.Terms.At))
}
