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
	"github.com/ostiary/ostiary/internal/signup"
	"github.com/ostiary/ostiary/internal/store/db"
)

// SignUps stores sign-ups until their address is confirmed.
type SignUps struct{ db *db.DB }

// maxSignUps bounds the sign-ups. The oldest are deleted.
const maxSignUps = 100_000

const signUpColumns = `id, browser, request_id, username, secret, claims, address, remember, created_at, expires_at, terms_version`

func scanSignUp(from db.Scanner) (*signup.SignUp, error) {
	s := &signup.SignUp{}
	err := from.Scan(&s.ID, intoBytes(&s.Browser), &s.Request, &s.Username, &s.PasswordHash, intoDocument(&s.Claims), &s.Address,
		intoFlag(&s.Remember), intoTime(&s.CreatedAt), intoTime(&s.ExpiresAt), intoText(&s.TermsVersion))
	return s, err
}

// InsertSignUp stores a sign-up, and adds the messages to the outbox: all or nothing.
func (s *SignUps) InsertSignUp(ctx context.Context, n *signup.SignUp, messages ...*mail.Message) error {
	const insert = `
		INSERT INTO sign_ups (` + signUpColumns + `, code_tries) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0)`

	claims, err := document(n.Claims)
	if err != nil {
		return fmt.Errorf("write claims: %w", err)
	}
	return s.db.Tx(ctx, func(c db.Conn) error {
		_, err := c.Exec(ctx, insert, n.ID, n.Browser, n.Request, n.Username, n.PasswordHash, claims, n.Address, flag(n.Remember),
			stamp(n.CreatedAt), stamp(n.ExpiresAt), optional(n.TermsVersion))
		if err != nil {
			return fmt.Errorf("insert sign-up: %w", err)
		}
		return insertMails(ctx, c, messages)
	})
}

// SignUp returns the sign-up with the ID, or [signup.ErrNotFound].
func (s *SignUps) SignUp(ctx context.Context, id string, now time.Time) (*signup.SignUp, error) {
	const read = `SELECT ` + signUpColumns + ` FROM sign_ups WHERE id = $1 AND expires_at > $2`
	return readSignUp(s.db.Read.QueryRow(ctx, read, id, now.UnixMicro()))
}

// SignUpOf returns the latest sign-up of a browser, or [signup.ErrNotFound].
func (s *SignUps) SignUpOf(ctx context.Context, browser []byte, now time.Time) (*signup.SignUp, error) {
	const read = `
		SELECT ` + signUpColumns + ` FROM sign_ups WHERE browser = $1 AND expires_at > $2 ORDER BY created_at DESC LIMIT 1`
	return readSignUp(s.db.Read.QueryRow(ctx, read, browser, now.UnixMicro()))
}

func readSignUp(from db.Row) (*signup.SignUp, error) {
	n, err := scanSignUp(from)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, signup.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read sign-up: %w", err)
	}
	return n, nil
}

// SetSignUpCode stores the hash of the code that another browser shows, in place of an
// earlier one.
func (s *SignUps) SetSignUpCode(ctx context.Context, id string, code []byte, until time.Time) error {
	const set = `UPDATE sign_ups SET code = $2, code_until = $3, code_tries = 0 WHERE id = $1`

	changed, err := s.db.Write.Exec(ctx, set, id, code, until.UnixMicro())
	if err != nil {
		return fmt.Errorf("set code: %w", err)
	}
	if changed == 0 {
		return signup.ErrNotFound
	}
	return nil
}

// CheckSignUpCode counts an attempt at the code of a sign-up, and returns
// [signup.ErrWrongCode] unless it has the hash and was entered at most
// [onetimelink.CodeTries] times.
func (s *SignUps) CheckSignUpCode(ctx context.Context, id string, code []byte, now time.Time) error {
	const count = `
		UPDATE sign_ups SET code_tries = code_tries + 1 WHERE id = $1 AND code_until > $2 AND code_tries < $3
		RETURNING CASE WHEN code = $4 THEN 1 ELSE 0 END`

	var right bool
	err := s.db.Write.QueryRow(ctx, count, id, now.UnixMicro(), onetimelink.CodeTries, code).Scan(intoFlag(&right))
	if errors.Is(err, sql.ErrNoRows) || err == nil && !right {
		return signup.ErrWrongCode
	}
	if err != nil {
		return fmt.Errorf("check code: %w", err)
	}
	return nil
}

// CompleteSignUp replaces a sign-up by the account a, and ends its links: both or neither. Of
// any number of concurrent callers one succeeds, the others get [signup.ErrNotFound]. It
// returns [account.ErrExists] and [account.ErrAddressTaken] as [Accounts.InsertAccount] does,
// and the sign-up stays.
func (s *SignUps) CompleteSignUp(ctx context.Context, id string, a *account.Account, now time.Time) error {
	const complete = `DELETE FROM sign_ups WHERE id = $1 AND expires_at > $2`
	const links = `DELETE FROM one_time_links WHERE kind = $1 AND subject = $2`

	return s.db.Tx(ctx, func(c db.Conn) error {
		completed, err := c.Exec(ctx, complete, id, now.UnixMicro())
		if err != nil {
			return fmt.Errorf("complete sign-up: %w", err)
		}
		if completed == 0 {
			return signup.ErrNotFound
		}
		if _, err := c.Exec(ctx, links, string(onetimelink.SignUp), id); err != nil {
			return fmt.Errorf("end links: %w", err)
		}
		return insertAccount(ctx, c, a)
	})
}

// purgeSignUps deletes expired sign-ups, and the oldest above their maximum number.
func (s *purger) purgeSignUps(ctx context.Context, now time.Time, purged *Purged) error {
	const expired = `DELETE FROM sign_ups WHERE id IN (SELECT id FROM sign_ups WHERE created_at <= $1 ORDER BY created_at` + limit + `)`
	const oldest = `DELETE FROM sign_ups WHERE id IN (SELECT id FROM sign_ups ORDER BY created_at DESC` + limit + ` OFFSET $1)`

	removed, err := inBatches(ctx, s.db.LongWrite, expired, now.Add(-signup.Lifetime-expiryMargin).UnixMicro())
	purged.Rows += removed
	if err != nil {
		return fmt.Errorf("purge sign-ups: %w", err)
	}
	removed, err = inBatches(ctx, s.db.LongWrite, oldest, s.maxSignUps)
	purged.Rows += removed
	if err != nil {
		return fmt.Errorf("purge sign-ups: %w", err)
	}
	return nil
}
