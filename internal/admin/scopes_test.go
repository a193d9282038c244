package admin_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

func TestScopeLifecycle(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		const hr = `{"name":"hr","title":"See where you work","description":"Your desk.","claims":{"department":["id_token","userinfo"]},"self_registration":true}`
		p := s.CallAdmin(http.MethodPost, "/admin/scopes", hr)
		want := servertest.Object{
			"name": "hr", "title": "See where you work", "description": "Your desk.", "self_registration": true,
			"claims": servertest.Object{"department": []any{"id_token", "userinfo"}},
		}
		if p.Status != http.StatusCreated || p.Header.Get("Location") != "/admin/scopes/hr" {
			t.Fatalf("POST: %d %q %s", p.Status, p.Header.Get("Location"), p.Body)
		}
		servertest.WantMembers(t, p.JSON(t), want)
		servertest.WantError(t, s.CallAdmin(http.MethodPost, "/scopes", hr), http.StatusConflict, "Conflict")
		servertest.WantError(t, s.CallAdmin(http.MethodPost, "/scopes", `{"name":"email"}`), http.StatusBadRequest, "invalid_request")
		servertest.WantMembers(t, s.CallAdmin(http.MethodGet, "/scopes/hr", "").JSON(t), want)
		// The change is effective immediately in this process.
		if document := s.NewBrowser().Get("/.well-known/openid-configuration").Body; !strings.Contains(document, `"department"`) {
			t.Errorf("discovery does not say so at once: %s", document)
		}

		s.Advance(time.Second)
		want["title"], want["claims"], want["self_registration"], want["description"] = "", servertest.Object{}, false, ""
		p = s.CallAdmin(http.MethodPut, "/scopes/hr", `{}`)
		if p.Status != http.StatusOK {
			t.Fatalf("PUT: %d %s", p.Status, p.Body)
		}
		servertest.WantMembers(t, p.JSON(t), want)
		servertest.WantError(t, s.CallAdmin(http.MethodPut, "/scopes/other", `{}`), http.StatusNotFound, "Not Found")
		servertest.WantError(t, s.CallAdmin(http.MethodGet, "/scopes/other", ""), http.StatusNotFound, "Not Found")
		for name, body := range map[string]string{
			"another name":               `{"name":"other"}`,
			"a place that is none":       `{"claims":{"department":["header"]}}`,
			"no place":                   `{"claims":{"department":[]}}`,
			"claims that are a list":     `{"claims":["department"]}`,
			"a claim of the protocol":    `{"claims":{"sub":["userinfo"]}}`,
			"a title that is not text":   `{"title":1}`,
			"a title with a control":     "{\"title\":\"a\\u0001b\"}",
			"a body that is not JSON":    `{`,
			"a body that is not a scope": `[]`,
		} {
			if p := s.CallAdmin(http.MethodPut, "/scopes/hr", body); p.Status != http.StatusBadRequest {
				t.Errorf("%s: %d %s", name, p.Status, p.Body)
			}
		}
		servertest.WantError(t, s.CallAdmin(http.MethodPost, "/scopes", `{"name":"clients:write","self_registration":true}`), http.StatusBadRequest, "invalid_request")

		// A name may be a URL.
		p = s.CallAdmin(http.MethodPost, "/scopes", `{"name":"https://api.example/read"}`)
		if location := p.Header.Get("Location"); location != "/scopes/https:%2F%2Fapi.example%2Fread" || s.CallAdmin(http.MethodGet, location, "").Status != http.StatusOK {
			t.Errorf("a URL as name: %d %q", p.Status, location)
		}

		// A standard scope always releases its standard claims.
		servertest.WantError(t, s.CallAdmin(http.MethodPut, "/scopes/email", `{"claims":{"email":["userinfo"]}}`), http.StatusBadRequest, "invalid_request")
		email := s.CallAdmin(http.MethodGet, "/scopes/email", "").JSON(t)
		servertest.WantMembers(t, email, servertest.Object{"claims": servertest.Object{"email": []any{"id_token", "userinfo"}, "email_verified": []any{"id_token", "userinfo"}}})
		if p := s.CallAdmin(http.MethodPut, "/scopes/email", `{"title":"Mail","claims":{"email":["userinfo"],"email_verified":["userinfo"]}}`); p.Status != http.StatusOK {
			t.Errorf("email out of ID tokens: %d %s", p.Status, p.Body)
		}
		servertest.WantError(t, s.CallAdmin(http.MethodDelete, "/scopes/email", ""), http.StatusConflict, "Conflict")

		p = s.CallAdmin(http.MethodGet, "/scopes?page_size=5", "")
		first := scopeNames(t, p)
		if first != "address email groups hr https://api.example/read" || !strings.Contains(strings.Join(p.Header.Values("Link"), ", "), `rel="next"`) {
			t.Errorf("a page of five is %s, %s", first, p.Header.Values("Link"))
		}
		if all := scopeNames(t, s.CallAdmin(http.MethodGet, "/scopes", "")); all != first+" offline_access openid phone profile roles" {
			t.Errorf("all are %s", all)
		}

		s.Advance(time.Second)
		if p := s.CallAdmin(http.MethodDelete, "/scopes/hr", ""); p.Status != http.StatusNoContent {
			t.Errorf("DELETE: %d %s", p.Status, p.Body)
		}
		servertest.WantError(t, s.CallAdmin(http.MethodDelete, "/scopes/hr", ""), http.StatusNotFound, "Not Found")

		var done []string
		events, err := s.Store.Audit.ListEvents(t.Context(), audit.Filter{Target: "hr"}, "", 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if e.Outcome == audit.Done {
				done = slices.Insert(done, 0, e.Action) // the newest event is the first
			}
		}
		if got := strings.Join(done, " "); got != "scope.create scope.update scope.delete" {
			t.Errorf("the audit log has %s", got)
		}
	})
}

// scopeNames returns the names in a list of scopes.
func scopeNames(tb testing.TB, p servertest.Response) string {
	tb.Helper()
	var list []struct{ Name string }
	if err := json.Unmarshal([]byte(p.Body), &list); err != nil {
		tb.Fatal(err)
	}
	var all []string
	for _, one := range list {
		all = append(all, one.Name)
	}
	return strings.Join(all, " ")
}

// The scope that an operator sets for a self-registered client is final; the client cannot
// change it.
func TestOperatorSetsScopeOfSelfRegisteredClient(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.StartWithApps(t, db, map[string]string{"registration_scopes": "openid api", "default_scopes": "openid"})
		const metadata = `"redirect_uris":["https://self.example/cb"],"grant_types":["authorization_code","client_credentials"],
			"token_endpoint_auth_method":"client_secret_post","scope":"openid api reports","operator_scope":true`
		p := s.Call(t, http.MethodPost, "/connect/register", "", "{"+metadata+"}")
		self := p.JSON(t)
		if p.Status != http.StatusCreated || self["scope"] != "openid api" || self["operator_scope"] != nil {
			t.Fatalf("register: %d %s", p.Status, p.Body)
		}
		id := servertest.Text(self["client_id"])
		token := func(scope string) servertest.Response {
			t.Helper()
			return s.PostForm("/oauth2/token", servertest.Form("grant_type", "client_credentials", "client_id", id, "client_secret", servertest.Text(self["client_secret"]), "scope", scope))
		}
		s.Advance(time.Minute)
		if p := token("api"); p.Status != http.StatusOK {
			t.Errorf("for a scope that it may register: %d %s", p.Status, p.Body)
		}
		servertest.WantError(t, token("reports"), http.StatusBadRequest, "invalid_scope")

		patch := `[{"op":"replace","path":"/scope","value":"openid reports"}]`
		p = s.CallAdmin(http.MethodPatch, "/clients/"+id, patch)
		if p.Status != http.StatusOK || p.JSON(t)["operator_scope"] != true {
			t.Fatalf("PATCH: %d %s", p.Status, p.Body)
		}
		s.Advance(servertest.ClientStaleness)
		if p := token("reports"); p.Status != http.StatusOK {
			t.Errorf("for a scope that the operator gave: %d %s", p.Status, p.Body)
		}
		path := strings.TrimPrefix(servertest.Text(self["registration_client_uri"]), s.URL)
		p = s.Call(t, http.MethodPut, path, servertest.Text(self["registration_access_token"]), `{"client_id":"`+id+`",`+metadata+`}`)
		if p.Status != http.StatusOK || p.JSON(t)["scope"] != "openid api reports" || p.JSON(t)["operator_scope"] != nil {
			t.Errorf("an update of its own: %d %s", p.Status, p.Body)
		}
	})
}
