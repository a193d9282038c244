package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/store/db"
)

// Refusals stores the records of rejected requests.
type Refusals struct{ db *db.DB }

const refusalColumns = `id, at, request_id, method, route, status, code, rule, cause, client_id, grant_id, network, attributes`

const (
	maxRefusals      = 100_000 // of all replicas together
	refusalRetention = 7 * 24 * time.Hour

	refusalsPerStatement = 50 // in one statement
)

// InsertRefusals adds records of rejected requests, and removes the oldest ones above
// the maximum. It uses a connection that no request waits for, and does not count as a
// statement of a request.
func (s *Refusals) InsertRefusals(ctx context.Context, list []*refusal.Record) error {
	on := s.db.BackgroundWrite
	for len(list) > 0 {
		some := list[:min(len(list), refusalsPerStatement)]
		list = list[len(some):]
		last, err := s.numberRefusals(ctx, on, len(some))
		if err == nil {
			err = insertRefusals(ctx, on, some, last)
		}
		if err != nil {
			return fmt.Errorf("insert refusals: %w", err)
		}
	}
	return nil
}

// numberRefusals reserves n numbers and returns the last one. It removes the rows that
// are above the maximum with n more.
func (s *Refusals) numberRefusals(ctx context.Context, on db.Conn, n int) (last int64, err error) {
	const (
		take   = `UPDATE refusal_numbers SET last = last + $1 WHERE id = 1 RETURNING last`
		remove = `DELETE FROM refusals WHERE number <= $1`
	)
	if err := on.QueryRow(ctx, take, int64(n)).Scan(&last); err != nil {
		return 0, err
	}
	_, err = on.Exec(ctx, remove, last-maxRefusals)
	return last, err
}

func insertRefusals(ctx context.Context, on db.Conn, list []*refusal.Record, last int64) error {
	var values []string
	var args []any
	for i, r := range list {
		attributes, err := document(r.Attrs)
		if err != nil {
			return err
		}
		row := []any{
			r.ID, stamp(r.At), r.RequestID, r.Method, r.Route, int64(r.Status), r.Code, string(r.Rule), r.Cause,
			r.ClientID, r.GrantID, r.Network, attributes, last - int64(len(list)-1-i),
		}
		values = append(values, `(`+placeholders(len(args)+1, len(row))+`)`)
		args = append(args, row...)
	}
	_, err := on.Exec(ctx, `INSERT INTO refusals (`+refusalColumns+`, number) VALUES `+strings.Join(values, ", ")+` ON CONFLICT DO NOTHING`, args...)
	return err
}

func scanRefusal(from db.Scanner) (*refusal.Record, error) {
	r, status := &refusal.Record{}, int64(0)
	err := from.Scan(&r.ID, intoTime(&r.At), &r.RequestID, &r.Method, &r.Route, &status, &r.Code, intoText(&r.Rule), &r.Cause,
		&r.ClientID, &r.GrantID, &r.Network, intoDocument(&r.Attrs))
	r.Status = int(status)
	return r, err
}

// Refusal returns the newest record with a request ID, or [refusal.ErrNotFound].
func (s *Refusals) Refusal(ctx context.Context, requestID string) (found *refusal.Record, err error) {
	const read = `SELECT ` + refusalColumns + ` FROM refusals WHERE request_id = $1 ORDER BY id DESC LIMIT 1`

	err = s.db.LongRead.Query(ctx, func(from db.Scanner) error {
		found, err = scanRefusal(from)
		return err
	}, read, requestID)
	if err == nil && found == nil {
		return nil, refusal.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("find refusal: %w", err)
	}
	return found, nil
}

// ListRefusals returns up to limit records, the newest first, starting before the ID
// before; an empty ID starts with the newest.
func (s *Refusals) ListRefusals(ctx context.Context, f refusal.Filter, before string, limit int) (list []*refusal.Record, err error) {
	since := ""
	if !f.Since.IsZero() {
		since = refusal.FirstID(f.Since)
	}
	index, others := chosen(equality{"client_id", f.ClientID}, equality{"rule", string(f.Rule)}), []equality(nil)
	if len(index) > 1 {
		index, others = index[:1], index[1:]
	}
	var args arguments
	read := `SELECT ` + refusalColumns + ` FROM refusals` + newest(index, others, since, before, limit, &args)
	err = s.db.LongRead.Query(ctx, func(from db.Scanner) error {
		r, err := scanRefusal(from)
		list = append(list, r)
		return err
	}, read, args...)
	if err != nil {
		return nil, fmt.Errorf("list refusals: %w", err)
	}
	return list, nil
}
