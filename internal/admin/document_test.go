package admin_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// Every mounted route is in the document, and every path of the document is mounted.
func TestOpenAPIDescribesEveryRoute(t *testing.T) {
	t.Parallel()

	s := servertest.StartWithApps(t, storetest.New(t), nil)
	mounted := map[string]bool{}
	err := chi.Walk(s.App.Admin().(chi.Routes), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		if !strings.HasPrefix(route, "/console") { // pages
			mounted[strings.TrimSuffix(strings.TrimPrefix(route, "/admin"), "/")] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	delete(mounted, "/openapi.json")
	delete(mounted, "/.well-known/oauth-protected-resource") // RFC 9728, beside the API
	want := slices.Sorted(maps.Keys(s.Document.Paths))
	if got := slices.Sorted(maps.Keys(mounted)); !slices.Equal(got, want) {
		t.Errorf("mounted are %v\ndescribed are %v", got, want)
	}
	ids := map[string]bool{}
	for _, o := range s.App.AdminAPI.Operations() {
		if ids[o.ID] || o.Summary == "" || o.Do != nil && o.Scope == "" || len(o.Responses) == 0 {
			t.Errorf("%s is there twice, or says too little", o.ID)
		}
		// Answers of apps are not audited, except for login answers and decisions of backchannel requests. Three other operations
		// change nothing.
		step := strings.HasPrefix(o.Scope, "requests:") && !strings.HasSuffix(o.ID, "OAuth2LoginRequest") && !strings.HasSuffix(o.ID, "BackchannelRequest")
		looks := o.Method == http.MethodGet || step ||
			o.ID == "introspectOAuth2Token" || o.ID == "flushInactiveOAuth2Tokens" || o.ID == "checkInvitations"
		if (o.Action == "") != looks {
			t.Errorf("%s must be in the audit log if it changes something, and only then: %q", o.ID, o.Action)
		}
		// Notices are about clients, and name no user.
		if reads := o.Method == http.MethodGet && (o.ID == "listBackchannelRequests" || o.Scope == apikey.SessionsRead && o.ID != "listNotices" || o.Scope == apikey.UsersRead && !strings.HasPrefix(o.Path, "/attributes") && !strings.HasPrefix(o.Path, "/groups")); (o.ReadAction != "") != reads {
			t.Errorf("%s must record reads of users if it returns them, and only then: %q", o.ID, o.ReadAction)
		}
		ids[o.ID] = true
	}
}

func TestOpenAPIIsPublished(t *testing.T) {
	t.Parallel()

	s := servertest.StartWithApps(t, storetest.New(t), map[string]string{"admin_auth": "token"})
	for _, path := range []string{"/openapi.json", "/admin/openapi.json"} {
		p := s.CallAdmin(http.MethodGet, path, "")
		if p.Status != http.StatusOK || p.JSON(t)["openapi"] != "3.1.0" {
			t.Errorf("%s: %d %s", path, p.Status, p.Body)
		}
	}
}

// A path is served with and without /admin and a trailing slash. Unknown paths and methods
// return errors in the same format.
func TestPathsAndMethods(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.StartWithApps(t, db, nil)
		for path, want := range map[string]int{
			"/audit": 200, "/audit/": 200, "/admin/audit": 200, "/admin/audit/": 200, "/admin/admin/audit": 404, "/nothing": 404,
			"/admin/health/alive": 200, "/health/ready": 200, "/admin/version": 200,
		} {
			if p := s.CallAdmin(http.MethodGet, path, ""); p.Status != want {
				t.Errorf("GET %s: %d, want %d", path, p.Status, want)
			}
		}
		if p := s.CallAdmin(http.MethodHead, "/admin/audit", ""); p.Status != http.StatusOK || p.Body != "" {
			t.Errorf("HEAD: %d %q", p.Status, p.Body)
		}
		for _, method := range []string{http.MethodPost, http.MethodPatch, "PROPFIND"} {
			p := s.CallAdmin(method, "/admin/audit", "{}")
			servertest.WantError(t, p, http.StatusMethodNotAllowed, "invalid_request")
			if p.JSON(t)["status_code"] != float64(http.StatusMethodNotAllowed) || p.Header.Get("Allow") == "" {
				t.Errorf("%s: %s, Allow %q", method, p.Body, p.Header.Get("Allow"))
			}
		}
	})
}
