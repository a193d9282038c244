package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

// namedClient inserts a client with a name.
func namedClient(t *testing.T, s *store.Store, id, name string, dynamic bool) {
	t.Helper()
	c := fixture.Client(id)
	c.ClientName, c.Dynamic = name, dynamic
	must(t, s.Clients.InsertClient(t.Context(), c))
}

// listed reads a list page by page, and returns the IDs, with a bar between pages.
func listed(t *testing.T, s *store.Store, q client.Listing) string {
	t.Helper()
	var ids strings.Builder
	for {
		list, next, err := s.Clients.ListedClients(t.Context(), q)
		must(t, err)
		for _, one := range list {
			ids.WriteString(one.Client.ID + " ")
		}
		if next == (client.Position{}) {
			return ids.String()
		}
		ids.WriteString("| ")
		q.After = next
	}
}

func TestListedClients(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		namedClient(t, s, "one", "Wiki", false)
		namedClient(t, s, "two", "grafana", false)
		namedClient(t, s, "three", "Grafana", true)
		namedClient(t, s, "four", "", false)
		namedClient(t, s, "five", "Übersicht", false)
		namedClient(t, s, "six", "GitLab", true)
		ctx := t.Context()
		must(t, s.Clients.NoteUses(ctx, []client.Use{{ClientID: "one", At: noon}, {ClientID: "one", SecretID: "s", At: noon}, {ClientID: "two", SecretID: "s", At: noon}}))
		must(t, s.Refusals.InsertRefusals(ctx, []*refusal.Record{
			aRefusal("q1", "two", refusal.CodeSpent, noon.Add(-8*day)), aRefusal("q2", "three", refusal.CodeSpent, noon.Add(-time.Hour)),
			aRefusal("q3", "three", refusal.RedirectURIMismatch, noon),
		}))
		week := noon.Add(-7 * day)
		for name, tc := range map[string]struct {
			q    client.Listing
			want string
		}{
			"all":               {client.Listing{Limit: 10}, "four six three two one five "},
			"pages":             {client.Listing{Limit: 2}, "four six | three two | one five "},
			"descending":        {client.Listing{Limit: 4, Descending: true}, "five one two three | six four "},
			"a prefix":          {client.Listing{Limit: 10, Prefix: "gR"}, "three two "},
			"the whole name":    {client.Listing{Limit: 10, Prefix: "Übersicht"}, "five "},
			"an ID":             {client.Listing{Limit: 10, Prefix: "fou"}, "four "},
			"no match":          {client.Listing{Limit: 10, Prefix: "%"}, ""},
			"never used":        {client.Listing{Limit: 10, Only: client.SelectNeverUsed}, "four six three two five "},
			"failing":           {client.Listing{Limit: 10, Only: client.SelectFailing}, "three "},
			"registered":        {client.Listing{Limit: 1, Only: client.SelectRegistered}, "six | three "},
			"registered, a few": {client.Listing{Limit: 10, Only: client.SelectRegistered, Prefix: "gi", Descending: true}, "six "},
		} {
			tc.q.Since = week
			wantSame(t, name, listed(t, s, tc.q), tc.want)
		}
		list, _, err := s.Clients.ListedClients(ctx, client.Listing{Limit: 10, Since: week})
		must(t, err)
		for _, one := range list {
			wantSame(t, one.Client.ID+" was used", one.UsedAt.Equal(noon), one.Client.ID == "one")
		}
		wantSame(t, "refusals", list[2].Refusals, client.Refusals{Count: 2, LastRequest: "q3"})
		byRule, err := s.Clients.ClientRefusals(ctx, "three", week)
		must(t, err)
		wantSame(t, "refusals by rule", fmt.Sprint(byRule), fmt.Sprint([]client.RefusedRule{
			{Rule: string(refusal.RedirectURIMismatch), Count: 1, LastRequest: "q3", LastAt: noon},
			{Rule: string(refusal.CodeSpent), Count: 1, LastRequest: "q2", LastAt: noon.Add(-time.Hour)},
		}))
	})
}

// A selection looks through a bounded number of clients per page, and goes on after them.
func TestListedClientsOfARareSelection(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		var all []*client.Client
		for n := range 2001 {
			c := fixture.Client(fmt.Sprintf("c%04d", n))
			c.Dynamic = n == 2000
			all = append(all, c)
		}
		must(t, s.Clients.InsertClients(t.Context(), all))
		wantSame(t, "pages", listed(t, s, client.Listing{Limit: 25, Only: client.SelectRegistered}), "| c2000 ")
	})
}

func TestClientUses(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		namedClient(t, s, "rp", "Shop", false)
		var many []client.Use
		for n := range 120 {
			many = append(many, client.Use{ClientID: fmt.Sprint("c", n), At: noon})
		}
		must(t, s.Clients.NoteUses(ctx, append(many, client.Use{ClientID: "rp", At: noon.Add(time.Hour)})))
		must(t, s.Clients.NoteUses(ctx, []client.Use{{ClientID: "rp", At: noon}, {ClientID: "rp", SecretID: "s", At: noon}}))
		got, err := s.Clients.ClientUses(ctx, "rp")
		must(t, err)
		wantSame(t, "uses", got, map[string]time.Time{"": noon.Add(time.Hour), "s": noon})

		must(t, s.Clients.DeleteClient(ctx, "rp"))
		got, err = s.Clients.ClientUses(ctx, "rp")
		must(t, err)
		wantSame(t, "uses of a deleted client", len(got), 0)
		_, err = s.Purge(ctx, noon.Add(401*day))
		must(t, err)
		got, err = s.Clients.ClientUses(ctx, "c7")
		must(t, err)
		wantSame(t, "uses after 401 days", len(got), 0)
	})
}
