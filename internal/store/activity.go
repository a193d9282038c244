package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/activity"
	"github.com/ostiary/ostiary/internal/store/db"
)

// Activity stores what happened to accounts. A trigger of migration 41 records sign-ins in the
// statement that begins or raises a session.
type Activity struct{ db *db.DB }

const (
	activityColumns = `id, subject, kind, at, last_at, count, browser, system, network, detail, expires_at`
	activityRow     = 11 // columns
	insertActivity  = `INSERT INTO activity (` + activityColumns + `) VALUES `
)

// failuresPerStatement bounds the failures that one statement writes.
const failuresPerStatement = 50

func activityValues(e *activity.Event) []any {
	return []any{
		e.ID, e.Subject, string(e.Kind), stamp(e.At), stamp(e.LastAt), int64(e.Count), e.Browser, e.System, e.Network, e.Detail,
		stamp(e.ExpiresAt()),
	}
}

// recordActivity adds an event in the transaction of what it reports.
func recordActivity(ctx context.Context, on db.Conn, e *activity.Event) error {
	if _, err := on.Exec(ctx, insertActivity+`(`+placeholders(1, activityRow)+`)`, activityValues(e)...); err != nil {
		return fmt.Errorf("record activity: %w", err)
	}
	return nil
}

// AddFailures adds failed sign-ins: their number is added to that of a stored event with the
// same account and ID. It uses a connection that no request waits for.
func (s *Activity) AddFailures(ctx context.Context, list []*activity.Event) error {
	const add = ` ON CONFLICT (subject, id) DO UPDATE SET count = activity.count + excluded.count,
		last_at = CASE WHEN activity.last_at < excluded.last_at THEN excluded.last_at ELSE activity.last_at END`

	for some := range slices.Chunk(list, failuresPerStatement) {
		var rows []string
		var args []any
		for _, e := range some {
			rows = append(rows, `(`+placeholders(len(args)+1, activityRow)+`)`)
			args = append(args, activityValues(e)...)
		}
		if _, err := s.db.BackgroundWrite.Exec(ctx, insertActivity+strings.Join(rows, ", ")+add, args...); err != nil {
			return fmt.Errorf("add failed sign-ins: %w", err)
		}
	}
	return nil
}

// ListActivity returns up to limit events of an account, the newest first, starting before the
// ID before; an empty ID starts with the newest. Without kinds it returns those of all kinds.
func (s *Activity) ListActivity(
	ctx context.Context, subject, before string, limit int, kinds ...activity.Kind,
) (list []*activity.Event, err error) {
	const read = `SELECT ` + activityColumns + ` FROM activity WHERE subject = $1 AND id < $2%s ORDER BY id DESC LIMIT $3`

	if before == "" {
		before = "z" // sorts after every ID in every collation
	}
	ofKinds, args := "", []any{subject, before, limit}
	if len(kinds) > 0 {
		ofKinds = ` AND kind IN (` + placeholders(len(args)+1, len(kinds)) + `)`
		for _, k := range kinds {
			args = append(args, string(k))
		}
	}
	err = s.db.LongRead.Query(ctx, func(from db.Scanner) error {
		var count int64
		var expires time.Time
		e := &activity.Event{}
		list = append(list, e)
		err := from.Scan(&e.ID, &e.Subject, intoText(&e.Kind), intoTime(&e.At), intoTime(&e.LastAt), &count,
			&e.Browser, &e.System, &e.Network, &e.Detail, intoTime(&expires))
		e.Count = int(count)
		return err
	}, fmt.Sprintf(read, ofKinds), args...)
	if err != nil {
		return nil, fmt.Errorf("list activity: %w", err)
	}
	return list, nil
}

// purgeFailures removes the oldest failed sign-ins above their maximum number.
func (s *purger) purgeFailures(ctx context.Context, purged *Purged) error {
	const remove = `
		DELETE FROM activity WHERE (subject, id) IN (
			SELECT subject, id FROM activity WHERE kind = '` + string(activity.SignInFailed) + `' ORDER BY at DESC` + limit + ` OFFSET $1)`

	removed, err := inBatches(ctx, s.db.LongWrite, remove, s.maxFailures)
	purged.Rows += removed
	if err != nil {
		return fmt.Errorf("purge failed sign-ins: %w", err)
	}
	return nil
}
