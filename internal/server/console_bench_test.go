package server_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/bench/meter"
	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// consolePages are the pages that BenchmarkConsolePages measures, by name, below the console's root.
// A list has its first page, and a page in the middle and the last one by the name of the row before.
func consolePages() []struct{ name, path, after string } {
	return []struct{ name, path, after string }{
		{name: "overview", path: ""},
		{name: "overview, 30 days", path: "?days=30"},
		{name: "applications", path: "/applications"},
		{name: "application", path: "/applications/client1000040"},
		{name: "application as JSON", path: "/applications/client1000040/json"},
		{name: "try an application", path: "/applications/client1000040/try"},
		{name: "connect an application", path: "/applications/new"},
		{name: "people", path: "/people"},
		{name: "people, middle", path: "/people", after: "user1050000"},
		{name: "people, last", path: "/people", after: "user1099990"},
		{name: "people, a letter", path: "/people?q=g"},
		{name: "people, two words", path: "/people?q=given12+family312"},
		{name: "people, nobody", path: "/people?q=nobody"},
		{name: "people of a group", path: "/people?group=group1000040"},
		{name: "people of a large group", path: "/people?group=everybody"},
		{name: "person", path: "/people/subject1000040"},
		{name: "new person", path: "/people/new"},
		{name: "invitations", path: "/people/invitations"},
		{name: "invite", path: "/people/invite"},
		{name: "groups", path: "/groups"},
		{name: "groups, last", path: "/groups", after: "group1000990"},
		{name: "group", path: "/groups/group1000040"},
		{name: "large group", path: "/groups/everybody"},
		{name: "attributes", path: "/attributes"},
		{name: "attribute", path: "/attributes/team"},
		{name: "new group", path: "/groups/new"},
		{name: "scopes", path: "/scopes"},
		{name: "new scope", path: "/scopes/new"},
		{name: "scope", path: "/scopes/profile"},
		{name: "resources", path: "/resources"},
		{name: "new resource", path: "/resources/new"},
		{name: "audit", path: "/audit"},
		{name: "audit, middle", path: "/audit?before={audit middle}"},
		{name: "audit, last", path: "/audit?before={audit last}"},
		{name: "audit by action", path: "/audit?action=action1000007"},
		{name: "audit by actor", path: "/audit?actor=subject1000007"},
		{name: "audit by target", path: "/audit?target=subject1000040"},
		{name: "audit by action and actor", path: "/audit?action=action1000007&actor=subject1000008"},
		{name: "audit by action and target", path: "/audit?action=action1000007&target=subject1000040"},
		{name: "audit by action without events", path: "/audit?action=none"},
		{name: "rejected requests", path: "/explain"},
		{name: "rejected requests of an application", path: "/explain?client=client1000040"},
		{name: "a rejected request", path: "/explain?request_id=request1000040"},
		{name: "sessions", path: "/sessions"},
		{name: "sessions, middle", path: "/sessions?after=session1100000"},
		{name: "sessions, last", path: "/sessions?after=session1199990"},
		{name: "sessions of a user", path: "/sessions?subject=subject1000040"},
		{name: "mail and notices", path: "/mail"},
		{name: "keys", path: "/keys"},
		{name: "settings", path: "/settings"},
	}
}

// BenchmarkConsolePages measures the pages of the administrators' console in a large installation, see
// fillConsole: the processor time of the server, on SQLite with the database, and apart from it that of
// PostgreSQL.
func BenchmarkConsolePages(b *testing.B) {
	for engine, start := range map[string]func(testing.TB) string{
		"sqlite":   storetest.SQLiteURL,
		"postgres": func(tb testing.TB) string { tb.Helper(); return storetest.StartPostgres(tb, storetest.Options{}).URL() },
	} {
		b.Run(engine, func(b *testing.B) {
			url := start(b)
			db := storetest.Open(b, url)
			_, err := db.Migrate(b.Context())
			servertest.Must(b, err)
			s, browser := openConsole(b, db, account.Owner)
			fillConsole(b, s, url, 1)
			config := meter.Config{}
			if engine == "postgres" {
				config.Database = url
			}
			used, err := meter.New(b.Context(), config)
			servertest.Must(b, err)
			handler := &bench{s, s.App.Public()}
			for _, page := range consolePages() {
				path := "/console" + consoleMarks(b, url, crowdEvents).Replace(page.path)
				if page.after != "" {
					path = pageAfter(b, browser, path, page.after)
				}
				b.Run(strings.ReplaceAll(page.name, " ", "-"), func(b *testing.B) {
					q := get(path)
					for _, cookie := range browser.Client.Jar.Cookies(servertest.Origin(s)) {
						q.AddCookie(cookie)
					}
					response := &responseBuffer{}
					handler.send(b, q, response, http.StatusOK) // plans and caches
					before, err := used.Read(b.Context())
					servertest.Must(b, err)
					for b.Loop() {
						handler.send(b, q, response, http.StatusOK)
					}
					after, err := used.Read(b.Context())
					servertest.Must(b, err)
					spent := after.Since(before)
					b.ReportMetric(spent.Generator.Seconds()*1000/float64(b.N), "server-ms/op")
					b.ReportMetric(spent.Database.Seconds()*1000/float64(b.N), "database-ms/op")
				})
			}
		})
	}
}

// consoleMarks replaces the names of events in paths by their IDs.
func consoleMarks(tb testing.TB, url string, events int) *strings.Replacer {
	tb.Helper()
	id := func(order string, offset int) string {
		return storetest.Text(tb, url, fmt.Sprintf(`SELECT id FROM audit_events ORDER BY id %s LIMIT 1 OFFSET %d`, order, offset))
	}
	return strings.NewReplacer("{audit middle}", id("", events/2), "{audit last}", id("", 20))
}

// pageAfter returns the path of the page of a list that begins after a row. It replaces the row in the
// link to the second page.
func pageAfter(tb testing.TB, browser *servertest.Browser, path, row string) string {
	tb.Helper()
	p := browser.Get(path)
	more := p.Attribute("href", func(a map[string]string) bool { return strings.Contains(a["href"], "page=") })
	_, token, _ := strings.Cut(more, "page=")
	raw, err := base64.RawURLEncoding.DecodeString(token)
	filter, _, found := strings.Cut(string(raw), " ")
	if err != nil || !found {
		tb.Fatalf("%s: the link %q to the next page has no token", path, more)
	}
	return path + "?page=" + url.QueryEscape(base64.RawURLEncoding.EncodeToString([]byte(filter+" "+row)))
}
