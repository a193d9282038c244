package manage_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
	"github.com/ostiary/ostiary/internal/unavailable"
)

// outcomeOf maps the errors of a change as the admin API does.
func outcomeOf(err error) (audit.Outcome, int) {
	status := http.StatusOK
	switch {
	case unavailable.Is(err):
		status = http.StatusServiceUnavailable
	case err != nil:
		status = http.StatusBadRequest
	}
	return audit.OutcomeOf(status), status
}

// audited returns a use case that records no failure to store an outcome.
func (o *operator) audited(t *testing.T) manage.Audited {
	t.Helper()
	return manage.Audited{Log: o.Audit, Outcome: outcomeOf, Unrecorded: func(_ context.Context, e *audit.Event, err error) {
		t.Errorf("the outcome of %s is not stored: %v", e.Action, err)
	}}
}

// events returns two new events.
func events() []*audit.Event {
	by := audit.Actor{Kind: audit.Command, ID: "root"}
	return []*audit.Event{audit.NewEvent("client.create", "", by, noon), audit.NewEvent("client.import", "", by, noon)}
}

// stored returns the stored form of an event, nil if there is none.
func (o *operator) stored(t *testing.T, e *audit.Event) *audit.Event {
	t.Helper()
	all, err := o.Audit.ListEvents(t.Context(), audit.Filter{}, "", 1000)
	must(t, err)
	for _, one := range all {
		if one.ID == e.ID {
			return one
		}
	}
	return nil
}

// Each event is stored without an outcome before the change, and has the target and the
// outcome of the change afterwards.
func TestEventIsStoredBeforeTheChange(t *testing.T) {
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		for name, tc := range map[string]struct {
			err     error
			outcome audit.Outcome
			status  int
		}{
			"done":    {nil, audit.Done, 200},
			"refused": {client.ErrExists, audit.Refused, 400},
			"failed":  {unavailable.New("no database"), audit.Failed, 503},
		} {
			all := events()
			err := o.audited(t).Change(t.Context(), all, func(context.Context) error {
				for _, e := range all {
					before := o.stored(t, e) //nolint:contextcheck // of the test
					if before == nil || before.Outcome != "" || before.Status != 0 || before.Target != "" {
						t.Errorf("%s: during the change the event is %+v, want it without an outcome", name, before)
					}
					e.Target = "target of " + e.Action
				}
				return tc.err
			})
			wantErr(t, name+": Change", err, tc.err)
			for _, e := range all {
				want := *e
				want.At = e.At.UTC()
				want.Outcome, want.Status, want.Target = tc.outcome, tc.status, "target of "+e.Action
				wantSame(t, name, o.stored(t, e), &want)
			}
		}
	})
}

// Without its event a change is not made.
func TestNoChangeWithoutItsEvent(t *testing.T) {
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		change := func(ctx context.Context) error { return o.Clients.InsertClient(ctx, fixture.Client("rp")) }
		twice := events()
		twice[1].ID = twice[0].ID // the second event cannot be stored
		if err := o.audited(t).Change(t.Context(), twice, change); err == nil {
			t.Error("a change with an event that is not stored = nil, want an error")
		}
		storetest.Exec(t, o.url, `ALTER TABLE audit_events RENAME TO lost`)
		if err := o.audited(t).Change(t.Context(), events(), change); err == nil {
			t.Error("a change without an audit log = nil, want an error")
		}
		_, err := o.Clients.Client(t.Context(), "rp")
		wantErr(t, "Client", err, client.ErrNotFound)
		storetest.Exec(t, o.url, `ALTER TABLE lost RENAME TO audit_events`)
		if first := o.stored(t, twice[0]); first == nil || first.Outcome != "" {
			t.Errorf("the first event is %+v, want it without an outcome", first)
		}
	})
}

// A change is reported as made even if its outcome cannot be stored.
func TestChangeIsMadeIfItsOutcomeIsNotStored(t *testing.T) {
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		var unrecorded []*audit.Event
		audited := o.audited(t)
		audited.Unrecorded = func(_ context.Context, e *audit.Event, err error) {
			if err == nil {
				t.Errorf("%s is unrecorded without an error", e.Action)
			}
			unrecorded = append(unrecorded, e)
		}
		all := events()
		must(t, audited.Change(t.Context(), all, func(ctx context.Context) error {
			storetest.Exec(t, o.url, `ALTER TABLE audit_events RENAME TO lost`) //nolint:contextcheck // of the test
			return o.Clients.InsertClient(ctx, fixture.Client("rp"))
		}))
		o.client(t, "rp")
		wantSame(t, "unrecorded", unrecorded, all)
	})
}

// Change stores the outcome even if its context has ended.
func TestCanceledChangeHasAnOutcome(t *testing.T) {
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		all := events()
		err := o.audited(t).Change(ctx, all, func(ctx context.Context) error {
			cancel()
			return ctx.Err()
		})
		wantErr(t, "Change", err, context.Canceled)
		for _, e := range all {
			if got := o.stored(t, e); got == nil || got.Outcome != audit.Failed {
				t.Errorf("the event is %+v, want the outcome failed", got)
			}
		}
		err = o.audited(t).Change(ctx, events(), func(context.Context) error { return errors.New("changed") })
		wantErr(t, "Change with an ended context", err, context.Canceled)
	})
}
