package store_test

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/keyset"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/outbox"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

// crowd fills the tables with the records of thousands of users: SQL for PostgreSQL,
// with the number of rows and the time.
var crowd = []string{
	`INSERT INTO accounts (subject, username, password_hash, claims, administrator, not_before, created_at, updated_at)
		SELECT 's' || n, 'u' || n, '', '{}', 0, 0, 0, 0 FROM generate_series(1, %d) n -- %d`,
	`INSERT INTO addresses (subject, address_key, address, verified_at, is_primary)
		SELECT 's' || n, n || '@example.org', n || '@example.org', 1, 1 FROM generate_series(1, %d) n -- %d`,
	`INSERT INTO account_words (word, title, subject)
		SELECT w, 't' || n, 's' || n FROM generate_series(1, %d) n, LATERAL (VALUES ('common'), ('frequent'), ('w' || n)) v (w) -- %d`,
	`INSERT INTO user_groups (name, description, created_at, updated_at) SELECT 'g' || n, '', 0, 0 FROM generate_series(1, %d) n -- %d`,
	`INSERT INTO memberships (subject, group_name) SELECT 's' || n, 'g' || n FROM generate_series(1, %d) n -- %d`,
	`INSERT INTO sessions (id, cookie, subject, auth_time, acr, amr, remembered, created_at, seen_at, idle_until, ends_at)
		SELECT 'i' || n, sha256(('c' || n)::bytea), 's' || n, m, '', '', 0, m, m, m + 100000000000, m + 100000000000
		FROM generate_series(1, %d) n, (SELECT %d AS m) m`,
	`INSERT INTO consents (subject, client_id, session_id, scopes, given_at, expires_at)
		SELECT 's' || n, 'c' || n %% 400, '', 'openid', m, m + 100000000000 FROM generate_series(1, %d) n, (SELECT %d AS m) m`,
	`INSERT INTO participants (session_id, client_id, joined_at, living)
		SELECT 'i' || n, 'c', m, 'i' || n FROM generate_series(1, %d) n, (SELECT %d AS m) m`,
	`INSERT INTO requests (id, browser, client_id, parameters, created_at, expires_at, grant_bucket, grant_id,
			session_id, decision, decided_for)
		SELECT 'r' || n, '', 'c', '', m, m + 100000000000, 1, '', '', '', '' FROM generate_series(1, %d) n, (SELECT %d AS m) m`,
	`INSERT INTO devices (grant_id, grant_bucket, client_id, user_code, scopes, resources, seed, wait, early, created_at, expires_at)
		SELECT sha256(n::text::bytea), 1, 'c', sha256(n::text::bytea), '', '', '', 5000000, 0, m, m + 1000000000
		FROM generate_series(1, %d) n, (SELECT %d AS m) m`,
	`INSERT INTO sign_outs (id, session_id, subject, client_id, redirect, state, created_at, expires_at, decision)
		SELECT 'o' || n, 'i' || n, 's' || n, 'c', '', '', m, m + 100000000000, '' FROM generate_series(1, %d) n, (SELECT %d AS m) m`,
	`INSERT INTO revoked_tokens (jti, until) SELECT 't' || n, m + 1000000000 FROM generate_series(1, %d) n, (SELECT %d AS m) m`,
	`INSERT INTO replay (digest, until)
		SELECT sha256(n::text::bytea), m + 1000000000 FROM generate_series(1, %d) n, (SELECT %d AS m) m`,
	`INSERT INTO guesses (digest, count, since, until)
		SELECT sha256(n::text::bytea), 1, m, m + 1000000000 FROM generate_series(1, %d) n, (SELECT %d AS m) m`,
	`INSERT INTO known_sources (digest, kind, subject, not_before, noted_at, expires_at)
		SELECT sha256(n::text::bytea), 'device', 's' || n, 0, m, m + 1000000000 FROM generate_series(1, %d) n, (SELECT %d AS m) m`,
	`INSERT INTO authenticators (subject, id, secret, label, last_step, created_at)
		SELECT 's' || n, 'a', '', '', 0, m FROM generate_series(1, %d) n, (SELECT %d AS m) m`,
	`INSERT INTO pending_authenticators (binding, subject, secret, expires_at)
		SELECT sha256(n::text::bytea), 's' || n, '', m + 100000000000 FROM generate_series(1, %d) n, (SELECT %d AS m) m`,
	`INSERT INTO data_files (subject, requested_at, due_at, attempts, content, expires_at)
		SELECT 's' || n, m, m, 1, CASE WHEN n > 1000 THEN 'x'::bytea END, m + 100000000000 FROM generate_series(1, %d) n, (SELECT %d AS m) m`,
	`INSERT INTO recovery_code_sets (subject, hash_key, created_at) SELECT 's' || n, '', m FROM generate_series(1, %d) n, (SELECT %d AS m) m`,
	`INSERT INTO recovery_codes (subject, hash) SELECT 's' || n, '' FROM generate_series(1, %d) n -- %d`,
	`INSERT INTO trusted_devices (digest, subject, not_before, created_at, expires_at)
		SELECT sha256(n::text::bytea), 's' || n, 0, m, m + 100000000000 FROM generate_series(1, %d) n, (SELECT %d AS m) m`,
	`INSERT INTO notices (id, kind, client_id, subject, session_id, state, created_at, due_at, until, attempts, status, fault,
			ended_at, purge_after)
		SELECT 'n' || n, 'backchannel_logout', 'c', 's', 'i', 'delivered', m, m, m, 1, 200, '', m, m + 1000000000
		FROM generate_series(1, %d) n, (SELECT %d AS m) m`,
	`INSERT INTO mails (id, kind, subject, recipient, language, data, anonymous, state, created_at, due_at, until, attempts, fault, ended_at, purge_after)
		SELECT 'm' || n, 'recover', 's' || n, '', '', '', CASE WHEN n <= 1000 THEN 1 ELSE 0 END, 'sent', m, m, m, 1, '', m, m + 1000000000
		FROM generate_series(1, %d) n, (SELECT %d AS m) m`,
	`INSERT INTO one_time_links (hash, kind, subject, address_key, version, data, created_at, expires_at)
		SELECT sha256(n::text::bytea), 'recover', 's' || n, '', '', '', m, m + 1000000000 FROM generate_series(1, %d) n, (SELECT %d AS m) m`,
	`INSERT INTO set_keys (set_name, kid, public, created_at) SELECT 'set ' || n, 'kid', '{}', m FROM generate_series(1, %d) n, (SELECT %d AS m) m`,
	`INSERT INTO audit_events (id, at, action, target, actor_kind, actor_id, actor_name, address, request_id, outcome, status)
		SELECT 'f' || to_char(n, 'FM00000000'), m, 'a' || n %% 400, 't' || n %% 400, 'cli', 'i' || n %% 400, '', '', '', 'done', 200
		FROM generate_series(1, %d) n, (SELECT %d AS m) m`,
	`INSERT INTO refusals (id, at, request_id, method, route, status, code, rule, cause, client_id, grant_id, network, attributes, number)
		SELECT 'f' || to_char(n, 'FM00000000'), m, 'q' || n, 'POST', '/oauth2/token', 400, '', 'r' || n %% 400, '', 'c' || n %% 400, '', '', '[]', n
		FROM generate_series(1, %d) n, (SELECT %d AS m) m`,
	`INSERT INTO clients (id, metadata, secret, dynamic, disabled, not_before, created_at, updated_at, version, name)
		SELECT 'k' || n, '{}', '', 0, 0, 0, 0, 0, 1, 'n' || n FROM generate_series(1, %d) n -- %d`,
	`INSERT INTO client_uses (client_id, secret, used_at) SELECT 'k' || n, '', m FROM generate_series(1, %d) n, (SELECT %d AS m) m`,
	`INSERT INTO trusted_issuers (id, issuer, subject, scopes, kid, jwk, created_at, expires_at)
		SELECT 'i' || n, 'i' || n %% 400, 's' || n, '', 'k', '{}', m, m + 100000000000 FROM generate_series(1, %d) n, (SELECT %d AS m) m`,
	`INSERT INTO grants SELECT (jsonb_populate_record(g, jsonb_build_object(
			'id', '\x' || md5('g' || n), 'subject', 's' || n, 'session_id', 'i' || n))).*
		FROM generate_series(1, %d) n, grants g WHERE g.subject = 'alice' -- %d`,
}

// The records of one user, session or client are found by an index, with any number of
// others and any estimate of the planner: no request and no purge scans a table.
func TestNoStatementScansALargeTable(t *testing.T) {
	t.Parallel()

	url := storetest.MigratedURL(t)
	s := storetest.Open(t, url)
	fixture.Seed(t, s)
	fixture.InsertGrant(t, s, nil)
	filling := openOutside(t, url)
	const users = 20_000
	for _, statement := range crowd {
		_, err := filling.ExecContext(t.Context(), fmt.Sprintf(statement, users, noon.UnixMicro()))
		must(t, err)
	}
	_, err := filling.ExecContext(t.Context(), `VACUUM ANALYZE`)
	must(t, err)
	must(t, filling.Close())
	s.Close()

	// Connections report their statistics after a while, at the latest when they
	// close.
	outside := openOutside(t, url)
	waitForOthers(t, outside)
	_, err = outside.ExecContext(t.Context(), `SELECT pg_stat_reset()`)
	must(t, err)

	measured, err := store.Open(t.Context(), store.Config{URL: url + "&random_page_cost=1.1", MaxConns: 1})
	must(t, err)
	live(t, measured)
	measured.Close()
	waitForOthers(t, outside)

	rows, err := outside.QueryContext(t.Context(), `
		SELECT relname || ' (' || seq_scan || ' times)' FROM pg_stat_user_tables
		WHERE seq_scan > 0 AND relid IN (SELECT oid FROM pg_class WHERE reltuples >= 20000)
		UNION ALL
		SELECT relname || ' (in the order of ' || indexrelname || ')' FROM pg_stat_user_indexes
		WHERE idx_tup_read > 15000 AND indexrelname <> 'guesses_until'`) // the purge counts up to its bound in this index
	must(t, err)
	defer rows.Close()
	var read []string
	for rows.Next() {
		var table string
		must(t, rows.Scan(&table))
		read = append(read, table)
	}
	must(t, rows.Err())
	if slices.Sort(read); len(read) > 0 {
		t.Errorf("these tables were read from end to end: %s", strings.Join(read, ", "))
	}
}

// waitForOthers waits until all other connections to the database are closed.
func waitForOthers(t *testing.T, outside *sql.DB) {
	t.Helper()
	const others = `SELECT count(*) FROM pg_stat_activity
		WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`
	for count := 1; count > 0; time.Sleep(5 * time.Millisecond) {
		must(t, outside.QueryRowContext(t.Context(), others).Scan(&count))
	}
}

// live runs the statements of the server for one user.
func live(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	must(t, s.Clients.InsertClient(ctx, fixture.LogoutClient("notified")))
	for _, id := range []string{"one", "two"} {
		must(t, s.Sessions.InsertSession(ctx, fixture.Session(id, "bob"), nil))
		must(t, s.Sessions.JoinSession(ctx, id, "notified", "", noon))
		_, _, err := s.Sessions.SessionAndConsent(ctx, fixture.CookieHash(id), "notified", noon)
		must(t, err)
		r := fixture.Request(id)
		must(t, s.Requests.InsertRequest(ctx, r))
		must(t, s.Requests.RecordSignIn(ctx, r.ID, id, noon, noon))
		must(t, s.Requests.RecordDecision(ctx, r.ID, authrequest.Accepted, "bob",
			&consent.Consent{Subject: "bob", ClientID: "notified", SessionID: id, GivenAt: noon}, noon))
		g := fixture.InsertGrant(t, s, func(g *grant.Grant) { g.Subject, g.ClientID, g.SessionID = "bob", "notified", id })
		fixture.RedeemCode(t, s, g)
		_, err = s.Grants.RotateRefresh(ctx, grant.RefreshRotation{Ref: g.Locator, ClientID: "notified", Generation: 1, ExpiresAt: noon.Add(day), Now: noon})
		must(t, err)
		fixture.WantLive(t, s, g.Locator, noon, true)
		must(t, s.Sessions.TouchSession(ctx, fixture.CookieHash(id), session.Origin{}, noon.Add(time.Second), noon.Add(day)))
		d := aDevice("notified")
		must(t, s.Devices.InsertDevice(ctx, d))
		_, err = s.Devices.DeviceByCode(ctx, [][]byte{d.UserCode, {1}}, noon)
		must(t, err)
		must(t, s.Devices.AllowDevice(ctx, grantOf(d, "bob"), noon))
		must(t, s.Devices.DenyDevice(ctx, d.Grant, noon))
		_, err = s.Devices.PollDevice(ctx, polling(d, noon))
		must(t, err)
		must(t, s.LogoutRequests.InsertLogoutRequest(ctx, aSignOut(id)))
		must(t, s.LogoutRequests.AnswerLogout(ctx, id, authrequest.Accepted, someVerifier, noon))
		_, err = s.LogoutRequests.RedeemLogout(ctx, id, someVerifier, noon)
		must(t, err)
		must(t, s.Grants.DenyToken(ctx, id, noon.Add(time.Hour)))
		_, err = s.Replay.ClaimOnce(ctx, "assertion", "notified", id, noon.Add(time.Hour), noon)
		must(t, err)
		_, _, err = s.Throttle.CountAttempt(ctx, id, time.Hour, noon)
		must(t, err)
		source := account.NewSignInSource("bob", id, "192.0.2.0/24")
		must(t, s.SignInSources.NoteSource(ctx, fixture.Account("bob"), source, session.Origin{}, noon))
		_, err = s.SignInSources.KnownSource(ctx, source, noon)
		must(t, err)
		must(t, s.Accounts.EndLockdown(ctx, "bob", noon))
		fixture.EndSession(t, s, id, noon)
		_, err = s.Outbox.DueNotices(ctx)
		must(t, err)
		n, err := s.Outbox.ClaimNotice(ctx, "notified", noon, noon.Add(time.Minute))
		must(t, err)
		must(t, s.Outbox.EndNotice(ctx, n, outbox.Delivered, noon))
		_, err = s.Grants.WhyInactive(ctx, g.Locator, "jti", noon)
		must(t, err)
		must(t, s.Grants.RevokeGrant(ctx, g.Locator, "notified", grant.RevokedByClient, noon))
	}
	for _, text := range []string{"", "É", "c", "name of", "common w19", "common frequent", "s12"} {
		for _, group := range []string{"", "g1"} {
			_, _, err := s.Accounts.SearchAccounts(ctx, account.Filter{Text: text, Group: group}, "", 10)
			must(t, err)
		}
	}
	key := aSetKey("set", "kid")
	must(t, s.KeySets.InsertKey(ctx, key))
	must(t, s.KeySets.PutKeys(ctx, key))
	_, err := s.KeySets.KeySet(ctx, "set")
	must(t, err)
	_, err = s.KeySets.Key(ctx, "set", "kid")
	must(t, err)
	_, err = s.KeySets.ListKeys(ctx, "set", "kid", 10)
	must(t, err)
	_, err = s.Consents.ImportConsents(ctx, []*consent.Consent{{Subject: "bob", ClientID: "notified", GivenAt: noon}}, noon, false)
	must(t, err)
	must(t, s.KeySets.ReplaceKeySet(ctx, "set", []*keyset.Key{key}))
	must(t, s.KeySets.ResealKey(ctx, key, key.Sealed))
	must(t, s.KeySets.DeleteKey(ctx, "set", "kid"))
	wantErr(t, "a deleted set", s.KeySets.DeleteKeySet(ctx, "set"), keyset.ErrNotFound)
	must(t, s.TrustedIssuers.InsertTrust(ctx, aTrust("of bob", "https://issuer.example", "bob")))
	_, _, err = s.TrustedIssuers.TrustsFor(ctx, "https://issuer.example", "bob", noon)
	must(t, err)
	must(t, s.Grants.LiveAsserted(ctx, grant.AssertedToken{ClientID: "notified", Trust: "of bob", Subject: "bob", JTI: "jti", IssuedAt: noon}, noon))
	must(t, s.TrustedIssuers.DeleteTrust(ctx, "of bob"))
	_, err = s.Grants.ListGrants(ctx, store.GrantFilter{Subject: "bob"}, grant.Locator{}, 10, noon)
	must(t, err)
	_, err = s.Grants.ListGrants(ctx, store.GrantFilter{}, grant.Locator{}, 10, noon)
	must(t, err)
	_, err = s.Sessions.ListSessions(ctx, "bob", "", 10, noon)
	must(t, err)
	for _, filter := range []audit.Filter{{}, {Action: "a1"}, {Actor: "i1"}, {Target: "t1"}, {Target: "t1", Since: noon}, {Action: "none"}, {Action: "a1", Actor: "i2"}, {Action: "a1", Target: "t2"}} {
		_, err = s.Audit.ListEvents(ctx, filter, "", 10)
		must(t, err)
	}
	for _, filter := range []refusal.Filter{{}, {ClientID: "c1"}, {Rule: "r1"}, {ClientID: "c1", Rule: "r1", Since: noon}} {
		_, err = s.Refusals.ListRefusals(ctx, filter, "", 10)
		must(t, err)
	}
	for _, q := range []client.Listing{{}, {Prefix: "n1"}, {Only: client.SelectFailing, Since: noon}, {After: client.Position{Name: "n5", ID: "k5"}, Descending: true}} {
		q.Limit = 25
		_, _, err = s.Clients.ListedClients(ctx, q)
		must(t, err)
	}
	_, err = s.Clients.ClientRefusals(ctx, "c1", noon)
	must(t, err)
	must(t, s.Clients.NoteUses(ctx, []client.Use{{ClientID: "k1", At: noon}}))
	must(t, s.Refusals.InsertRefusals(ctx, []*refusal.Record{aRefusal("q", "c1", "r1", noon)}))
	_, err = s.Refusals.Refusal(ctx, "none")
	wantErr(t, "the refusal of a request that was not rejected", err, refusal.ErrNotFound)
	for _, sessionID := range []string{"", "two"} {
		_, err = s.Consents.ListConsents(ctx, "bob", sessionID, consent.Consent{}, 10, noon)
		must(t, err)
		_, err = s.Grants.ListGrantsWithoutConsent(ctx, "bob", sessionID, grant.Locator{}, 10, noon)
		must(t, err)
	}
	must(t, s.Grants.RevokeGrantsOf(ctx, "bob", "notified", noon))
	must(t, s.Grants.RevokeGrantsIn(ctx, "two", noon))
	must(t, s.Consents.RevokeConsents(ctx, "bob", "notified", noon))
	must(t, s.Consents.RevokeConsents(ctx, "bob", "", noon))
	_, err = s.Accounts.ListAccounts(ctx, "", 10)
	must(t, err)
	_, err = s.Accounts.SampleHashes(ctx, 1000)
	must(t, err)
	_, err = s.Accounts.RenewPasswordHash(ctx, "bob", "old", "new")
	must(t, err)
	pending := aSignUp("grace", noon)
	must(t, s.SignUps.InsertSignUp(ctx, pending))
	_, err = s.SignUps.SignUpOf(ctx, pending.Browser, noon)
	must(t, err)
	must(t, s.SignUps.SetSignUpCode(ctx, pending.ID, []byte("code"), noon.Add(time.Minute)))
	must(t, s.SignUps.CheckSignUpCode(ctx, pending.ID, []byte("code"), noon))
	grace, err := pending.Account(noon)
	must(t, err)
	must(t, s.SignUps.CompleteSignUp(ctx, pending.ID, grace, noon))
	link := insertLink(t, s, fixture.Account("bob"))
	_, err = s.OneTimeLinks.Link(ctx, link.Hash, noon)
	must(t, err)
	must(t, s.OneTimeLinks.ProveLink(ctx, link.Hash, noon))
	bob, err := s.Accounts.Account(ctx, "bob")
	must(t, err)
	must(t, s.OneTimeLinks.RecoverPassword(ctx, link, bob, "recovered", nil, noon))
	_, err = s.Accounts.AccountByAddress(ctx, "bob@rp.example")
	wantErr(t, "an address without an account", err, account.ErrNotFound)
	must(t, s.Mails.EnqueueMail(ctx, aMail("bob@rp.example")))
	_, err = s.Mails.NextMail(ctx)
	must(t, err)
	m, err := s.Mails.ClaimMail(ctx, noon, noon.Add(time.Minute))
	must(t, err)
	must(t, s.Mails.PostponeMail(ctx, m, noon))
	must(t, s.Mails.EndMail(ctx, m, mail.Sent, noon))
	wantErr(t, "a set-up link that is none", s.SetupLinks.SetupLink(ctx, session.Hash("none"), noon), account.ErrSetupLink)
	useSecondFactors(t, s, "bob")
	must(t, s.Consents.DeleteConsent(ctx, "bob", "notified"))
	_, err = s.Sessions.EndSessionsOf(ctx, "bob", noon)
	must(t, err)
	must(t, s.Accounts.SetPassword(ctx, "bob", "hash", noon.Add(time.Second)))
	must(t, s.Accounts.SetDisabled(ctx, "bob", true, noon.Add(time.Second)))
	must(t, s.Accounts.DeleteAccount(ctx, "bob", noon.Add(time.Second)))
	must(t, s.Clients.DeleteClient(ctx, "notified"))
	_, err = s.Purge(ctx, noon.Add(time.Hour)) // reads 10,000 grants
	must(t, err)
}
