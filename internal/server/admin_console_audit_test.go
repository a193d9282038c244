package server_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// The audit log is read page by page in both directions, by day, and as a file in two formats.
func TestConsoleAuditLog(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s, b := openConsole(t, db, account.Auditor)
		start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		for i := range 60 {
			e := audit.NewEvent("test.made", fmt.Sprintf("event-%02d", i), audit.Actor{Kind: audit.Command, ID: "root"}, start.Add(time.Duration(i)*time.Hour))
			e.Detail, e.Outcome = "=1+1", audit.Done
			servertest.Must(t, db.Audit.BeginEvent(t.Context(), e))
		}
		shown := func(p servertest.Response) (first, last string) {
			t.Helper()
			parts := strings.Split(p.Body, "<bdi>event-")
			if p.Status != http.StatusOK || len(parts) < 2 {
				t.Fatalf("the page: %d\n%s", p.Status, p.Body)
			}
			return parts[1][:2], parts[len(parts)-1][:2]
		}
		want := func(p servertest.Response, wantFirst, wantLast string) {
			t.Helper()
			if first, last := shown(p); first != wantFirst || last != wantLast {
				t.Errorf("the page has %s to %s, want %s to %s", first, last, wantFirst, wantLast)
			}
		}
		follow := func(p servertest.Response, id string) servertest.Response {
			t.Helper()
			to := p.Attribute("href", func(a map[string]string) bool { return a["id"] == id })
			if to == "" {
				t.Fatalf("no link %s\n%s", id, p.Body)
			}
			return b.Get(strings.TrimPrefix(to, s.URL))
		}
		p := b.Get("/console/audit?action=test.made")
		want(p, "59", "35")
		if !hasElement(p, "live") || !hasElement(p, "look-again") || hasElement(p, "newer") || !strings.Contains(p.Body, "=1&#43;1") {
			t.Errorf("the first page lacks its parts\n%s", p.Body)
		}
		p = follow(p, "older")
		want(p, "34", "10")
		p = follow(p, "older")
		want(p, "09", "00")
		if hasElement(p, "older") || hasElement(p, "live") {
			t.Error("the last page leads on, or is renewed")
		}
		p = follow(p, "newer")
		want(p, "34", "10")
		want(follow(p, "older"), "09", "00")
		p = follow(p, "newer")
		want(p, "59", "35")
		if hasElement(p, "newer") {
			t.Error("the first page leads to newer events")
		}
		want(b.Get("/console/audit?since=2026-03-02&until=2026-03-02"), "35", "12")
		if p = b.Get("/console/audit?since=yesterday"); p.Status != http.StatusBadRequest || !hasElement(p, "faults") {
			t.Errorf("no day: %d", p.Status)
		}

		const query = "/console/audit?action=test.made&since=2026-03-02&until=2026-03-02&format="
		p = b.Get(query + "csv")
		table, err := csv.NewReader(strings.NewReader(p.Body)).ReadAll()
		if err != nil || len(table) != 25 || table[1][2] != "event-35" || table[1][3] != "'=1+1" {
			t.Errorf("the CSV file: %d, %v\n%s", p.Status, err, p.Body)
		}
		s.Advance(time.Second)
		var list []struct{ Target, Detail string }
		p = b.Get(query + "json")
		if err := json.Unmarshal([]byte(p.Body), &list); err != nil || len(list) != 24 || list[0].Target != "event-35" || list[0].Detail != "=1+1" {
			t.Errorf("the JSON file: %d, %v\n%s", p.Status, err, p.Body)
		}
		s.Advance(time.Second)
		if p = b.Get("/console/audit?action=none&format=json"); strings.TrimSpace(p.Body) != "[]" {
			t.Errorf("an empty file: %d %q", p.Status, p.Body)
		}
		events, err := db.Audit.ListEvents(t.Context(), audit.Filter{Action: "audit.export"}, "", 10)
		if err != nil || len(events) != 3 || events[0].Actor.Kind != audit.Administrator || !strings.Contains(events[2].Target, "since=2026-03-02") {
			t.Errorf("the events of the files are %+v, %v", events, err)
		}
	})
}

// A file is complete if it needs several reads.
func TestConsoleAuditFileOfManyEvents(t *testing.T) {
	t.Parallel()
	s, b := openConsole(t, storetest.New(t), account.Owner)
	for i := range 1001 {
		servertest.Must(t, s.Store.Audit.BeginEvent(t.Context(), audit.NewEvent("test.made", "", audit.Actor{}, s.Time().Add(-time.Duration(i)*time.Second))))
	}
	var list []struct{ ID string }
	p := b.Get("/console/audit?action=test.made&format=json")
	servertest.Must(t, json.Unmarshal([]byte(p.Body), &list))
	seen := map[string]bool{}
	for _, e := range list {
		seen[e.ID] = true
	}
	if len(list) != 1001 || len(seen) != 1001 {
		t.Errorf("the file has %d events, %d different ones, want 1001", len(list), len(seen))
	}
}
