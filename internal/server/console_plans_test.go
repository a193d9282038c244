package server_test

import (
	"database/sql"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// openConsolePages sends the requests for the measured pages.
func openConsolePages(t *testing.T, s *servertest.Server, browser *servertest.Browser, url string, before func(path string)) {
	t.Helper()
	handler := &bench{s, s.App.Public()}
	marks := consoleMarks(t, url, 1000)
	for _, page := range consolePages() {
		path := "/console" + marks.Replace(page.path)
		q := get(path)
		for _, cookie := range browser.Client.Jar.Cookies(servertest.Origin(s)) {
			q.AddCookie(cookie)
		}
		before(path)
		response := &responseBuffer{header: http.Header{}}
		handler.handler.ServeHTTP(response, q.Request)
		if response.status != http.StatusOK && response.status != 0 {
			t.Errorf("%s: %d", path, response.status)
		}
	}
}

// No page of the console makes SQLite read a table from end to end, except small ones.
func TestConsolePagesScanNoTableOfSQLite(t *testing.T) {
	t.Parallel()
	url := storetest.SQLiteURL(t)
	opened, recorder := storetest.OpenRecorded(t, url)
	s, browser := openConsole(t, opened, account.Owner)
	fillConsole(t, s, url, 1000)
	openConsolePages(t, s, browser, url, recorder.Label)
	reads := recorder.Reads()

	outside, err := sql.Open("sqlite", strings.TrimPrefix(url, "sqlite:"))
	servertest.Must(t, err)
	t.Cleanup(func() { _ = outside.Close() })
	small := []string{
		"SCAN CONSTANT ROW",
		"SCAN v", "SCAN k USING INDEX sqlite_autoindex_signing_keys_1 LEFT-JOIN", "SCAN scopes USING INDEX sqlite_autoindex_scopes_1",
		"SCAN resources USING INDEX sqlite_autoindex_resources_1", "SCAN attributes USING INDEX sqlite_autoindex_attributes_1", "SCAN replicas",
		"SCAN clients USING COVERING INDEX clients_listed", // counts them
		"SCAN clients USING INDEX clients_allowed_groups",  // which has only some
	}
	for statement, page := range reads {
		steps := queryPlan(t, outside, statement)
		for _, step := range steps {
			name, isScan := strings.CutPrefix(step, "SCAN ")
			isSubquery := slices.Contains(steps, "CO-ROUTINE "+name) || slices.Contains(steps, "MATERIALIZE "+name) // which has a plan itself
			if isScan && !isSubquery && !slices.Contains(small, step) {
				t.Errorf("%s: %s, of %s", page, step, statement)
			}
		}
	}
	if len(reads) < 30 {
		t.Errorf("the pages ran %d statements, want some dozens", len(reads))
	}
}

// queryPlan returns the steps of the plan of a statement.
func queryPlan(t *testing.T, on *sql.DB, statement string) (steps []string) {
	t.Helper()
	highest := 0
	for _, parameter := range regexp.MustCompile(`\$\d+`).FindAllString(statement, -1) {
		n, err := strconv.Atoi(parameter[1:])
		servertest.Must(t, err)
		highest = max(highest, n)
	}
	rows, err := on.QueryContext(t.Context(), `EXPLAIN QUERY PLAN `+statement, make([]any, highest)...)
	if err != nil {
		t.Fatalf("%v: %s", err, statement)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		servertest.Must(t, rows.Scan(&id, &parent, &unused, &detail))
		steps = append(steps, detail)
	}
	servertest.Must(t, rows.Err())
	return steps
}

// No page of the console makes PostgreSQL read a large table from end to end.
func TestConsolePagesScanNoTableOfPostgreSQL(t *testing.T) {
	t.Parallel()
	url := storetest.MigratedURL(t)
	opened := storetest.Open(t, url)
	s, browser := openConsole(t, opened, account.Owner)
	fillConsole(t, s, url, 20)
	storetest.Exec(t, url, `SELECT pg_stat_reset()`)
	openConsolePages(t, s, browser, url, func(string) {})
	opened.Close() // connections report their statistics when they close

	const large, bounded = 2000, 4500 // a search reads up to 4,000 rows of one word, and pages count up to 10,000 messages, members and values
	scanned := storetest.Text(t, url, fmt.Sprintf(`
		SELECT coalesce(string_agg(what, ', '), '') FROM (
			SELECT relname || ' (' || seq_scan || ' times)' AS what FROM pg_stat_user_tables
			WHERE seq_scan > 0 AND relid IN (SELECT oid FROM pg_class WHERE reltuples >= %[1]d)
			UNION ALL
			SELECT i.relname || ' (' || i.idx_tup_read || ' rows in the order of ' || i.indexrelname || ')' FROM pg_stat_user_indexes i
			JOIN pg_class c ON c.oid = i.relid WHERE c.reltuples >= %[1]d AND i.idx_tup_read > greatest(c.reltuples / 2, %[2]d)
				AND i.indexrelname NOT IN ('mails_due', 'notices_due', 'memberships_group', 'attribute_values_pkey', 'accounts_username_key')) s`, large, bounded))
	if scanned != "" {
		t.Errorf("these tables were read from end to end: %s", scanned)
	}
}
