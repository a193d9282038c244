package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/passkey"
	"github.com/ostiary/ostiary/internal/store/db"
)

// SetupLinks stores the links that create the first administrator.
type SetupLinks struct{ db *db.DB }

// InsertSetupLink stores the hash of a link that creates the first administrator.
func (s *SetupLinks) InsertSetupLink(ctx context.Context, hash []byte, expiresAt time.Time) error {
	const insert = `INSERT INTO setup_links (hash, expires_at) VALUES ($1, $2)`

	if _, err := s.db.Write.Exec(ctx, insert, hash, expiresAt.UnixMicro()); err != nil {
		return fmt.Errorf("insert set-up link: %w", err)
	}
	return nil
}

// SetupLink returns nil for a valid link, else [account.ErrSetupLink].
func (s *SetupLinks) SetupLink(ctx context.Context, hash []byte, now time.Time) error {
	const read = `SELECT expires_at FROM setup_links WHERE hash = $1 AND spent_at IS NULL AND expires_at > $2`

	var expiresAt int64
	err := s.db.Read.QueryRow(ctx, read, hash, now.UnixMicro()).Scan(&expiresAt)
	if errors.Is(err, sql.ErrNoRows) {
		return account.ErrSetupLink
	}
	if err != nil {
		return fmt.Errorf("read set-up link: %w", err)
	}
	return nil
}

// RedeemSetupLink invalidates all links and adds the account first and its passkey p, nil for none:
// all or nothing. Of any number of concurrent callers, with one link or several, one succeeds. The
// others, and all callers once there is an administrator, get [account.ErrSetupLink]. The audit event
// has the address of the caller.
func (s *SetupLinks) RedeemSetupLink(
	ctx context.Context, hash []byte, first *account.Account, p *passkey.Passkey, address string, now time.Time,
) error {
	const spend = `
		UPDATE setup_links SET spent_at = $2
		WHERE spent_at IS NULL
			AND EXISTS (SELECT 1 FROM setup_links l WHERE l.hash = $1 AND l.spent_at IS NULL AND l.expires_at > $2)
			AND NOT EXISTS (SELECT 1 FROM accounts a WHERE a.administrator = 1)`

	return s.db.Tx(ctx, func(c db.Conn) error {
		spent, err := c.Exec(ctx, spend, hash, now.UnixMicro())
		if err != nil {
			return fmt.Errorf("spend set-up link: %w", err)
		}
		if spent == 0 {
			return account.ErrSetupLink
		}
		e := audit.NewEvent("user.create", first.Subject, audit.Actor{Kind: audit.User, ID: first.Subject, Name: first.Username}, now)
		e.Detail, e.Address, e.Outcome = "admin_role: none to "+string(first.AdminRole), address, audit.Done
		if err := insertEvent(ctx, c, e); err != nil {
			return err
		}
		return insertAccountWith(ctx, c, first, p)
	})
}
