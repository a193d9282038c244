package main

import (
	"database/sql"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/store/storetest"
)

// Where the audit log cannot be written, nothing is changed.
func TestNoChangeWithoutATrace(t *testing.T) {
	t.Parallel()

	file := storetest.SQLiteURL(t)
	s := startApart(t, storetest.Open(t, file), nil)
	s.made(`{"client_id":"shop","client_name":"Shop","redirect_uris":["https://shop.example/cb"]}`)
	outside, err := sql.Open("sqlite", strings.TrimPrefix(file, "sqlite:"))
	if err != nil {
		t.Fatal(err)
	}
	defer outside.Close()
	if _, err := outside.ExecContext(t.Context(), `ALTER TABLE audit_events RENAME TO elsewhere`); err != nil {
		t.Fatal(err)
	}
	for _, change := range [][3]string{
		{http.MethodPost, "/clients", `{"client_id":"other","redirect_uris":["https://shop.example/cb"]}`},
		{http.MethodPatch, "/clients/shop", `[{"op":"replace","path":"/client_name","value":"Other"}]`},
		{http.MethodDelete, "/clients/shop", ""},
	} {
		if p := s.ask(change[0], change[1], change[2]); p.status < http.StatusInternalServerError {
			t.Errorf("%v: %d %s", change, p.status, p.body)
		}
	}
	if p := s.ask(http.MethodGet, "/clients/shop", ""); p.json(t)["client_name"] != "Shop" {
		t.Errorf("the client was changed: %s", p.body)
	}
	if p := s.ask(http.MethodGet, "/clients/other", ""); p.status != http.StatusNotFound {
		t.Errorf("a client was made: %s", p.body)
	}
}

// A lost database is told as such by every operation that needs one.
func TestALostDatabaseIsNoVerdictOnOperators(t *testing.T) {
	eachApart(t, func(t *testing.T, s *apart) {
		t.Helper()
		s.store.Close()
		for path, want := range map[string]int{
			"GET /clients": 503, "GET /clients/x": 503, "DELETE /clients/x": 503, "POST /clients/x/secrets/rotate": 503, "PUT /clients/x/lifespans": 503,
			"GET /audit": 503, "GET /oauth2/auth/sessions/consent?subject=x": 503, "DELETE /oauth2/auth/sessions/consent?subject=x&all=true": 503,
			"GET /oauth2/auth/sessions/login": 503, "DELETE /oauth2/auth/sessions/login?sid=x": 503, "DELETE /oauth2/tokens?client_id=x": 503,
			"POST /oauth2/flush": 204, "GET /openapi.json": 200, "GET /metrics": 200,
		} {
			method, target, _ := strings.Cut(path, " ")
			p := s.askAnything(method, target)
			if p.status != want || want == http.StatusServiceUnavailable && p.header.Get("Retry-After") == "" || strings.Contains(p.body, "sql") {
				t.Errorf("%s: %d\n%s", path, p.status, p.body)
			}
		}
		if p := s.submit("/oauth2/introspect", url.Values{"token": {"garbage"}}); p.status != http.StatusOK {
			t.Errorf("garbage needs no database: %d", p.status)
		}
	})
}

// askAnything is ask for what may be no JSON.
func (s *apart) askAnything(method, path string) reply {
	s.tb.Helper()
	if method == http.MethodGet && (path == "/metrics" || path == "/openapi.json") {
		return s.askPlain(path)
	}
	return s.ask(method, path, "{}")
}
