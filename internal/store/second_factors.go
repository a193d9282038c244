package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/activity"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/secondfactor"
	"github.com/ostiary/ostiary/internal/store/db"
)

// SecondFactors stores the authenticator apps and recovery codes of accounts.
type SecondFactors struct {
	db      *db.DB
	notices *notices
}

// Factors returns the second factors of an account, none for an unknown subject.
func (s *SecondFactors) Factors(ctx context.Context, subject string) (secondfactor.FactorSet, error) {
	const read = `
		SELECT id, secret, label, last_step, created_at, last_used_at FROM authenticators WHERE subject = $1
		UNION ALL
		SELECT '', hash_key, '', (SELECT count(*) FROM recovery_codes c WHERE c.subject = $1 AND c.used_at IS NULL), created_at, NULL
		FROM recovery_code_sets WHERE subject = $1
		ORDER BY created_at, id`

	var f secondfactor.FactorSet
	err := s.db.Read.Query(ctx, func(from db.Scanner) error {
		a := &secondfactor.Authenticator{Subject: subject}
		err := from.Scan(&a.ID, intoBytes(&a.Secret), &a.Label, &a.LastStep, intoTime(&a.CreatedAt), intoTime(&a.LastUsedAt))
		if a.ID == "" {
			f.RecoveryCodes = secondfactor.RecoveryCodes{HashKey: a.Secret, Left: int(a.LastStep), CreatedAt: a.CreatedAt}
			return err
		}
		f.Authenticators = append(f.Authenticators, a)
		return err
	}, read, subject)
	if err != nil {
		return secondfactor.FactorSet{}, fmt.Errorf("read second factors: %w", err)
	}
	return f, nil
}

// AcceptStep records the use of an authenticator at a time step.
//
// It is a compare-and-set: of any number of concurrent callers one succeeds. The others get
// [secondfactor.ErrReplayed], as do callers with an earlier step. It returns
// [secondfactor.ErrNotEnrolled] if the authenticator does not exist.
func (s *SecondFactors) AcceptStep(ctx context.Context, subject, id string, step int64, now time.Time) error {
	const accept = `
		UPDATE authenticators SET last_step = $3, last_used_at = $4
		WHERE subject = $1 AND id = $2 AND last_step < $3`
	const exists = `SELECT count(*) FROM authenticators WHERE subject = $1 AND id = $2`

	accepted, err := s.db.Write.Exec(ctx, accept, subject, id, step, now.UnixMicro())
	if err != nil {
		return fmt.Errorf("accept time step: %w", err)
	}
	if accepted == 1 {
		return nil
	}
	var count int64
	if err := s.db.Read.QueryRow(ctx, exists, subject, id).Scan(&count); err != nil {
		return fmt.Errorf("look for authenticator: %w", err)
	}
	if count == 0 {
		return secondfactor.ErrNotEnrolled
	}
	return secondfactor.ErrReplayed
}

// RedeemRecoveryCode uses up the recovery code with the hash and returns the number of codes
// that are left.
//
// It is a compare-and-set: of any number of concurrent callers one succeeds. The others get
// [secondfactor.ErrReplayed]. It returns [secondfactor.ErrWrong] for an unknown code.
func (s *SecondFactors) RedeemRecoveryCode(ctx context.Context, subject string, hash []byte, now time.Time) (left int, err error) {
	const redeem = `UPDATE recovery_codes SET used_at = $3 WHERE subject = $1 AND hash = $2 AND used_at IS NULL`
	const count = `
		SELECT count(CASE WHEN hash = $2 THEN 1 END), count(CASE WHEN used_at IS NULL THEN 1 END)
		FROM recovery_codes WHERE subject = $1`

	var redeemed, found, unused int64
	err = s.db.Tx(ctx, func(c db.Conn) error {
		if redeemed, err = c.Exec(ctx, redeem, subject, hash, now.UnixMicro()); err != nil {
			return fmt.Errorf("redeem recovery code: %w", err)
		}
		if err := c.QueryRow(ctx, count, subject, hash).Scan(&found, &unused); err != nil {
			return fmt.Errorf("count recovery codes: %w", err)
		}
		if redeemed == 0 {
			return nil
		}
		if err := recordActivity(ctx, c, activity.New(activity.RecoveryCodeUsed, subject, "", now)); err != nil {
			return err
		}
		return s.notices.enqueue(ctx, c, subject, func(a *account.Account) []*mail.Message {
			data := map[string]string{"username": a.Name(), "detail": strconv.FormatInt(unused, 10)}
			return mail.Notices(mail.RecoveryCodeUsed, a, data, now)
		})
	})
	switch {
	case err != nil:
		return 0, err
	case redeemed == 1:
		return int(unused), nil
	case found == 0:
		return 0, secondfactor.ErrWrong
	default:
		return 0, secondfactor.ErrReplayed
	}
}

// ReplaceRecoveryCodes stores a set of recovery codes and deletes the previous one.
func (s *SecondFactors) ReplaceRecoveryCodes(ctx context.Context, subject string, set secondfactor.RecoveryCodes, hashes [][]byte) error {
	// The upsert comes first: concurrent callers wait for each other there.
	const replace = `
		INSERT INTO recovery_code_sets (subject, hash_key, created_at) VALUES ($1, $2, $3)
		ON CONFLICT (subject) DO UPDATE SET hash_key = excluded.hash_key, created_at = excluded.created_at`

	args := []any{subject}
	rows := make([]string, len(hashes))
	for i, hash := range hashes {
		args = append(args, hash)
		rows[i] = `($1, ` + placeholders(len(args), 1) + `)`
	}
	err := s.db.Tx(ctx, func(c db.Conn) error {
		_, err := c.Exec(ctx, replace, subject, set.HashKey, set.CreatedAt.UnixMicro())
		if err == nil {
			_, err = c.Exec(ctx, `DELETE FROM recovery_codes WHERE subject = $1`, subject)
		}
		if err == nil {
			_, err = c.Exec(ctx, `INSERT INTO recovery_codes (subject, hash) VALUES `+strings.Join(rows, ", "), args...)
		}
		if err != nil {
			return err
		}
		return s.notices.ofCredential(ctx, c, mail.CredentialAdded, subject, credential.Info{Kind: credential.RecoveryCodes}, set.CreatedAt)
	})
	if err != nil {
		return fmt.Errorf("replace recovery codes: %w", err)
	}
	return nil
}

// Enrolments returns how many authenticator apps were ever added to an account; 0 for an unknown
// subject.
func (s *SecondFactors) Enrolments(ctx context.Context, subject string) (count int64, err error) {
	err = s.db.Read.QueryRow(ctx, `SELECT coalesce(max(enrolments), 0) FROM accounts WHERE subject = $1`, subject).Scan(&count)
	if err != nil {
		return 0, fmt.Errorf("count enrolments: %w", err)
	}
	return count, nil
}

// InsertAuthenticator adds an authenticator app to an account to which count apps were added so
// far, and counts it. Of concurrent callers with one count one succeeds; the others get
// [secondfactor.ErrNoEnrolment]. It returns [secondfactor.ErrTooMany] if the account has
// maxAuthenticators.
func (s *SecondFactors) InsertAuthenticator(
	ctx context.Context, a *secondfactor.Authenticator, count int64, maxAuthenticators int,
) error {
	const spend = `UPDATE accounts SET enrolments = enrolments + 1 WHERE subject = $1 AND enrolments = $2`
	const insert = `
		INSERT INTO authenticators (subject, id, secret, label, last_step, created_at) SELECT $1, $2, $3, $4, $5, $6
		WHERE (SELECT count(*) FROM authenticators a WHERE a.subject = $1) < $7`

	return s.db.Tx(ctx, func(c db.Conn) error {
		spent, err := c.Exec(ctx, spend, a.Subject, count)
		if err != nil {
			return fmt.Errorf("complete enrolment: %w", err)
		}
		if spent == 0 {
			return secondfactor.ErrNoEnrolment
		}
		inserted, err := c.Exec(ctx, insert, a.Subject, a.ID, a.Secret, a.Label, a.LastStep, a.CreatedAt.UnixMicro(), maxAuthenticators)
		if err != nil {
			return fmt.Errorf("insert authenticator: %w", err)
		}
		if inserted == 0 {
			return secondfactor.ErrTooMany
		}
		if err := endMustEnrol(ctx, c, a.Subject, a.CreatedAt); err != nil {
			return err
		}
		return s.notices.ofCredential(ctx, c, mail.CredentialAdded, a.Subject, credential.Info{Kind: credential.TOTP, Label: a.Label}, a.CreatedAt)
	})
}

// DeleteAuthenticator deletes an authenticator app. It returns [secondfactor.ErrNotEnrolled]
// for an unknown one.
func (s *SecondFactors) DeleteAuthenticator(ctx context.Context, subject, id string, now time.Time) error {
	const remove = `DELETE FROM authenticators WHERE subject = $1 AND id = $2 RETURNING label`

	return s.db.Tx(ctx, func(c db.Conn) error {
		removed := credential.Info{Kind: credential.TOTP}
		err := c.QueryRow(ctx, remove, subject, id).Scan(&removed.Label)
		if errors.Is(err, sql.ErrNoRows) {
			return secondfactor.ErrNotEnrolled
		}
		if err != nil {
			return fmt.Errorf("delete authenticator: %w", err)
		}
		return s.notices.ofCredential(ctx, c, mail.CredentialRemoved, subject, removed, now)
	})
}

// Credentials describes the second factors of an account, none for an unknown subject.
func (s *SecondFactors) Credentials(ctx context.Context, subject string) ([]credential.Info, error) {
	f, err := s.Factors(ctx, subject)
	return f.Credentials(), err
}

// RemoveCredential deletes an authenticator app, or the recovery codes. It returns
// [credential.ErrNotFound] for an unknown one.
func (s *SecondFactors) RemoveCredential(ctx context.Context, subject, id string, now time.Time) error {
	if id != credential.RecoveryCodesID {
		err := s.DeleteAuthenticator(ctx, subject, id, now)
		if errors.Is(err, secondfactor.ErrNotEnrolled) {
			return credential.ErrNotFound
		}
		return err
	}
	return s.db.Tx(ctx, func(c db.Conn) error {
		deleted, err := c.Exec(ctx, `DELETE FROM recovery_code_sets WHERE subject = $1`, subject)
		if err != nil {
			return fmt.Errorf("delete recovery codes: %w", err)
		}
		if deleted == 0 {
			return credential.ErrNotFound
		}
		return s.notices.ofCredential(ctx, c, mail.CredentialRemoved, subject, credential.Info{Kind: credential.RecoveryCodes}, now)
	})
}
