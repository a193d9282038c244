package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/passkey"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store/db"
)

// Passkeys stores the passkeys of accounts.
type Passkeys struct {
	db      *db.DB
	notices *notices
}

//nolint:gosec // names of columns
const passkeyColumns = `p.id, p.subject, p.handle, p.rp_id, p.document, p.label, p.counter, p.backed_up,
	p.created_at, p.last_used_at, p.counter_back_at`

func passkeyInto(p *passkey.Passkey) []any {
	return []any{
		intoBytes(&p.ID), &p.Subject, intoBytes(&p.Handle), &p.RPID, intoDocument(&p.Key), &p.Label, &p.Counter, intoFlag(&p.BackedUp),
		intoTime(&p.CreatedAt), intoTime(&p.LastUsedAt), intoTime(&p.CounterBackAt),
	}
}

// PasskeysByHandle returns the account with the user handle and all of its passkeys, the
// oldest first. The account has Subject, Username, DisabledAt and SessionsValidAfter. It
// returns [passkey.ErrUnknown] if no passkey has the handle.
func (s *Passkeys) PasskeysByHandle(ctx context.Context, handle []byte) (*account.Account, []*passkey.Passkey, error) {
	const read = `
		SELECT a.username, a.disabled_at, a.not_before, ` + passkeyColumns + `
		FROM passkeys p JOIN accounts a ON a.subject = p.subject
		WHERE p.handle = $1 ORDER BY p.created_at, p.id`

	a := &account.Account{}
	var list []*passkey.Passkey
	err := s.db.Read.Query(ctx, func(from db.Scanner) error {
		p := &passkey.Passkey{}
		err := from.Scan(append([]any{&a.Username, intoTime(&a.DisabledAt), intoTime(&a.SessionsValidAfter)}, passkeyInto(p)...)...)
		a.Subject, list = p.Subject, append(list, p)
		return err
	}, read, handle)
	if err != nil {
		return nil, nil, fmt.Errorf("read passkeys: %w", err)
	}
	if len(list) == 0 {
		return nil, nil, passkey.ErrUnknown
	}
	return a, list, nil
}

// PasskeyExists reports whether an account has the credential ID.
func (s *Passkeys) PasskeyExists(ctx context.Context, id []byte) (bool, error) {
	var found int64
	if err := s.db.Read.QueryRow(ctx, `SELECT count(*) FROM passkeys WHERE id = $1`, id).Scan(&found); err != nil {
		return false, fmt.Errorf("look for passkey: %w", err)
	}
	return found > 0, nil
}

// OtherRPID returns an RP ID other than id that stored passkeys have, or "".
func (s *Passkeys) OtherRPID(ctx context.Context, id string) (string, error) {
	const read = `SELECT (SELECT min(rp_id) FROM passkeys), (SELECT max(rp_id) FROM passkeys)`

	var least, greatest sql.NullString
	if err := s.db.Read.QueryRow(ctx, read).Scan(&least, &greatest); err != nil {
		return "", fmt.Errorf("read RP IDs of passkeys: %w", err)
	}
	for _, found := range []sql.NullString{least, greatest} {
		if found.Valid && found.String != id {
			return found.String, nil
		}
	}
	return "", nil
}

// PasskeysOf returns the passkeys of an account, the oldest first.
func (s *Passkeys) PasskeysOf(ctx context.Context, subject string) (list []*passkey.Passkey, err error) {
	const read = `SELECT ` + passkeyColumns + ` FROM passkeys p WHERE p.subject = $1 ORDER BY p.created_at, p.id`

	err = s.db.Read.Query(ctx, func(from db.Scanner) error {
		p := &passkey.Passkey{}
		list = append(list, p)
		return from.Scan(passkeyInto(p)...)
	}, read, subject)
	if err != nil {
		return nil, fmt.Errorf("read passkeys: %w", err)
	}
	return list, nil
}

// InsertPasskey adds a registered passkey and marks the challenge of its registration as
// used, in one transaction. It returns [passkey.ErrSpent] if the challenge was used before,
// [session.ErrNotFound] if the session has ended, [passkey.ErrExists] if the credential ID is
// taken, and [passkey.ErrTooMany].
func (s *Passkeys) InsertPasskey(ctx context.Context, r *passkey.Registration, now time.Time) error {
	p := r.Passkey
	return s.db.Tx(ctx, func(c db.Conn) error {
		if err := spendSessionChallenge(ctx, c, p.Subject, r.Use, now); err != nil {
			return err
		}
		// The session row is locked now, so that one browser does not exceed the limit. Two may
		// exceed it by one.
		var count int64
		if err := c.QueryRow(ctx, `SELECT count(*) FROM passkeys WHERE subject = $1`, p.Subject).Scan(&count); err != nil {
			return fmt.Errorf("count passkeys: %w", err)
		}
		if count >= passkey.MaxPerAccount {
			return passkey.ErrTooMany
		}
		if err := insertPasskey(ctx, c, p); err != nil {
			return err
		}
		if err := endMustEnrol(ctx, c, p.Subject, now); err != nil {
			return err
		}
		return s.notices.ofCredential(ctx, c, mail.CredentialAdded, p.Subject, p.Info(), now)
	})
}

// insertPasskey adds a passkey. It returns [passkey.ErrExists] if the credential ID is taken.
func insertPasskey(ctx context.Context, on db.Conn, p *passkey.Passkey) error {
	const insert = `
		INSERT INTO passkeys (id, subject, handle, rp_id, document, label, counter, backed_up, created_at, last_session)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, '') ON CONFLICT (id) DO NOTHING`

	key, err := document(p.Key)
	if err != nil {
		return fmt.Errorf("write passkey: %w", err)
	}
	inserted, err := on.Exec(ctx, insert, p.ID, p.Subject, p.Handle, p.RPID, key, p.Label, int64(p.Counter), flag(p.BackedUp), stamp(p.CreatedAt))
	if err != nil {
		return fmt.Errorf("insert passkey: %w", err)
	}
	if inserted == 0 {
		return passkey.ErrExists
	}
	return nil
}

// insertAccountWith adds an account and its passkey, unless that is nil.
func insertAccountWith(ctx context.Context, on db.Conn, a *account.Account, p *passkey.Passkey) error {
	if err := insertAccount(ctx, on, a); err != nil || p == nil {
		return err
	}
	return insertPasskey(ctx, on, p)
}

// spendSessionChallenge marks a challenge that was issued in a session as used.
func spendSessionChallenge(ctx context.Context, on db.Conn, subject string, use passkey.SessionChallenge, now time.Time) error {
	const (
		spend = `
			UPDATE sessions SET challenge_spent_at = $3
			WHERE cookie = $1 AND subject = $2 AND challenge_spent_at < $3 AND idle_until > $4`
		read = `SELECT count(*) FROM sessions WHERE cookie = $1 AND subject = $2 AND idle_until > $3`
	)
	spent, err := on.Exec(ctx, spend, use.CookieHash, subject, use.IssuedAt, now.UnixMicro())
	if err != nil {
		return fmt.Errorf("spend challenge: %w", err)
	}
	if spent == 1 {
		return nil
	}
	var live int64
	if err := on.QueryRow(ctx, read, use.CookieHash, subject, now.UnixMicro()).Scan(&live); err != nil {
		return fmt.Errorf("read session: %w", err)
	}
	if live == 0 {
		return session.ErrNotFound
	}
	return passkey.ErrSpent
}

// OfferPasskey reports whether the page that offers a passkey is to be shown to the user of
// an account, and records that it is: the account has no passkey with the RP ID, and the page was
// not shown after since.
func (s *Passkeys) OfferPasskey(ctx context.Context, subject, rpID string, since, now time.Time) (bool, error) {
	const offer = `
		INSERT INTO passkey_offers (subject, offered_at)
		SELECT a.subject, $2 FROM accounts a
		WHERE a.subject = $1 AND NOT EXISTS (SELECT 1 FROM passkeys p WHERE p.subject = a.subject AND p.rp_id = $4)
		ON CONFLICT (subject) DO UPDATE SET offered_at = excluded.offered_at WHERE passkey_offers.offered_at <= $3`

	shown, err := s.db.Write.Exec(ctx, offer, subject, now.UnixMicro(), since.UnixMicro(), rpID)
	if err != nil {
		return false, fmt.Errorf("offer passkey: %w", err)
	}
	return shown == 1, nil
}

// Credentials describes the passkeys of an account.
func (s *Passkeys) Credentials(ctx context.Context, subject string) (list []credential.Info, err error) {
	passkeys, err := s.PasskeysOf(ctx, subject)
	for _, p := range passkeys {
		list = append(list, p.Info())
	}
	return list, err
}

// RemoveCredential removes a passkey. It returns [credential.ErrNotFound] if the account has
// no passkey with the ID, which is that of [passkey.Passkey.Info].
func (s *Passkeys) RemoveCredential(ctx context.Context, subject, id string, now time.Time) error {
	const remove = `DELETE FROM passkeys WHERE id = $1 AND subject = $2 RETURNING label, document`

	raw, err := passkey.ParseID(id)
	if err != nil {
		return credential.ErrNotFound
	}
	return s.db.Tx(ctx, func(c db.Conn) error {
		removed := &passkey.Passkey{ID: raw}
		err := c.QueryRow(ctx, remove, raw, subject).Scan(&removed.Label, intoDocument(&removed.Key))
		if errors.Is(err, sql.ErrNoRows) {
			return credential.ErrNotFound
		}
		if err != nil {
			return fmt.Errorf("remove passkey: %w", err)
		}
		return s.notices.ofCredential(ctx, c, mail.CredentialRemoved, subject, removed.Info(), now)
	})
}

// RenamePasskey sets the label of a passkey. It returns [credential.ErrNotFound] if the account
// has no passkey with the ID.
func (s *Passkeys) RenamePasskey(ctx context.Context, subject, id, label string) error {
	raw, err := passkey.ParseID(id)
	if err != nil {
		return credential.ErrNotFound
	}
	renamed, err := s.db.Write.Exec(ctx, `UPDATE passkeys SET label = $3 WHERE id = $1 AND subject = $2`, raw, subject, label)
	if err != nil {
		return fmt.Errorf("rename passkey: %w", err)
	}
	if renamed == 0 {
		return credential.ErrNotFound
	}
	return nil
}
