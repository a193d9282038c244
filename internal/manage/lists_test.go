package manage_test

import (
	"fmt"
	"testing"

	"github.com/ostiary/ostiary/internal/outbox"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// A list has the records of all pages: here of one full page, and of one record more.
func TestListNotices(t *testing.T) {
	const page = 500
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		o.seed(t)
		insert := func(first, last int, state string) {
			storetest.Exec(t, o.url, fmt.Sprintf(`
				INSERT INTO notices (id, kind, client_id, subject, session_id, state, created_at, due_at, until, attempts, status, fault, known_as)
				WITH RECURSIVE n (i) AS (SELECT %d UNION ALL SELECT i + 1 FROM n WHERE i < %d)
				SELECT 'n' || (10000 + i), 'backchannel_logout', 'notified', 'alice', 's', '%s', 0, 0, 0, 0, 0, '', '' FROM n`, first, last, state))
		}
		insert(1, page, "pending")
		for _, want := range []int{page, page + 1} {
			if want > page {
				insert(want, want, "failed")
			}
			all, err := o.notices.List(t.Context(), "", "")
			must(t, err)
			wantSame(t, "notices", len(all), want)
			seen := map[string]bool{}
			for _, n := range all {
				seen[n.ID] = true
			}
			wantSame(t, "different notices", len(seen), want)
		}
		for _, tc := range []struct {
			client string
			state  outbox.State
			want   int
		}{{"notified", outbox.Failed, 1}, {"notified", "", page + 1}, {"", outbox.Delivered, 0}, {"rp", "", 0}} {
			some, err := o.notices.List(t.Context(), tc.client, tc.state)
			must(t, err)
			wantSame(t, fmt.Sprintf("notices of %+v", tc), len(some), tc.want)
		}
	})
}
