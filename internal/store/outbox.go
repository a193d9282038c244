package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/outbox"
	"github.com/ostiary/ostiary/internal/store/db"
)

// Outbox stores notices to clients until they are delivered.
type Outbox struct{ db *db.DB }

const noticeColumns = `id, kind, client_id, subject, session_id, state,
	created_at, due_at, until, attempts, status, fault, ended_at, known_as`

// Retention of finished notices: operators may look up delivered ones, and retry failed
// ones.
const (
	deliveredRetention = 24 * time.Hour
	failedRetention    = 30 * 24 * time.Hour
)

func scanNotice(from db.Scanner) (*outbox.Notice, error) {
	n := &outbox.Notice{}
	err := from.Scan(&n.ID, intoText(&n.Kind), &n.ClientID, &n.Subject, &n.SessionID, intoText(&n.State),
		intoTime(&n.CreatedAt), intoTime(&n.DueAt), intoTime(&n.ExpiresAt), &n.Attempts, &n.Status, &n.LastError, intoTime(&n.EndedAt), &n.ForcedSubject)
	return n, err
}

func insertNotices(ctx context.Context, on db.Conn, list []*outbox.Notice) error {
	const atOnce = 50

	for some := range slices.Chunk(list, atOnce) {
		var rows []string
		var args []any
		for _, n := range some {
			row := []any{
				n.ID, string(n.Kind), n.ClientID, n.Subject, n.SessionID, string(n.State),
				stamp(n.CreatedAt), stamp(n.DueAt), stamp(n.ExpiresAt), n.Attempts, n.Status, n.LastError, micros(n.EndedAt), n.ForcedSubject,
			}
			rows = append(rows, `(`+placeholders(len(args)+1, len(row))+`)`)
			args = append(args, row...)
		}
		insert := `INSERT INTO notices (` + noticeColumns + `) VALUES ` + strings.Join(rows, `, `)
		if _, err := on.Exec(ctx, insert, args...); err != nil {
			return fmt.Errorf("insert notices: %w", err)
		}
	}
	return nil
}

// DueNotices returns the clients with pending notices, each with the time at which its
// first one is due.
func (s *Outbox) DueNotices(ctx context.Context) ([]outbox.Due, error) {
	const read = `
		SELECT client_id, min(due_at) FROM notices WHERE state = 'pending'
		GROUP BY client_id ORDER BY min(due_at), client_id`

	var list []outbox.Due
	err := s.db.LongRead.Query(ctx, func(from db.Scanner) error {
		var d outbox.Due
		err := from.Scan(&d.ClientID, intoTime(&d.At))
		list = append(list, d)
		return err
	}, read)
	if err != nil {
		return nil, fmt.Errorf("list due notices: %w", err)
	}
	return list, nil
}

// ClaimNotice returns the next due notice of a client, counts the attempt, and hides
// the notice from other callers until lease. Of concurrent callers one gets it. It
// returns [outbox.ErrNotFound] if none is due.
func (s *Outbox) ClaimNotice(ctx context.Context, clientID string, now, lease time.Time) (*outbox.Notice, error) {
	const claim = `
		UPDATE notices SET due_at = $3, attempts = attempts + 1
		WHERE state = 'pending' AND due_at <= $2 AND id IN (
			SELECT id FROM notices WHERE state = 'pending' AND client_id = $1 AND due_at <= $2
			ORDER BY due_at, id LIMIT 1)
		RETURNING ` + noticeColumns

	n, err := scanNotice(s.db.LongWrite.QueryRow(ctx, claim, clientID, now.UnixMicro(), lease.UnixMicro()))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, outbox.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("claim notice: %w", err)
	}
	return n, nil
}

// PostponeNotice records the failure of a claimed notice and the time of the next
// attempt. It does nothing if the notice was claimed again since.
func (s *Outbox) PostponeNotice(ctx context.Context, n *outbox.Notice, dueAt time.Time) error {
	const postpone = `
		UPDATE notices SET due_at = $3, status = $4, fault = $5
		WHERE id = $1 AND attempts = $2 AND state = 'pending'`

	if _, err := s.db.LongWrite.Exec(ctx, postpone, n.ID, n.Attempts, dueAt.UnixMicro(), n.Status, n.LastError); err != nil {
		return fmt.Errorf("postpone notice: %w", err)
	}
	return nil
}

// EndNotice records that a claimed notice is finished: it was delivered, by this or a
// concurrent attempt, or has failed.
func (s *Outbox) EndNotice(ctx context.Context, n *outbox.Notice, state outbox.State, now time.Time) error {
	const end = `
		UPDATE notices SET state = $2, status = $3, fault = $4, ended_at = $5, purge_after = $6
		WHERE id = $1 AND state = 'pending' AND ($2 = 'delivered' OR attempts = $7)`

	kept := deliveredRetention
	if state == outbox.Failed {
		kept = failedRetention
	}
	_, err := s.db.LongWrite.Exec(ctx, end, n.ID, string(state), n.Status, n.LastError, now.UnixMicro(), now.Add(kept).UnixMicro(), n.Attempts)
	if err != nil {
		return fmt.Errorf("end notice: %w", err)
	}
	return nil
}

// NoticeFilter restricts a list of notices. An empty field matches all.
type NoticeFilter struct {
	ClientID string
	State    outbox.State
}

// ListNotices returns up to limit notices in the order of IDs, starting after the ID
// after.
func (s *Outbox) ListNotices(ctx context.Context, f NoticeFilter, after string, limit int) (list []*outbox.Notice, err error) {
	const read = `
		SELECT ` + noticeColumns + ` FROM notices
		WHERE id > $1 AND ($2 = '' OR client_id = $2) AND ($3 = '' OR state = $3)
		ORDER BY id LIMIT $4`

	err = s.db.LongRead.Query(ctx, func(from db.Scanner) error {
		n, err := scanNotice(from)
		list = append(list, n)
		return err
	}, read, after, f.ClientID, string(f.State), limit)
	if err != nil {
		return nil, fmt.Errorf("list notices: %w", err)
	}
	return list, nil
}

// RetryNotice makes a pending or failed notice due now, with the full time for
// delivery. It returns [outbox.ErrNotFound] for a delivered or unknown notice.
func (s *Outbox) RetryNotice(ctx context.Context, id string, now time.Time) error {
	const retry = `
		UPDATE notices SET state = 'pending', attempts = 0, due_at = $2, until = $3, ended_at = NULL, purge_after = NULL
		WHERE id = $1 AND state <> 'delivered'`

	return s.changeNotice(ctx, "retry notice", retry, id, now.UnixMicro(), now.Add(outbox.RetryPeriod).UnixMicro())
}

// DeleteNotice deletes a notice, or returns [outbox.ErrNotFound]. It is not delivered
// any more.
func (s *Outbox) DeleteNotice(ctx context.Context, id string) error {
	return s.changeNotice(ctx, "delete notice", `DELETE FROM notices WHERE id = $1`, id)
}

func (s *Outbox) changeNotice(ctx context.Context, what, change string, args ...any) error {
	changed, err := s.db.LongWrite.Exec(ctx, change, args...)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if changed == 0 {
		return outbox.ErrNotFound
	}
	return nil
}

// PendingNotices returns the number of pending notices.
func (s *Outbox) PendingNotices(ctx context.Context) (count int, err error) {
	var n int64
	if err := s.db.LongRead.QueryRow(ctx, `SELECT count(*) FROM notices WHERE state = 'pending'`).Scan(&n); err != nil {
		return 0, fmt.Errorf("count notices: %w", err)
	}
	return int(n), nil
}

// CountNotices returns the number of notices in a state, at most limit.
func (s *Outbox) CountNotices(ctx context.Context, state outbox.State, limit int) (int, error) {
	const read = `SELECT 1 FROM notices WHERE state = $1`

	return countUpTo(ctx, s.db, read, string(state), limit)
}
