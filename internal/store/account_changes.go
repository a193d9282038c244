package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/activity"
	"github.com/ostiary/ostiary/internal/store/db"
)

// errChanged reports a concurrent change of an account.
var errChanged = errors.New("the account has changed")

// ChangeAccount applies change to the claims, addresses, groups, roles, attributes, state and
// administrator role of an account, and returns the stored account. To disable an account has the
// effects of [Accounts.SetDisabled]. It calls change again
// after a concurrent change of the account; an error of change is returned and changes
// nothing. It returns [account.ErrNotFound] for an unknown subject, and for the new values
// the errors of [Accounts.InsertAccount] and [account.ErrLastOwner].
func (s *Accounts) ChangeAccount(
	ctx context.Context, subject string, now time.Time, change func(*account.Account) error,
) (a *account.Account, err error) {
	var version int64
	wasDisabled := false
	for {
		version, err = s.replication.commitChange(ctx, db.RequestTimeout, func(c db.Conn) (bool, error) {
			a, err = changeMembers(ctx, c, s.notices, subject, now, func(a *account.Account) error {
				wasDisabled = !a.DisabledAt.IsZero()
				return change(a)
			})
			return err == nil && wasDisabled == a.DisabledAt.IsZero(), err
		})
		if errors.Is(err, errChanged) {
			continue
		}
		if err != nil || version == 0 {
			return a, err
		}
		if !wasDisabled {
			err = s.endConcurrent(ctx, subject, a.UpdatedAt)
		}
		s.replication.enforce(ctx, version)
		return a, err
	}
}

// ChangeProfile is [Accounts.ChangeAccount] for a change by the user. A change of claims or
// attributes is an event of the account.
func (s *Accounts) ChangeProfile(ctx context.Context, subject string, now time.Time, change func(*account.Account) error) error {
	for {
		err := s.db.Tx(ctx, func(c db.Conn) error {
			var before documents
			a, err := changeMembers(ctx, c, s.notices, subject, now, func(a *account.Account) (err error) {
				if before, err = accountDocuments(a); err != nil {
					return err
				}
				return change(a)
			})
			if err != nil {
				return err
			}
			after, err := accountDocuments(a)
			if err != nil || after == before {
				return err
			}
			return recordActivity(ctx, c, activity.New(activity.ProfileChanged, subject, "", now))
		})
		if !errors.Is(err, errChanged) {
			return err
		}
	}
}

// changeMembers is [Accounts.ChangeAccount] within a transaction. It returns errChanged
// after a concurrent change.
func changeMembers(
	ctx context.Context, on db.Conn, tell *notices, subject string, now time.Time, change func(*account.Account) error,
) (*account.Account, error) {
	before, err := accountBySubject(ctx, on, subject)
	if err != nil {
		return nil, err
	}
	a := *before
	a.Claims = maps.Clone(before.Claims)
	if err := change(&a); err != nil {
		return nil, err
	}
	a.UpdatedAt = now.Truncate(time.Microsecond)
	if !a.UpdatedAt.After(before.UpdatedAt) {
		a.UpdatedAt = before.UpdatedAt.Add(time.Microsecond)
	}
	if err := replaceMembers(ctx, on, &a, before); err != nil {
		return nil, err
	}
	return &a, tell.ofAddresses(ctx, on, &a, before, now)
}

// replaceMembers writes the members of an account that was read as before.
func replaceMembers(ctx context.Context, on db.Conn, a, before *account.Account) error {
	const update = `
		UPDATE accounts SET claims = $2, administrator = $3, admin_role = $4, state = $5, roles = $6, attributes = $7, updated_at = $8
		WHERE subject = $1 AND updated_at = $9`

	columns, err := accountDocuments(a)
	if err != nil {
		return err
	}
	administrator, role := adminColumns(a.AdminRole)
	changed, err := on.Exec(ctx, update, a.Subject, columns.claims, administrator, role, stateColumn(a.State),
		columns.roles, columns.attributes, stamp(a.UpdatedAt), stamp(before.UpdatedAt))
	if err != nil {
		return fmt.Errorf("change account: %w", err)
	}
	if changed == 0 {
		return errChanged
	}
	if err := replaceLists(ctx, on, a, before); err != nil {
		return err
	}
	if err := changeWords(ctx, on, a, before); err != nil {
		return err
	}
	if disabled := !a.DisabledAt.IsZero(); disabled == before.DisabledAt.IsZero() {
		if err := setDisabled(ctx, on, a.Subject, disabled, a.UpdatedAt); err != nil {
			return err
		}
	}
	return keepOwner(ctx, on, before.AdminRole == account.Owner && a.AdminRole != account.Owner)
}

// replaceLists writes the addresses and groups of an account that differ from those before.
// A changed claim email writes an address as well, see migration 25.
func replaceLists(ctx context.Context, on db.Conn, a, before *account.Account) error {
	if !slices.Equal(a.Addresses, before.Addresses) {
		if err := writeAddresses(ctx, on, a); err != nil {
			return err
		}
	}
	if slices.Equal(a.Groups, before.Groups) {
		return nil
	}
	return writeGroups(ctx, on, a)
}

// keepOwner returns [account.ErrLastOwner] if a change took away an owner, and no enabled
// account is an owner any more. It is the last statement of a change, and such changes run
// one after the other.
func keepOwner(ctx context.Context, on db.Conn, lost bool) error {
	const order = `UPDATE change_counter SET value = value WHERE only_row = 1`
	const count = `SELECT count(*) FROM accounts WHERE administrator = 1 AND disabled_at IS NULL`

	if !lost {
		return nil
	}
	if _, err := on.Exec(ctx, order); err != nil {
		return fmt.Errorf("order changes of owners: %w", err)
	}
	var owners int64
	if err := on.QueryRow(ctx, count).Scan(&owners); err != nil {
		return fmt.Errorf("count owners: %w", err)
	}
	if owners == 0 {
		return account.ErrLastOwner
	}
	return nil
}

// isOwner reports whether an enabled account is an owner.
func isOwner(ctx context.Context, on db.Conn, subject string) (bool, error) {
	const count = `SELECT count(*) FROM accounts WHERE subject = $1 AND administrator = 1 AND disabled_at IS NULL`

	var owners int64
	if err := on.QueryRow(ctx, count, subject).Scan(&owners); err != nil {
		return false, fmt.Errorf("look for owner: %w", err)
	}
	return owners > 0, nil
}

// documents are the columns of an account that hold JSON.
type documents struct{ claims, roles, attributes string }

func accountDocuments(a *account.Account) (d documents, err error) {
	if d.claims, err = document(a.Claims); err != nil {
		return d, fmt.Errorf("write claims: %w", err)
	}
	if len(a.Roles) > 0 {
		if d.roles, err = document(a.Roles); err != nil {
			return d, fmt.Errorf("write roles: %w", err)
		}
	}
	if len(a.Attributes) > 0 {
		if d.attributes, err = document(a.Attributes); err != nil {
			return d, fmt.Errorf("write attributes: %w", err)
		}
	}
	return d, nil
}

// writeGroups replaces the memberships of an account. It returns [account.ErrGroupNotFound]
// for an unknown group.
func writeGroups(ctx context.Context, on db.Conn, a *account.Account) error {
	if _, err := on.Exec(ctx, `DELETE FROM memberships WHERE subject = $1`, a.Subject); err != nil {
		return fmt.Errorf("write groups: %w", err)
	}
	return inChunks(a.Groups, func(places string, args []any) error {
		written, err := on.Exec(ctx, `INSERT INTO memberships (subject, group_name) SELECT $1, name FROM user_groups WHERE name IN (`+places+`)`, args...)
		if err != nil {
			return fmt.Errorf("write groups: %w", err)
		}
		if written < int64(len(args)-1) {
			return account.ErrGroupNotFound
		}
		return nil
	}, a.Subject)
}

// endMustEnrol ends the state [account.MustEnrol] of an account whose user has added a second
// factor or a passkey. It is a compare-and-set.
func endMustEnrol(ctx context.Context, on db.Conn, subject string, now time.Time) error {
	const end = `
		UPDATE accounts SET state = '', updated_at = CASE WHEN updated_at < $2 THEN $2 ELSE updated_at + 1 END
		WHERE subject = $1 AND state = '` + string(account.MustEnrol) + `'`

	if _, err := on.Exec(ctx, end, subject, now.UnixMicro()); err != nil {
		return fmt.Errorf("end state of account: %w", err)
	}
	return nil
}
