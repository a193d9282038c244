package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/store/db"
)

// Audit stores audit events.
type Audit struct{ db *db.DB }

const eventColumns = `id, at, action, target, actor_kind, actor_id, actor_name, address, request_id, outcome, status, detail`

// BeginEvent records an event before the change is made.
func (s *Audit) BeginEvent(ctx context.Context, e *audit.Event) error {
	return insertEvent(ctx, s.db.Write, e)
}

func insertEvent(ctx context.Context, on db.Conn, e *audit.Event) error {
	const insert = `INSERT INTO audit_events (` + eventColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`

	_, err := on.Exec(ctx, insert, e.ID, stamp(e.At), e.Action, e.Target, string(e.Actor.Kind), e.Actor.ID, e.Actor.Name,
		e.Address, e.RequestID, string(e.Outcome), e.Status, e.Detail)
	if err != nil {
		return fmt.Errorf("begin audit event: %w", err)
	}
	return nil
}

// EndEvent records the outcome, the target and the detail of an event. It does not overwrite an
// outcome.
func (s *Audit) EndEvent(ctx context.Context, e *audit.Event) error {
	const end = `UPDATE audit_events SET target = $2, outcome = $3, status = $4, detail = $5 WHERE id = $1 AND outcome = ''`

	if _, err := s.db.Write.Exec(ctx, end, e.ID, e.Target, string(e.Outcome), e.Status, e.Detail); err != nil {
		return fmt.Errorf("end audit event: %w", err)
	}
	return nil
}

// ListEvents returns up to limit events, the newest first, starting before the ID
// before; an empty ID starts with the newest.
func (s *Audit) ListEvents(ctx context.Context, f audit.Filter, before string, limit int) ([]*audit.Event, error) {
	since, until := bounds(f)
	if before != "" {
		until = min(until, before)
	}
	index, others := eventIndex(f)
	var args arguments
	return s.listEvents(ctx, newest(index, others, since, until, limit, &args), args)
}

// NewerEvents returns the oldest limit events after the ID after, the newest first.
func (s *Audit) NewerEvents(ctx context.Context, f audit.Filter, after string, limit int) ([]*audit.Event, error) {
	since, until := bounds(f)
	index, others := eventIndex(f)
	var args arguments
	list, err := s.listEvents(ctx, next(index, others, max(since, after), until, limit, &args), args)
	slices.Reverse(list)
	return list, err
}

// bounds returns the IDs between which the times of a filter are.
func bounds(f audit.Filter) (since, until string) {
	until = endOfIDs
	if !f.Since.IsZero() {
		since = audit.FirstID(f.Since)
	}
	if !f.Until.IsZero() {
		until = audit.FirstID(f.Until)
	}
	return since, until
}

// eventIndex returns the equality of a filter whose index is read, and the others.
func eventIndex(f audit.Filter) (index, others []equality) {
	index = chosen(equality{"actor_id", f.Actor}, equality{"action", f.Action})
	if f.Target != "" {
		index, others = chosen(equality{"target", f.Target}), index
	}
	return index, others
}

// listEvents returns the events of a statement with the end.
func (s *Audit) listEvents(ctx context.Context, end string, args arguments) (list []*audit.Event, err error) {
	err = s.db.LongRead.Query(ctx, func(from db.Scanner) error {
		var status int64
		e := &audit.Event{}
		list = append(list, e)
		err := from.Scan(&e.ID, intoTime(&e.At), &e.Action, &e.Target, intoText(&e.Actor.Kind), &e.Actor.ID, &e.Actor.Name,
			&e.Address, &e.RequestID, intoText(&e.Outcome), &status, &e.Detail)
		e.Status = int(status)
		return err
	}, `SELECT `+eventColumns+` FROM audit_events`+end, args...)
	if err != nil {
		return nil, fmt.Errorf("list audit events: %w", err)
	}
	return list, nil
}
