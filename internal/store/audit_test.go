package store_test

import (
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

func TestAuditEvents(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		key := audit.Actor{Kind: audit.Key, ID: "k1", Name: "nightly"}
		first := audit.NewEvent("client.create", "", key, noon)
		first.Address, first.RequestID = "192.0.2.7", "R"
		must(t, s.Audit.BeginEvent(ctx, first))
		second := audit.NewEvent("client.delete", "shop", audit.Actor{Kind: audit.Command, ID: "root"}, noon.Add(time.Minute))
		must(t, s.Audit.BeginEvent(ctx, second))

		first.Target, first.Detail, first.Outcome, first.Status = "shop", "admin_role: none to owner", audit.Done, 201
		must(t, s.Audit.EndEvent(ctx, first))
		changed := *first
		changed.Target, changed.Outcome = "other", audit.Failed
		must(t, s.Audit.EndEvent(ctx, &changed)) // the first outcome is final

		for name, tc := range map[string]struct {
			filter audit.Filter
			before string
			want   []*audit.Event
		}{
			"all, the newest first":   {audit.Filter{}, "", []*audit.Event{second, first}},
			"what follows":            {audit.Filter{}, second.ID, []*audit.Event{first}},
			"of an action":            {audit.Filter{Action: "client.create"}, "", []*audit.Event{first}},
			"of an actor":             {audit.Filter{Actor: "root"}, "", []*audit.Event{second}},
			"of a target":             {audit.Filter{Target: "shop"}, "", []*audit.Event{second, first}},
			"since then":              {audit.Filter{Since: noon.Add(time.Second)}, "", []*audit.Event{second}},
			"since the very moment":   {audit.Filter{Since: noon}, "", []*audit.Event{second, first}},
			"of an actor and another": {audit.Filter{Actor: "root", Action: "client.create"}, "", nil},
		} {
			got, err := s.Audit.ListEvents(ctx, tc.filter, tc.before, 10)
			must(t, err)
			wantSame(t, name, got, tc.want)
		}

		_, err := s.Purge(ctx, noon.Add(90*day+time.Second))
		must(t, err)
		left, err := s.Audit.ListEvents(ctx, audit.Filter{}, "", 10)
		must(t, err)
		wantSame(t, "what is left after 90 days", left, []*audit.Event{second})
	})
}
