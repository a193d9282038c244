package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/store/db"
)

// InactivityRule disables accounts that are not used. The zero value does nothing.
type InactivityRule struct {
	DisableAfter time.Duration // since the last use; 0 for never
	WarnBefore   time.Duration // how long before it the user gets a message; 0 for no message
}

// inactivity applies an [InactivityRule], to some accounts in each purge.
type inactivity struct {
	InactivityRule

	accounts *Accounts
	log      *slog.Logger

	mu    sync.Mutex
	after string // the subject of the last account that was examined; empty for a new round
}

// idleAccount is an account with its last use.
type idleAccount struct {
	subject          string
	usedAt, warnedAt time.Time // zero warnedAt without a warning
}

// apply examines the next accounts. An account is used when its user signs in, when a session or
// a refresh token is used, and when it is changed. Accounts of a custom login app are left out,
// and so are disabled ones.
func (i *inactivity) apply(ctx context.Context, on *db.DB, now time.Time) error {
	if i.DisableAfter <= 0 || !i.mu.TryLock() {
		return nil
	}
	defer i.mu.Unlock()
	list, err := i.next(ctx, on)
	if err != nil {
		return fmt.Errorf("find inactive accounts: %w", err)
	}
	for _, one := range list {
		if err := i.decide(ctx, on, one, now); err != nil {
			return fmt.Errorf("inactive account %s: %w", one.subject, err)
		}
	}
	return nil
}

// next returns the next accounts in the order of their subjects.
func (i *inactivity) next(ctx context.Context, on *db.DB) (list []idleAccount, err error) {
	const read = `
		SELECT a.subject, a.inactive_warned_at, a.created_at, a.updated_at,
			(SELECT max(seen_at) FROM sessions WHERE subject = a.subject),
			(SELECT max(noted_at) FROM known_sources WHERE subject = a.subject)
		FROM accounts a
		WHERE a.subject > $1 AND a.disabled_at IS NULL AND a.username NOT LIKE ' %'
		ORDER BY a.subject` + limit

	err = on.LongRead.Query(ctx, func(from db.Scanner) error {
		var one idleAccount
		times := make([]time.Time, 4)
		err := from.Scan(&one.subject, intoTime(&one.warnedAt), intoTime(&times[0]), intoTime(&times[1]), intoTime(&times[2]), intoTime(&times[3]))
		for _, at := range times {
			if at.After(one.usedAt) {
				one.usedAt = at
			}
		}
		list = append(list, one)
		return err
	}, read, i.after)
	i.after = ""
	if len(list) == batchSize {
		i.after = list[batchSize-1].subject
	}
	return list, err
}

// decide warns the user of an account, or disables the account, as the rule demands.
func (i *inactivity) decide(ctx context.Context, on *db.DB, one idleAccount, now time.Time) error {
	if now.Before(one.usedAt.Add(i.DisableAfter - i.WarnBefore)) {
		return nil // without looking for its grants
	}
	tokens, err := lastTokens(ctx, on.LongRead, one.subject)
	if err != nil {
		return err
	}
	if tokens.After(one.usedAt) {
		one.usedAt = tokens
	}
	ends := one.usedAt.Add(i.DisableAfter)
	if now.Before(ends.Add(-i.WarnBefore)) {
		return nil
	}
	if i.WarnBefore > 0 && i.accounts.notices.enabled.Load() {
		if !one.warnedAt.After(one.usedAt) {
			return i.warn(ctx, on, one, now)
		}
		// The rule may be newer than the last use: the user has the whole time after the warning.
		if last := one.warnedAt.Add(i.WarnBefore); last.After(ends) {
			ends = last
		}
	}
	if now.Before(ends) {
		return nil
	}
	err = i.accounts.SetDisabled(ctx, one.subject, true, now)
	if errors.Is(err, account.ErrLastOwner) || errors.Is(err, account.ErrNotFound) {
		return nil
	}
	if err == nil {
		i.log.LogAttrs(ctx, slog.LevelInfo, "inactive account disabled", slog.String("subject", one.subject), slog.Time("used_at", one.usedAt))
	}
	return err
}

// warn sends the message, unless another replica has done so.
func (i *inactivity) warn(ctx context.Context, on *db.DB, one idleAccount, now time.Time) error {
	const note = `
		UPDATE accounts SET inactive_warned_at = $2 WHERE subject = $1 AND coalesce(inactive_warned_at, 0) = $3`

	return on.Tx(ctx, func(c db.Conn) error {
		var before int64
		if !one.warnedAt.IsZero() {
			before = one.warnedAt.UnixMicro()
		}
		noted, err := c.Exec(ctx, note, one.subject, now.UnixMicro(), before)
		if err != nil || noted == 0 {
			return err
		}
		ends := one.usedAt.Add(i.DisableAfter)
		if last := now.Add(i.WarnBefore); last.After(ends) {
			ends = last
		}
		return i.accounts.notices.enqueue(ctx, c, one.subject, func(a *account.Account) []*mail.Message {
			return mail.Notices(mail.AccountInactive, a, map[string]string{"username": a.Name(), "detail": ends.UTC().Format(time.DateOnly)}, now)
		})
	})
}

// lastTokens returns the expiry of the last access token of an account, zero if there is none.
// Each use of a refresh token moves it.
func lastTokens(ctx context.Context, on db.Conn, subject string) (until time.Time, err error) {
	const read = `SELECT max(tokens_until) FROM grants WHERE subject = $1 AND revoked_at IS NULL`

	err = on.QueryRow(ctx, read, subject).Scan(intoTime(&until))
	return until, err
}
