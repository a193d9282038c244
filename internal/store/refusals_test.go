package store_test

import (
	"fmt"
	"strconv"
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

// The table keeps the newest 100,000 records. One statement inserts most of them, since
// the store takes 5 s of processor time for so many.
func TestRefusalsAreBounded(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := storetest.Open(t, url)
		ctx := t.Context()
		const kept, surplus = 100_000, 120
		records := func(name string, from time.Time, count int) []*refusal.Record {
			list := make([]*refusal.Record, count)
			for i := range list {
				list[i] = aRefusal(fmt.Sprintf("%s%06d", name, i), "shop", refusal.CodeSpent, from.Add(time.Duration(i)*time.Microsecond))
			}
			return list
		}
		first := records("first", noon, surplus+1)
		must(t, s.Refusals.InsertRefusals(ctx, first))
		storetest.Exec(t, url, fmt.Sprintf(`
			WITH RECURSIVE numbers(n) AS (SELECT %d UNION ALL SELECT n + 1 FROM numbers WHERE n < %d)
			INSERT INTO refusals (id, at, request_id, method, route, status, code, rule, cause, client_id, grant_id, network, attributes, number)
			SELECT 'id' || n, %d + n, 'q' || n, 'POST', '/oauth2/token', 400, '', 'rule', '', 'shop', '', '', '[]', n FROM numbers`,
			surplus+2, kept, noon.UnixMicro()))
		storetest.Exec(t, url, fmt.Sprintf(`UPDATE refusal_numbers SET last = %d`, kept))
		must(t, s.Refusals.InsertRefusals(ctx, records("last", noon.Add(time.Hour), surplus)))

		if got, want := storetest.Text(t, url, `SELECT CAST(count(*) AS text) FROM refusals`), strconv.Itoa(kept); got != want {
			t.Errorf("the table has %s records, want %s", got, want)
		}
		_, err := s.Refusals.Refusal(ctx, first[surplus-1].RequestID)
		wantErr(t, "the newest that is too many", err, refusal.ErrNotFound)
		oldest, err := s.Refusals.Refusal(ctx, first[surplus].RequestID)
		must(t, err)
		wantSame(t, "the oldest that is kept", oldest, first[surplus])
	})
}
