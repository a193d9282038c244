package admin_test

import (
	"database/sql"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// A change is not made if its audit event cannot be stored.
func TestEveryChangeIsAudited(t *testing.T) {
	t.Parallel()

	file := storetest.SQLiteURL(t)
	s := servertest.StartWithApps(t, storetest.Open(t, file), nil)
	s.CreateClient(`{"client_id":"shop","client_name":"Shop","redirect_uris":["https://shop.example/cb"]}`)
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
		if p := s.CallAdmin(change[0], change[1], change[2]); p.Status < http.StatusInternalServerError {
			t.Errorf("%v: %d %s", change, p.Status, p.Body)
		}
	}
	if p := s.CallAdmin(http.MethodGet, "/clients/shop", ""); p.JSON(t)["client_name"] != "Shop" {
		t.Errorf("the client was changed: %s", p.Body)
	}
	if p := s.CallAdmin(http.MethodGet, "/clients/other", ""); p.Status != http.StatusNotFound {
		t.Errorf("a client was made: %s", p.Body)
	}
}

// Every operation that needs the database returns 503 if the database is not available.
func TestLostDatabaseIsUnavailable(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		s.Store.Close()
		for path, want := range map[string]int{
			"GET /clients": 503, "GET /clients/x": 503, "DELETE /clients/x": 503, "POST /clients/x/secrets/rotate": 503, "PUT /clients/x/lifespans": 503,
			"GET /audit": 503, "GET /oauth2/auth/sessions/consent?subject=x": 503, "DELETE /oauth2/auth/sessions/consent?subject=x&all=true": 503,
			"GET /oauth2/auth/sessions/login": 503, "DELETE /oauth2/auth/sessions/login?sid=x": 503, "DELETE /oauth2/tokens?client_id=x": 503,
			"POST /oauth2/flush": 204, "GET /openapi.json": 200, "GET /metrics": 200,
		} {
			method, target, _ := strings.Cut(path, " ")
			p := callAnything(s, method, target)
			if p.Status != want || want == http.StatusServiceUnavailable && p.Header.Get("Retry-After") == "" || strings.Contains(p.Body, "sql") {
				t.Errorf("%s: %d\n%s", path, p.Status, p.Body)
			}
		}
		if p := submit(s, "/oauth2/introspect", url.Values{"token": {"invalid"}}); p.Status != http.StatusOK {
			t.Errorf("introspection of an invalid token needs no database: %d", p.Status)
		}
	})
}

// callAnything calls a path whose response may not be JSON.
func callAnything(s *servertest.AppServer, method, path string) servertest.Response {
	s.TB.Helper()
	if method == http.MethodGet && (path == "/metrics" || path == "/openapi.json") {
		return servertest.GetAdminText(s, path)
	}
	return s.CallAdmin(method, path, "{}")
}
