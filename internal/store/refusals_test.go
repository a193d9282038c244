package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

func aRefusal(requestID, clientID string, rule refusal.Rule, at time.Time) *refusal.Record {
	return &refusal.Record{
		ID: refusal.FirstID(at) + requestID, At: at, RequestID: requestID, Method: "POST", Route: "/oauth2/token", Status: 400,
		Code: "invalid_grant", Rule: rule, Cause: "the code was spent before", ClientID: clientID, GrantID: "g", Network: "192.0.2.0/24",
		Attrs: []refusal.Attr{refusal.At("spent_at", noon)},
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		first := aRefusal("q1", "shop", refusal.CodeSpent, noon)
		second := aRefusal("q2", "shop", refusal.CodeExpired, noon.Add(time.Minute))
		third := aRefusal("q3", "", refusal.CodeSpent, noon.Add(2*time.Minute))
		third.Attrs = nil
		must(t, s.Refusals.InsertRefusals(ctx, []*refusal.Record{first, second}))
		must(t, s.Refusals.InsertRefusals(ctx, []*refusal.Record{third}))
		must(t, s.Refusals.InsertRefusals(ctx, nil))

		got, err := s.Refusals.Refusal(ctx, "q2")
		must(t, err)
		wantSame(t, "one by its request id", got, second)
		_, err = s.Refusals.Refusal(ctx, "q4")
		wantErr(t, "one of an unknown request id", err, refusal.ErrNotFound)

		again := aRefusal("q1", "shop", refusal.CodeReplayed, noon.Add(time.Hour))
		must(t, s.Refusals.InsertRefusals(ctx, []*refusal.Record{again}))
		got, err = s.Refusals.Refusal(ctx, "q1")
		must(t, err)
		wantSame(t, "the newest of a request id", got, again)

		for name, tc := range map[string]struct {
			filter refusal.Filter
			before string
			want   []*refusal.Record
		}{
			"all, the newest first":     {refusal.Filter{}, "", []*refusal.Record{again, third, second, first}},
			"the next page":             {refusal.Filter{}, third.ID, []*refusal.Record{second, first}},
			"of a client":               {refusal.Filter{ClientID: "shop"}, "", []*refusal.Record{again, second, first}},
			"of a rule":                 {refusal.Filter{Rule: refusal.CodeSpent}, "", []*refusal.Record{third, first}},
			"of a client and a rule":    {refusal.Filter{ClientID: "shop", Rule: refusal.CodeSpent}, "", []*refusal.Record{first}},
			"since a moment":            {refusal.Filter{Since: noon.Add(2 * time.Minute)}, "", []*refusal.Record{again, third}},
			"of a client that has none": {refusal.Filter{ClientID: "other"}, "", nil},
		} {
			got, err := s.Refusals.ListRefusals(ctx, tc.filter, tc.before, 10)
			must(t, err)
			wantSame(t, name, got, tc.want)
		}

		_, err = s.Purge(ctx, noon.Add(7*day+90*time.Second))
		must(t, err)
		left, err := s.Refusals.ListRefusals(ctx, refusal.Filter{}, "", 10)
		must(t, err)
		wantSame(t, "those left after 7 days", left, []*refusal.Record{again, third})
	})
}

// The table keeps the newest 100,000 records.
func TestRefusalsAreBounded(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		const kept, surplus = 100_000, 120
		list := make([]*refusal.Record, kept+surplus)
		for i := range list {
			list[i] = aRefusal(fmt.Sprintf("q%06d", i), "shop", refusal.CodeSpent, noon.Add(time.Duration(i)*time.Microsecond))
		}
		must(t, s.Refusals.InsertRefusals(ctx, list))

		_, err := s.Refusals.Refusal(ctx, list[surplus-1].RequestID)
		wantErr(t, "the newest that is too many", err, refusal.ErrNotFound)
		oldest, err := s.Refusals.Refusal(ctx, list[surplus].RequestID)
		must(t, err)
		wantSame(t, "the oldest that is kept", oldest, list[surplus])
	})
}
