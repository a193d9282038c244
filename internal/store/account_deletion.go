package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/activity"
	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/onetimelink"
	"github.com/ostiary/ostiary/internal/store/db"
)

// pendingDeletion is the condition of an account that its user has asked to delete.
const pendingDeletion = `deletion_requested_at = disabled_at AND locked_at IS NULL`

// RequestDeletion disables an account whose user wants to delete it, and ends its sessions and
// grants. The account is deleted after [account.DeletionDelay], unless
// [OneTimeLinks.UndoDeletion] or an administrator enables it. It returns [account.ErrNotFound]
// for an unknown or disabled account, and [account.ErrLastOwner] instead of disabling the last
// owner.
func (s *Accounts) RequestDeletion(ctx context.Context, subject string, now time.Time) error {
	const request = `
		UPDATE accounts SET disabled_at = $2, deletion_requested_at = $2, updated_at = $2,
			not_before = CASE WHEN not_before < $2 THEN $2 ELSE not_before END
		WHERE subject = $1 AND disabled_at IS NULL`

	version, err := s.replication.commitChange(ctx, db.RequestTimeout, func(c db.Conn) (bool, error) {
		owner, err := isOwner(ctx, c, subject)
		if err != nil {
			return false, err
		}
		if err := changeAccount(ctx, c, subject, now, request, subject, now.UnixMicro()); err != nil {
			return false, err
		}
		if err := s.notices.ofDeletion(ctx, c, activity.DeletionRequested, mail.DeletionRequested, subject, now); err != nil {
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

// UndoDeletion spends a link and enables its account again, which its user had asked to delete:
// both or neither. Other links to undo the deletion end. It returns [onetimelink.ErrInvalid] if
// the link or the account is no longer valid for that.
func (s *OneTimeLinks) UndoDeletion(ctx context.Context, l *onetimelink.Link, now time.Time) error {
	const undo = `
		UPDATE accounts SET disabled_at = NULL, deletion_requested_at = NULL, updated_at = $2
		WHERE subject = $1 AND ` + pendingDeletion
	const end = `DELETE FROM one_time_links WHERE kind = 'undo-deletion' AND subject = $1`

	version, err := s.accounts.replication.commitChange(ctx, db.RequestTimeout, func(c db.Conn) (bool, error) {
		if err := spendLink(ctx, c, l, now); err != nil {
			return false, err
		}
		undone, err := c.Exec(ctx, undo, l.Subject, now.UnixMicro())
		if err != nil {
			return false, fmt.Errorf("undo deletion: %w", err)
		}
		if undone == 0 {
			return false, onetimelink.ErrInvalid
		}
		if _, err := c.Exec(ctx, end, l.Subject); err != nil {
			return false, fmt.Errorf("end links: %w", err)
		}
		return true, s.accounts.notices.ofDeletion(ctx, c, activity.DeletionUndone, mail.DeletionUndone, l.Subject, now)
	})
	if err != nil {
		return err
	}
	s.accounts.replication.enforce(ctx, version)
	return nil
}

// DeleteAccount deletes an account with its sessions and consents, and revokes its
// grants, since a custom login app may create the same subject again. It returns
// [account.ErrNotFound] for an unknown subject, and [account.ErrLastOwner] instead of deleting
// the last owner.
func (s *Accounts) DeleteAccount(ctx context.Context, subject string, now time.Time) error {
	return deleteAccount(ctx, s, subject, now, func(db.Conn) error { return nil }, `DELETE FROM accounts WHERE subject = $1`, subject)
}

// deleteAccount is DeleteAccount by the statement remove, which must delete the account, with
// record in the same transaction.
func deleteAccount(
	ctx context.Context, s *Accounts, subject string, now time.Time, record func(db.Conn) error, remove string, args ...any,
) error {
	version, err := s.replication.commitChange(ctx, db.RequestTimeout, func(c db.Conn) (bool, error) {
		owner, err := isOwner(ctx, c, subject)
		if err != nil {
			return false, err
		}
		if err := removeSources(ctx, c, subject); err != nil {
			return false, err
		}
		if err := changeAccount(ctx, c, subject, now, remove, args...); err != nil {
			return false, err
		}
		if err := record(c); err != nil {
			return false, err
		}
		if _, err := c.Exec(ctx, `DELETE FROM consents WHERE subject = $1`, subject); err != nil {
			return false, fmt.Errorf("delete consents: %w", err)
		}
		if _, err := c.Exec(ctx, `DELETE FROM blocked_clients WHERE subject = $1`, subject); err != nil {
			return false, fmt.Errorf("delete blocked clients: %w", err)
		}
		if _, err := c.Exec(ctx, `DELETE FROM activity WHERE subject = $1`, subject); err != nil {
			return false, fmt.Errorf("delete activity: %w", err)
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

// deleteRequested deletes the accounts whose users have asked for it [account.DeletionDelay] ago,
// with an audit event for each. A locked account stays until the lockdown ends.
func (s *purger) deleteRequested(ctx context.Context, now time.Time, purged *Purged) error {
	const due = `deletion_requested_at <= $1 AND ` + pendingDeletion
	const read = `SELECT subject FROM accounts WHERE ` + due + limit

	before := now.Add(-account.DeletionDelay).UnixMicro()
	var subjects []string
	err := s.db.LongRead.Query(ctx, func(from db.Scanner) error {
		var subject string
		err := from.Scan(&subject)
		subjects = append(subjects, subject)
		return err
	}, read, before)
	if err != nil {
		return fmt.Errorf("find accounts to delete: %w", err)
	}
	for _, subject := range subjects {
		err := deleteAccount(ctx, s.accounts, subject, now, func(c db.Conn) error {
			e := audit.NewEvent("user.delete", subject, audit.Actor{Kind: audit.User, ID: subject}, now)
			e.Outcome = audit.Done
			return insertEvent(ctx, c, e)
		}, `DELETE FROM accounts WHERE subject = $2 AND `+due, before, subject)
		if errors.Is(err, account.ErrNotFound) { // undone, or deleted by another replica
			continue
		}
		if err != nil {
			return err
		}
		purged.Rows++
	}
	return nil
}
