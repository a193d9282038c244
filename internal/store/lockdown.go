package store

import (
	"context"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/activity"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/store/db"
)

// LockAccount locks an account down: its sessions, grants and trusted devices end, and sign-ins
// are refused until [Accounts.EndLockdown]. Consents, failure counters, known devices and activity stay as
// evidence. It returns [account.ErrNotFound] for an unknown subject, and [account.ErrLastOwner]
// instead of locking the last owner.
func (s *Accounts) LockAccount(ctx context.Context, subject string, now time.Time) error {
	const lock = `
		UPDATE accounts SET locked_at = coalesce(locked_at, $2), disabled_at = coalesce(disabled_at, $2), updated_at = $2,
			not_before = CASE WHEN not_before < $2 THEN $2 ELSE not_before END
		WHERE subject = $1`

	version, err := s.replication.commitChange(ctx, db.RequestTimeout, func(c db.Conn) (bool, error) {
		owner, err := isOwner(ctx, c, subject)
		if err != nil {
			return false, err
		}
		if err := changeAccount(ctx, c, subject, now, lock, subject, now.UnixMicro()); err != nil {
			return false, err
		}
		if err := deleteTrustedDevices(ctx, c, subject); err != nil {
			return false, err
		}
		if err := recordActivity(ctx, c, activity.New(activity.Locked, subject, "", now)); err != nil {
			return false, err
		}
		err = s.notices.enqueue(ctx, c, subject, func(a *account.Account) []*mail.Message {
			return mail.Notices(mail.AccountLocked, a, map[string]string{"username": a.Name()}, now)
		})
		if err != nil {
			return false, err
		}
		return true, keepOwner(ctx, c, owner)
	})
	if err != nil {
		return err
	}
	err = s.endConcurrent(ctx, subject, now)
	s.replication.enforce(ctx, version)
	return err
}

// EndLockdown ends the lockdown of an account and clears its failure counters. An account that
// was disabled before the lockdown stays disabled. It returns [account.ErrNotFound] for an
// unknown subject.
func (s *Accounts) EndLockdown(ctx context.Context, subject string, now time.Time) error {
	const end = `
		UPDATE accounts SET disabled_at = CASE WHEN disabled_at = locked_at THEN NULL ELSE disabled_at END,
			locked_at = NULL, updated_at = $2
		WHERE subject = $1 AND locked_at IS NOT NULL`

	version, err := s.replication.commitChange(ctx, db.RequestTimeout, func(c db.Conn) (bool, error) {
		ended, err := c.Exec(ctx, end, subject, now.UnixMicro())
		if err != nil {
			return false, fmt.Errorf("end lockdown: %w", err)
		}
		if err := unlock(ctx, c, subject); err != nil || ended == 0 {
			return false, err
		}
		return true, recordActivity(ctx, c, activity.New(activity.Unlocked, subject, "", now))
	})
	if err != nil {
		return err
	}
	s.replication.enforce(ctx, version)
	return nil
}
