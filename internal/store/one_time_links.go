package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/onetimelink"
	"github.com/ostiary/ostiary/internal/passkey"
	"github.com/ostiary/ostiary/internal/store/db"
)

// OneTimeLinks stores the links that users get by mail or from an administrator.
type OneTimeLinks struct {
	db       *db.DB
	accounts *Accounts
}

const linkColumns = `hash, kind, subject, address_key, version, data, created_at, expires_at, proven_at, spent_at`

func scanLink(from db.Scanner) (*onetimelink.Link, error) {
	l := &onetimelink.Link{}
	err := from.Scan(intoBytes(&l.Hash), intoText(&l.Kind), &l.Subject, &l.Address, &l.Version, intoOptional(&l.Data),
		intoTime(&l.CreatedAt), intoTime(&l.ExpiresAt), intoTime(&l.ProvenAt), intoTime(&l.SpentAt))
	return l, err
}

// InsertLink stores a link, and ends the others of its kind, subject and address. A link for
// a password ends all of its account; the links of notices, which are sent concurrently, end none.
// One against activity of the account, which has no address, ends the earlier one.
func (s *OneTimeLinks) InsertLink(ctx context.Context, l *onetimelink.Link) error {
	return s.db.Tx(ctx, func(c db.Conn) error { return insertLink(ctx, c, l) })
}

func insertLink(ctx context.Context, on db.Conn, l *onetimelink.Link) error {
	const replace = `
		DELETE FROM one_time_links WHERE kind = $1 AND subject = $2 AND ($1 <> 'not-me' OR $3 = '') AND ($1 = 'recover' OR address_key = $3)`
	const insert = `INSERT INTO one_time_links (` + linkColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`

	data, err := optionalDocument(l.Data)
	if err != nil {
		return fmt.Errorf("insert link: %w", err)
	}
	if _, err := on.Exec(ctx, replace, string(l.Kind), l.Subject, l.Address); err != nil {
		return fmt.Errorf("replace links: %w", err)
	}
	_, err = on.Exec(ctx, insert, l.Hash, string(l.Kind), l.Subject, l.Address, l.Version, data,
		stamp(l.CreatedAt), stamp(l.ExpiresAt), micros(l.ProvenAt), micros(l.SpentAt))
	if err != nil {
		return fmt.Errorf("insert link: %w", err)
	}
	return nil
}

// Link returns the valid link with the hash of its token. It returns
// [onetimelink.ErrInvalid] if there is none.
func (s *OneTimeLinks) Link(ctx context.Context, hash []byte, now time.Time) (*onetimelink.Link, error) {
	const read = `SELECT ` + linkColumns + ` FROM one_time_links WHERE hash = $1 AND spent_at IS NULL AND expires_at > $2`

	l, err := scanLink(s.db.Read.QueryRow(ctx, read, hash, now.UnixMicro()))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, onetimelink.ErrInvalid
	}
	if err != nil {
		return nil, fmt.Errorf("read link: %w", err)
	}
	return l, nil
}

// ProveLink records that a second factor was proven with a link. It returns
// [onetimelink.ErrInvalid] if the link is no longer valid.
func (s *OneTimeLinks) ProveLink(ctx context.Context, hash []byte, now time.Time) error {
	const prove = `UPDATE one_time_links SET proven_at = $2 WHERE hash = $1 AND spent_at IS NULL AND expires_at > $2`

	proven, err := s.db.Write.Exec(ctx, prove, hash, now.UnixMicro())
	if err != nil {
		return fmt.Errorf("prove link: %w", err)
	}
	if proven == 0 {
		return onetimelink.ErrInvalid
	}
	return nil
}

// SpendLink marks a link as used, as [spendLink] does.
func (s *OneTimeLinks) SpendLink(ctx context.Context, l *onetimelink.Link, now time.Time) error {
	return s.db.Tx(ctx, func(c db.Conn) error { return spendLink(ctx, c, l, now) })
}

// spendLink marks a link as used. It is a compare-and-set: of any number of concurrent
// callers one succeeds, the others get [onetimelink.ErrInvalid].
func spendLink(ctx context.Context, on db.Conn, l *onetimelink.Link, now time.Time) error {
	const spend = `
		UPDATE one_time_links SET spent_at = $2
		WHERE hash = $1 AND spent_at IS NULL AND expires_at > $2 AND kind = $3`

	spent, err := on.Exec(ctx, spend, l.Hash, now.UnixMicro(), string(l.Kind))
	if err != nil {
		return fmt.Errorf("spend link: %w", err)
	}
	if spent == 0 {
		return onetimelink.ErrInvalid
	}
	return nil
}

// RecoverPassword spends a link and sets the hash of the password of its account a, with the
// effects of [Accounts.SetPassword], removes the passkeys and second factors if the data of the link
// say so, and adds messages to the outbox: all or nothing. It
// returns [onetimelink.ErrInvalid] if the link is no longer valid or the account has changed
// since it was read.
func (s *OneTimeLinks) RecoverPassword(
	ctx context.Context, l *onetimelink.Link, a *account.Account, hash string, told []*mail.Message, now time.Time,
) error {
	const set = `
		UPDATE accounts SET password_hash = $2, renewed_from = NULL, updated_at = $3, state = ` + passwordChanged + `,
			not_before = CASE WHEN not_before < $3 THEN $3 ELSE not_before END
		WHERE subject = $1 AND updated_at = $4 AND disabled_at IS NULL`

	err := s.db.Tx(ctx, func(c db.Conn) error {
		if err := spendLink(ctx, c, l, now); err != nil {
			return err
		}
		if err := changeAccount(ctx, c, a.Subject, now, set, a.Subject, hash, now.UnixMicro(), stamp(a.UpdatedAt)); err != nil {
			return err
		}
		if err := removeSources(ctx, c, a.Subject); err != nil {
			return err
		}
		if err := deleteLinksOf(ctx, c, a.Subject); err != nil {
			return err
		}
		if l.Data.ResetFactors {
			if err := s.accounts.notices.removeFactors(ctx, c, a.Subject, now); err != nil {
				return err
			}
		}
		return insertMails(ctx, c, told)
	})
	if errors.Is(err, account.ErrNotFound) {
		return onetimelink.ErrInvalid
	}
	if err != nil {
		return err
	}
	return s.accounts.endConcurrent(ctx, a.Subject, now)
}

// deleteLinksOf ends all links of an account.
func deleteLinksOf(ctx context.Context, on db.Conn, subject string) error {
	const remove = `DELETE FROM one_time_links WHERE kind IN ('verify', 'recover') AND subject = $1`

	if _, err := on.Exec(ctx, remove, subject); err != nil {
		return fmt.Errorf("delete links: %w", err)
	}
	return nil
}

// AcceptInvitation spends the link of an invitation and adds the account a and its passkey p, nil
// for none: all or nothing. It returns [onetimelink.ErrInvalid] if the link is no longer valid, and
// [passkey.ErrExists] and the errors of [Accounts.InsertAccount], after which the link stays.
func (s *OneTimeLinks) AcceptInvitation(ctx context.Context, l *onetimelink.Link, a *account.Account, p *passkey.Passkey, now time.Time) error {
	return s.db.Tx(ctx, func(c db.Conn) error {
		if err := spendLink(ctx, c, l, now); err != nil {
			return err
		}
		return insertAccountWith(ctx, c, a, p)
	})
}

// VerifyAddress spends a link and marks the address of the account that it was sent to as
// verified: both or neither. It returns [onetimelink.ErrInvalid] if the link is no longer valid
// or the account no longer has the address, and [account.ErrAddressTaken] if another account
// has verified it.
func (s *OneTimeLinks) VerifyAddress(ctx context.Context, l *onetimelink.Link, now time.Time) error {
	err := s.db.Tx(ctx, func(c db.Conn) error {
		if err := spendLink(ctx, c, l, now); err != nil {
			return err
		}
		_, err := changeMembers(ctx, c, s.accounts.notices, l.Subject, now, func(a *account.Account) error {
			if a.Address(l.Address) == nil {
				return account.ErrAddressNotFound
			}
			return a.AddAddress(l.Address, now)
		})
		return err
	})
	switch {
	case errors.Is(err, account.ErrNotFound), errors.Is(err, account.ErrAddressNotFound), errors.Is(err, errChanged):
		return onetimelink.ErrInvalid
	default:
		return err
	}
}
