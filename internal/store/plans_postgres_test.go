package store_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

// A plan that is made while a table is empty is used until the table is analyzed,
// perhaps a million rows later. No plan of a request may scan a table.
func TestRequestsScanNoTable(t *testing.T) {
	t.Parallel()

	url := storetest.MigratedURL(t)
	s := storetest.Open(t, url)
	fixture.Seed(t, s)
	n := fixture.Session("session", "alice")
	must(t, s.Sessions.InsertSession(t.Context(), n, nil))
	_, _, err := s.Sessions.SessionAndConsent(t.Context(), n.Cookie, "rp", noon)
	must(t, err)
	must(t, s.Requests.InsertRequest(t.Context(), fixture.Request("request")))
	must(t, s.Requests.RecordDecision(t.Context(), "request", authrequest.Accepted, "alice",
		&consent.Consent{Subject: "alice", ClientID: "rp", Scopes: []string{"email"}, GivenAt: noon}, noon))
	g := fixture.InsertGrant(t, s, func(g *grant.Grant) { g.SessionID = n.ID })
	fixture.RedeemCode(t, s, g)
	fixture.WantLive(t, s, g.Locator, noon, true)
	_, err = s.Grants.RotateRefresh(t.Context(), grant.RefreshRotation{Ref: g.Locator, ClientID: "rp", Generation: 1, ExpiresAt: noon.Add(time.Hour), Now: noon})
	must(t, err)
	must(t, s.Grants.DenyToken(t.Context(), "jti", noon.Add(time.Hour)))
	_, err = s.Sessions.EndSession(t.Context(), n.ID, noon)
	must(t, err)
	s.Close() // connections report their statistics when they close

	outside, err := pgx.Connect(t.Context(), url)
	must(t, err)
	defer outside.Close(t.Context())
	// Attaching a partition of grants scans it.
	const readThrough = `
		SELECT relname::text FROM pg_stat_user_tables
		WHERE seq_scan > 0 AND relname NOT LIKE 'grants_b%' AND relname NOT IN ('goose_db_version', 'seeds', 'key_state', 'signing_keys')`
	rows, err := outside.Query(t.Context(), readThrough)
	must(t, err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	must(t, err)
	if len(tables) > 0 {
		t.Errorf("read through: %q", tables)
	}
	var used int
	must(t, outside.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_user_tables WHERE idx_scan > 0`).Scan(&used))
	if used < 5 {
		t.Errorf("only %d tables were read by an index: nothing has been counted", used)
	}
}
