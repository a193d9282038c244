package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/store/db"
)

// errDryRun rolls a transaction back.
var errDryRun = errors.New("dry run")

// ImportConsents stores the consents of another server, all or none, and creates
// accounts for unknown subjects. It does not replace a consent of the same or a later
// time. It returns the number of new and changed consents. With dryRun it changes
// nothing.
func (s *Consents) ImportConsents(
	ctx context.Context, consents []*consent.Consent, now time.Time, dryRun bool,
) (changed int, err error) {
	const remember = `
		INSERT INTO consents (subject, client_id, session_id, scopes, given_at, expires_at, detail)
		VALUES ($1, $2, '', $3, $4, $5, $6)
		ON CONFLICT (subject, client_id, session_id) DO UPDATE
		SET scopes = excluded.scopes, given_at = excluded.given_at, expires_at = excluded.expires_at, detail = excluded.detail
		WHERE consents.given_at < excluded.given_at`

	err = s.db.TxWithin(ctx, db.ImportTimeout, func(on db.Conn) error {
		changed = 0
		for _, c := range consents {
			detail, err := optionalDocument(c.ExtraClaims)
			if err != nil {
				return fmt.Errorf("write consent: %w", err)
			}
			did, err := on.Exec(ctx, remember, c.Subject, c.ClientID, words(c.Scopes), stamp(c.GivenAt), micros(c.ExpiresAt), detail)
			if err != nil {
				return fmt.Errorf("save consent: %w", err)
			}
			if did == 0 {
				continue
			}
			changed++
			if err := ensureAccount(ctx, on, account.NewExternal(c.Subject, now)); err != nil {
				return err
			}
		}
		if dryRun {
			return errDryRun
		}
		return nil
	})
	if err != nil && !errors.Is(err, errDryRun) {
		return 0, fmt.Errorf("import consents: %w", err)
	}
	return changed, nil
}

// ensureAccount adds an account unless its subject has an account.
func ensureAccount(ctx context.Context, on db.Conn, a *account.Account) error {
	var there int64
	if err := on.QueryRow(ctx, `SELECT count(*) FROM accounts WHERE subject = $1`, a.Subject).Scan(&there); err != nil {
		return fmt.Errorf("look for account: %w", err)
	}
	if there > 0 {
		return nil
	}
	return insertAccount(ctx, on, a)
}
