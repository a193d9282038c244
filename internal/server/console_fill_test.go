package server_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

// The sizes of a large installation.
const (
	crowdUsers        = 100_000
	crowdApplications = 1000
	crowdGroups       = 1000
	crowdEvents       = 1_000_000
	crowdSessions     = 200_000
	crowdGrants       = 200_000
	crowdRefusals     = 100_000 // the most that are kept
	crowdMessages     = 50_000  // mails and logout notices
)

// filler fills tables of a database with copies of rows.
type filler struct {
	tb       testing.TB
	url      string
	postgres bool
	now      int64 // microseconds
}

// bytes returns an expression for 32 bytes that a text determines.
func (f *filler) bytes(text string) string {
	if f.postgres {
		return `sha256((` + text + `)::bytea)`
	}
	return `CAST(printf('%-32s', ` + text + `) AS BLOB)`
}

// id returns an expression for an ID that grows with a time in microseconds.
func (f *filler) id(micros string) string {
	if f.postgres {
		return `lpad(to_hex(` + micros + `), 14, '0') || 'aaaaaaaaaaaa'`
	}
	return `printf('%014x', ` + micros + `) || 'aaaaaaaaaaaa'`
}

// copies inserts n copies of the first row of a table. The columns of change have other values, in
// which n counts from 1.
func (f *filler) copies(table string, n int, change map[string]string) {
	f.tb.Helper()
	list := `SELECT group_concat(name, ' ') FROM pragma_table_info('` + table + `')`
	if f.postgres {
		list = `SELECT string_agg(column_name, ' ') FROM information_schema.columns WHERE table_name = '` + table + `'`
	}
	columns := strings.Fields(storetest.Text(f.tb, f.url, list))
	values := make([]string, len(columns))
	for i, column := range columns {
		if values[i] = change[column]; values[i] == "" {
			values[i] = `m.` + column
		}
		delete(change, column)
	}
	if len(change) > 0 {
		f.tb.Fatalf("table %s lacks the columns %q", table, slices.Collect(maps.Keys(change)))
	}
	f.rows(table, strings.Join(columns, ", "), n, strings.Join(values, ", ")+` FROM n, (SELECT * FROM `+table+` LIMIT 1) m`)
}

// rows inserts n rows, which are values with n from 1.
func (f *filler) rows(table, columns string, n int, values string) {
	f.tb.Helper()
	storetest.Exec(f.tb, f.url, fmt.Sprintf(`INSERT INTO %s (%s) WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < %d) SELECT %s`, table, columns, n, values))
}

// ago returns an expression for a time in microseconds: the first row is the newest, and the last one
// that long ago.
func (f *filler) ago(longest time.Duration, rows int) string {
	return fmt.Sprintf(`%d - n * CAST(%d AS BIGINT)`, f.now, longest.Microseconds()/int64(rows))
}

// fillConsole fills the database of a server with the records of a large installation, or with one
// of so many parts of them.
func fillConsole(tb testing.TB, s *servertest.Server, url string, part int) {
	tb.Helper()
	crowdUsers, crowdEvents, crowdSessions, crowdGrants := crowdUsers/part, crowdEvents/part, crowdSessions/part, crowdGrants/part
	crowdRefusals, crowdMessages := crowdRefusals/part, crowdMessages/part
	const day = 24 * time.Hour
	f := &filler{tb, url, s.Store.Engine() == "postgres", s.Time().UnixMicro()}
	if f.postgres {
		f.url += "&statement_timeout=0"
	}
	ctx := tb.Context()
	must := func(err error) { tb.Helper(); servertest.Must(tb, err) }
	text := func(format string, modulus int) string {
		return fmt.Sprintf(`'%s' || (1000000 + n %% %d)`, format, modulus)
	}

	must(s.Store.Attributes.InsertAttribute(ctx, &account.Attribute{Name: "team", CreatedAt: s.Time(), UpdatedAt: s.Time()}))
	must(s.Store.Groups.InsertGroup(ctx, &account.Group{Name: "everybody", CreatedAt: s.Time(), UpdatedAt: s.Time()}))
	f.copies("user_groups", crowdGroups, map[string]string{"name": `'group' || (1000000 + n - 1)`})
	created := f.ago(300*day, crowdUsers)
	f.rows("accounts", `subject, username, password_hash, claims, attributes, administrator, not_before, created_at, updated_at`, crowdUsers,
		`'subject' || (1000000 + n - 1), 'user' || (1000000 + n - 1), '', '{"email":"user' || n || '@mail.example","name":"Given' || (n % 300) || ' Family' || (n % 1000) || '"}',
		'{"team":"red"}', 0, 0, `+created+`, `+created+` FROM n`)
	f.rows("memberships", `subject, group_name`, crowdUsers, text("subject", crowdUsers)+`, `+text("group", crowdGroups)+` FROM n`)
	f.rows("memberships", `subject, group_name`, crowdUsers, text("subject", crowdUsers)+`, 'everybody' FROM n`)
	began := time.Now()
	_, err := s.Store.SearchWords.RewriteStaleWords(ctx)
	must(err)
	tb.Logf("%s: the words of %d users were written in %s", s.Store.Engine(), crowdUsers, time.Since(began).Round(time.Second))

	for i := range crowdApplications {
		c := fixture.Client(fmt.Sprint("client", 1000000+i))
		c.ClientName = fmt.Sprint("Application ", i)
		must(s.Store.Clients.InsertClient(ctx, c))
	}
	f.rows("client_uses", `client_id, secret, used_at`, crowdApplications, text("client", crowdApplications)+`, '', `+f.ago(30*day, crowdApplications)+` FROM n`)
	f.copies("audit_events", crowdEvents, map[string]string{
		"id": f.id(f.ago(90*day, crowdEvents)), "at": f.ago(90*day, crowdEvents), "action": text("action", 40), "target": text("subject", crowdUsers),
		"actor_id": text("subject", 50),
	})
	f.copies("sessions", crowdSessions, map[string]string{
		"id": text("session", crowdSessions), "cookie": f.bytes(`'cookie' || n`), "subject": text("subject", crowdUsers), "created_at": f.ago(day, crowdSessions),
	})
	f.copies("grants", crowdGrants, map[string]string{
		"id": f.bytes(`'grant' || n`), "subject": text("subject", crowdUsers), "client_id": text("client", crowdApplications), "session_id": text("session", crowdSessions),
	})
	f.rows("consents", `subject, client_id, session_id, scopes, given_at, expires_at`, crowdGrants,
		text("subject", crowdUsers)+`, `+text("client", 999)+`, '', 'openid', `+f.ago(90*day, crowdGrants)+`, `+strconv.FormatInt(s.Time().Add(90*day).UnixMicro(), 10)+` FROM n`)
	must(s.Store.Refusals.InsertRefusals(ctx, []*refusal.Record{{
		ID: refusal.FirstID(s.Time()) + "q", At: s.Time(), RequestID: "q", Method: "GET", Route: "/oauth2/auth", Status: http.StatusBadRequest, Code: "invalid_request",
		Rule: refusal.NotFound, Cause: "the redirect URI is not registered", Attrs: []refusal.Attr{},
	}}))
	f.copies("refusals", crowdRefusals, map[string]string{
		"id": f.id(f.ago(7*day, crowdRefusals)), "at": f.ago(7*day, crowdRefusals), "number": `n`, "request_id": text("request", crowdRefusals),
		"client_id": text("client", crowdApplications), "rule": text("rule", 40),
	})
	m := mail.New(mail.Recover, "user@mail.example", s.Time())
	must(s.Store.Mails.EnqueueMail(ctx, m))
	must(s.Store.Mails.EndMail(ctx, m, mail.Failed, s.Time()))
	f.copies("mails", crowdMessages, map[string]string{
		"id": f.id(f.ago(day, crowdMessages)), "subject": text("subject", crowdUsers), "due_at": f.ago(day, crowdMessages),
	})
	f.rows("notices", `id, kind, client_id, subject, session_id, state, created_at, due_at, until, attempts, status, fault, ended_at, purge_after`, crowdMessages,
		f.id(f.ago(day, crowdMessages))+`, 'backchannel_logout', `+text("client", crowdApplications)+`, `+text("subject", crowdUsers)+`, 's', 'failed',
		`+f.ago(day, crowdMessages)+`, `+f.ago(day, crowdMessages)+`, 0, 1, 500, 'status', `+f.ago(day, crowdMessages)+`, `+strconv.FormatInt(s.Time().Add(day).UnixMicro(), 10)+` FROM n`)
	const counters = 60
	for width, intervals := range map[int]int{3600: 24 * 31, 86400: 400} {
		f.rows("statistics", `width, began_at, counter, total, purge_after`, intervals*counters, fmt.Sprintf(
			`%[1]d, CAST(%[2]d AS BIGINT) - n %% %[3]d * CAST(%[1]d000000 AS BIGINT), 'refused rule' || (n / %[3]d), 7, CAST(%[2]d AS BIGINT) + 86400000000 FROM n`,
			width, s.Time().Truncate(time.Duration(width)*time.Second).UnixMicro(), intervals))
	}
	if f.postgres {
		storetest.Exec(tb, f.url, `VACUUM ANALYZE`)
	}
}
