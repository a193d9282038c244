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

// How long a notice is kept that needs no more work: one that arrived for whoever
// wonders, one that did not for somebody to look after it.
const (
	deliveredRetention = 24 * time.Hour
	failedRetention    = 30 * 24 * time.Hour
)

func scanNotice(from db.Scanner) (*outbox.Notice, error) {
	n := &outbox.Notice{}
	err := from.Scan(&n.ID, intoText(&n.Kind), &n.ClientID, &n.Subject, &n.SessionID, intoText(&n.State),
		intoTime(&n.CreatedAt), intoTime(&n.DueAt), intoTime(&n.Until), &n.Attempts, &n.Status, &n.Fault, intoTime(&n.EndedAt), &n.KnownAs)
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
				stamp(n.CreatedAt), stamp(n.DueAt), stamp(n.Until), n.Attempts, n.Status, n.Fault, micros(n.EndedAt), n.KnownAs,
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

// DueNotices returns the clients that have notices to be delivered, each with the
// time at which its first one is due.
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

// ClaimNotice takes up the client's next notice that is due, counts the attempt,
// and keeps the notice from all others until lease. Of any number of callers one
// gets it. It returns [outbox.ErrNotFound] if none is due.
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

// PostponeNotice notes what went wrong with a claimed notice and when to try again.
// Whoever has claimed it since knows better, and is left alone.
func (s *Outbox) PostponeNotice(ctx context.Context, n *outbox.Notice, dueAt time.Time) error {
	const postpone = `
		UPDATE notices SET due_at = $3, status = $4, fault = $5
		WHERE id = $1 AND attempts = $2 AND state = 'pending'`

	if _, err := s.db.LongWrite.Exec(ctx, postpone, n.ID, n.Attempts, dueAt.UnixMicro(), n.Status, n.Fault); err != nil {
		return fmt.Errorf("postpone notice: %w", err)
	}
	return nil
}

// EndNotice notes that a claimed notice needs no more work: it was delivered,
// whoever else may be trying as well, or it is given up.
func (s *Outbox) EndNotice(ctx context.Context, n *outbox.Notice, state outbox.State, now time.Time) error {
	const end = `
		UPDATE notices SET state = $2, status = $3, fault = $4, ended_at = $5, purge_after = $6
		WHERE id = $1 AND state = 'pending' AND ($2 = 'delivered' OR attempts = $7)`

	kept := deliveredRetention
	if state == outbox.Failed {
		kept = failedRetention
	}
	_, err := s.db.LongWrite.Exec(ctx, end, n.ID, string(state), n.Status, n.Fault, now.UnixMicro(), now.Add(kept).UnixMicro(), n.Attempts)
	if err != nil {
		return fmt.Errorf("end notice: %w", err)
	}
	return nil
}

// NoticeFilter narrows a list of notices. An empty member stands for any.
type NoticeFilter struct {
	ClientID string
	State    outbox.State
}

// ListNotices returns notices by id, those that follow after.
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

// RetryNotice makes a notice due now that waits or was given up, with as much time
// as a new one has. One that was delivered, or is not there, is
// [outbox.ErrNotFound].
func (s *Outbox) RetryNotice(ctx context.Context, id string, now time.Time) error {
	const retry = `
		UPDATE notices SET state = 'pending', attempts = 0, due_at = $2, until = $3, ended_at = NULL, purge_after = NULL
		WHERE id = $1 AND state <> 'delivered'`

	return s.changeNotice(ctx, "retry notice", retry, id, now.UnixMicro(), now.Add(outbox.Persistence).UnixMicro())
}

// DeleteNotice removes a notice, or returns [outbox.ErrNotFound]. Nobody is told
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

// PendingNotices returns how many notices have not been taken yet.
func (s *Outbox) PendingNotices(ctx context.Context) (count int, err error) {
	var n int64
	if err := s.db.LongRead.QueryRow(ctx, `SELECT count(*) FROM notices WHERE state = 'pending'`).Scan(&n); err != nil {
		return 0, fmt.Errorf("count notices: %w", err)
	}
	return int(n), nil
}
