package store

import (
	"context"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/store/db"
)

// passwordChanged is the column state of an account whose user has changed the password.
const passwordChanged = `CASE WHEN state = '` + string(account.MustChangePassword) + `' THEN '' ELSE state END`

// ReplacePassword sets the hash of the password of an account that was last changed at
// a.UpdatedAt, and ends its state [account.MustChangePassword]. Its devices and networks become unknown, and its failure counters are cleared.
// Sessions and grants stay valid; unless keep is empty, all sessions but keep end with their
// grants. It returns [account.ErrChanged] if the account was changed or deleted since.
func (s *Sessions) ReplacePassword(ctx context.Context, a *account.Account, hash, keep string, now time.Time) error {
	const replace = `
		UPDATE accounts SET password_hash = $2, renewed_from = NULL, updated_at = $3, state = ` + passwordChanged + `
		WHERE subject = $1 AND updated_at = $4`

	var gone endedSessions
	err := s.db.Tx(ctx, func(c db.Conn) error {
		changed, err := c.Exec(ctx, replace, a.Subject, hash, stamp(later(now, a.UpdatedAt)), stamp(a.UpdatedAt))
		if err != nil {
			return fmt.Errorf("replace password: %w", err)
		}
		if changed == 0 {
			return account.ErrChanged
		}
		if err := s.notices.ofPassword(ctx, c, a.Subject, now); err != nil {
			return err
		}
		if err := removeSources(ctx, c, a.Subject); err != nil || keep == "" {
			return err
		}
		if gone, err = removeOtherSessions(ctx, c, a.Subject, keep, now); err != nil {
			return err
		}
		return s.revokeGrantsIn(ctx, c, gone, now)
	})
	if err != nil || keep == "" {
		return err
	}
	// A sign-in with the previous password may have ended since the transaction began.
	if _, err := s.EndOtherSessions(ctx, a.Subject, keep, now); err != nil {
		return err
	}
	return s.revokeGrantsIn(ctx, s.db.LongWrite, gone, now)
}

// later returns now, or the next microsecond after before if now is not later.
func later(now, before time.Time) time.Time {
	if now = now.Truncate(time.Microsecond); now.After(before) {
		return now
	}
	return before.Add(time.Microsecond)
}
