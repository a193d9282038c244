package store

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/activity"
	"github.com/ostiary/ostiary/internal/store/db"
)

// BreachChecks stores which passwords were compared with the list of breached passwords.
type BreachChecks struct{ db *db.DB }

// RecordBreachCheck records that the password with a hash was compared with the list. The user of a
// breached one must change it. It does nothing if the account has another hash, or has a state
// other than must_change_password that comes first.
func (s *BreachChecks) RecordBreachCheck(ctx context.Context, subject, hash string, breached bool, now time.Time) error {
	const record = `
		UPDATE accounts SET breach_checked = $3, breached = $4,
			state = CASE WHEN $4 = 1 THEN '` + string(account.MustChangePassword) + `' ELSE state END,
			updated_at = CASE WHEN $4 = 0 THEN updated_at WHEN updated_at < $5 THEN $5 ELSE updated_at + 1 END
		WHERE subject = $1 AND password_hash = $2 AND ($4 = 0 OR coalesce(state, '') <> '` + string(account.MustEnrol) + `')`

	return s.db.Tx(ctx, func(c db.Conn) error {
		changed, err := c.Exec(ctx, record, subject, hash, digest(hash), flag(breached), now.UnixMicro())
		if err != nil {
			return fmt.Errorf("record breach check: %w", err)
		}
		if changed == 0 || !breached {
			return nil
		}
		return recordActivity(ctx, c, activity.New(activity.PasswordBreached, subject, "", now))
	})
}

// breachCheck returns the result of the last check of the password with a hash.
func breachCheck(hash string, checked []byte, breached bool) account.BreachCheck {
	switch {
	case hash == "" || !bytes.Equal(checked, digest(hash)):
		return account.BreachUnknown
	case breached:
		return account.Breached
	}
	return account.NotBreached
}
