package store

import (
	"context"
	"errors"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/activity"
	"github.com/ostiary/ostiary/internal/onetimelink"
	"github.com/ostiary/ostiary/internal/store/db"
)

// DisownChange spends a link of a user who did not cause what a notice tells of. It ends the
// sessions and grants of the account, makes its devices and networks unknown, makes the address of
// the link primary again if its data say so, and stores next, a link that sets a new password, nil
// for none: all or nothing. It returns [onetimelink.ErrInvalid] if the link is no longer valid.
func (s *OneTimeLinks) DisownChange(ctx context.Context, l, next *onetimelink.Link, now time.Time) error {
	const end = `
		UPDATE accounts SET updated_at = CASE WHEN updated_at < $2 THEN $2 ELSE updated_at + 1 END,
			not_before = CASE WHEN not_before < $2 THEN $2 ELSE not_before END
		WHERE subject = $1 AND disabled_at IS NULL`

	err := s.db.Tx(ctx, func(c db.Conn) error {
		if err := spendLink(ctx, c, l, now); err != nil {
			return err
		}
		if l.Data.Primary {
			_, err := changeMembers(ctx, c, s.accounts.notices, l.Subject, now, func(a *account.Account) error { return a.MakePrimary(l.Address) })
			if err != nil {
				return err
			}
		}
		if err := changeAccount(ctx, c, l.Subject, now, end, l.Subject, now.UnixMicro()); err != nil {
			return err
		}
		if err := removeSources(ctx, c, l.Subject); err != nil {
			return err
		}
		if err := recordActivity(ctx, c, activity.New(activity.Disowned, l.Subject, "", now)); err != nil {
			return err
		}
		if next == nil {
			return nil
		}
		a, err := accountBySubject(ctx, c, l.Subject)
		if err != nil {
			return err
		}
		next.Version = onetimelink.Version(next.Kind, a)
		return insertLink(ctx, c, next)
	})
	switch {
	case errors.Is(err, account.ErrNotFound), errors.Is(err, account.ErrAddressNotFound), errors.Is(err, errChanged):
		return onetimelink.ErrInvalid
	case err != nil:
		return err
	}
	return s.accounts.endConcurrent(ctx, l.Subject, now)
}
