package store

import (
	"context"
	"fmt"

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
func (s *Audit) ListEvents(ctx context.Context, f audit.Filter, before string, limit int) (list []*audit.Event, err error) {
	since := ""
	if !f.Since.IsZero() {
		since = audit.FirstID(f.Since)
	}
	index, others := chosen(equality{"actor_id", f.Actor}, equality{"action", f.Action}), []equality(nil)
	if f.Target != "" {
		index, others = chosen(equality{"target", f.Target}), index
	}
	var args arguments
	read := `SELECT ` + eventColumns + ` FROM audit_events` + newest(index, others, since, before, limit, &args)
	err = s.db.LongRead.Query(ctx, func(from db.Scanner) error {
		var status int64
		e := &audit.Event{}
		list = append(list, e)
		err := from.Scan(&e.ID, intoTime(&e.At), &e.Action, &e.Target, intoText(&e.Actor.Kind), &e.Actor.ID, &e.Actor.Name,
			&e.Address, &e.RequestID, intoText(&e.Outcome), &status, &e.Detail)
		e.Status = int(status)
		return err
	}, read, args...)
	if err != nil {
		return nil, fmt.Errorf("list audit events: %w", err)
	}
	return list, nil
}
