package manage

import (
	"context"

	"github.com/ostiary/ostiary/internal/audit"
)

// AuditLog stores audit events.
type AuditLog interface {
	BeginEvent(ctx context.Context, e *audit.Event) error
	EndEvent(ctx context.Context, e *audit.Event) error
}

// Audited makes changes that the audit log records.
type Audited struct {
	Log AuditLog
	// Outcome returns the outcome of a change from its error, with the HTTP status of the
	// response or 0.
	Outcome func(err error) (audit.Outcome, int)
	// Unrecorded is called if the outcome of a change cannot be stored. The change is made
	// all the same.
	Unrecorded func(ctx context.Context, e *audit.Event, err error)
}

// Change stores the events, makes the change, and then stores its outcome in each event. It
// does not make the change if an event cannot be stored. The change may set the targets of
// the events. Canceling ctx does not stop Change from storing the outcome.
func (a Audited) Change(ctx context.Context, events []*audit.Event, change func(context.Context) error) error {
	for _, e := range events {
		if err := a.Log.BeginEvent(ctx, e); err != nil {
			return err
		}
	}
	err := change(ctx)
	outcome, status := a.Outcome(err)
	for _, e := range events {
		e.Outcome, e.Status = outcome, status
		if failed := a.Log.EndEvent(context.WithoutCancel(ctx), e); failed != nil {
			a.Unrecorded(ctx, e, failed)
		}
	}
	return err
}
