package admin_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/server/servertest"
)

func TestClientsAreCheckedAgainstProfiles(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		all := s.CallAdmin(http.MethodGet, "/admin/clients/web/check", "")
		for _, part := range []string{`"profile":"baseline"`, `"profile":"fapi1-advanced"`, `"member":"token_endpoint_auth_method"`, `"section":"FAPI 2.0 5.3.2.1"`} {
			if all.Status != http.StatusOK || !strings.Contains(all.Body, part) {
				t.Errorf("check: %d %s, want %s", all.Status, all.Body, part)
			}
		}
		if one := s.CallAdmin(http.MethodGet, "/admin/clients/web/check?profile=baseline", ""); !strings.Contains(one.Body, `"lacks":[]`) || strings.Contains(one.Body, "fapi") {
			t.Errorf("check of one: %s", one.Body)
		}
		for path, status := range map[string]int{"/admin/clients/nobody/check": http.StatusNotFound, "/admin/clients/web/check?profile=none": http.StatusBadRequest} {
			if p := s.CallAdmin(http.MethodGet, path, ""); p.Status != status {
				t.Errorf("%s: %d %s", path, p.Status, p.Body)
			}
		}
	})
}
