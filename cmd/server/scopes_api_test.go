package main

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

func TestOperatorsDeclareScopes(t *testing.T) {
	eachApart(t, func(t *testing.T, s *apart) {
		t.Helper()
		const hr = `{"name":"hr","title":"See where you work","description":"Your desk.","claims":{"department":["id_token","userinfo"]},"self_registration":true}`
		p := s.ask(http.MethodPost, "/admin/scopes", hr)
		want := object{
			"name": "hr", "title": "See where you work", "description": "Your desk.", "self_registration": true,
			"claims": object{"department": []any{"id_token", "userinfo"}},
		}
		if p.status != http.StatusCreated || p.header.Get("Location") != "/admin/scopes/hr" {
			t.Fatalf("POST: %d %q %s", p.status, p.header.Get("Location"), p.body)
		}
		wantMembers(t, p.json(t), want)
		wantError(t, s.ask(http.MethodPost, "/scopes", hr), http.StatusConflict, "Conflict")
		wantError(t, s.ask(http.MethodPost, "/scopes", `{"name":"email"}`), http.StatusBadRequest, "invalid_request")
		wantMembers(t, s.ask(http.MethodGet, "/scopes/hr", "").json(t), want)
		// At once in this process.
		if document := s.browser().get("/.well-known/openid-configuration").body; !strings.Contains(document, `"department"`) {
			t.Errorf("discovery does not say so at once: %s", document)
		}

		s.pass(time.Second)
		want["title"], want["claims"], want["self_registration"], want["description"] = "", object{}, false, ""
		p = s.ask(http.MethodPut, "/scopes/hr", `{}`)
		if p.status != http.StatusOK {
			t.Fatalf("PUT: %d %s", p.status, p.body)
		}
		wantMembers(t, p.json(t), want)
		wantError(t, s.ask(http.MethodPut, "/scopes/other", `{}`), http.StatusNotFound, "Not Found")
		wantError(t, s.ask(http.MethodGet, "/scopes/other", ""), http.StatusNotFound, "Not Found")
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
			if p := s.ask(http.MethodPut, "/scopes/hr", body); p.status != http.StatusBadRequest {
				t.Errorf("%s: %d %s", name, p.status, p.body)
			}
		}
		wantError(t, s.ask(http.MethodPost, "/scopes", `{"name":"clients:write","self_registration":true}`), http.StatusBadRequest, "invalid_request")

		// A name may be a URL.
		p = s.ask(http.MethodPost, "/scopes", `{"name":"https://api.example/read"}`)
		if location := p.header.Get("Location"); location != "/scopes/https:%2F%2Fapi.example%2Fread" || s.ask(http.MethodGet, location, "").status != http.StatusOK {
			t.Errorf("a URL as name: %d %q", p.status, location)
		}

		// A standard scope keeps its own claims.
		wantError(t, s.ask(http.MethodPut, "/scopes/email", `{"claims":{"email":["userinfo"]}}`), http.StatusBadRequest, "invalid_request")
		email := s.ask(http.MethodGet, "/scopes/email", "").json(t)
		wantMembers(t, email, object{"claims": object{"email": []any{"id_token", "userinfo"}, "email_verified": []any{"id_token", "userinfo"}}})
		if p := s.ask(http.MethodPut, "/scopes/email", `{"title":"Mail","claims":{"email":["userinfo"],"email_verified":["userinfo"]}}`); p.status != http.StatusOK {
			t.Errorf("email out of ID tokens: %d %s", p.status, p.body)
		}
		wantError(t, s.ask(http.MethodDelete, "/scopes/email", ""), http.StatusConflict, "Conflict")

		p = s.ask(http.MethodGet, "/scopes?page_size=5", "")
		first := scopeNames(t, p)
		if first != "address email groups hr https://api.example/read" || !strings.Contains(strings.Join(p.header.Values("Link"), ", "), `rel="next"`) {
			t.Errorf("a page of five is %s, %s", first, p.header.Values("Link"))
		}
		if all := scopeNames(t, s.ask(http.MethodGet, "/scopes", "")); all != first+" offline_access openid phone profile roles" {
			t.Errorf("all are %s", all)
		}

		s.pass(time.Second)
		if p := s.ask(http.MethodDelete, "/scopes/hr", ""); p.status != http.StatusNoContent {
			t.Errorf("DELETE: %d %s", p.status, p.body)
		}
		wantError(t, s.ask(http.MethodDelete, "/scopes/hr", ""), http.StatusNotFound, "Not Found")

		var done []string
		events, err := s.store.ListEvents(t.Context(), audit.Filter{Target: "hr"}, "", 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if e.Outcome == audit.Done {
				done = slices.Insert(done, 0, e.Action) // the newest comes first
			}
		}
		if got := strings.Join(done, " "); got != "scope.create scope.update scope.delete" {
			t.Errorf("the audit log has %s", got)
		}
	})
}

// scopeNames returns the names in a list of scopes.
func scopeNames(tb testing.TB, p reply) string {
	tb.Helper()
	var list []struct{ Name string }
	if err := json.Unmarshal([]byte(p.body), &list); err != nil {
		tb.Fatal(err)
	}
	var all []string
	for _, one := range list {
		all = append(all, one.Name)
	}
	return strings.Join(all, " ")
}

// An operator who sets the scope of a client that registered itself has the last word; the
// client cannot say so itself.
func TestTheOperatorSetsTheScopeOfASelfRegisteredClient(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startApart(t, db, map[string]string{"registration_scopes": "openid api", "default_scopes": "openid"})
		const metadata = `"redirect_uris":["https://self.example/cb"],"grant_types":["authorization_code","client_credentials"],
			"token_endpoint_auth_method":"client_secret_post","scope":"openid api reports","operator_scope":true`
		p := s.send(t, http.MethodPost, "/connect/register", "", "{"+metadata+"}")
		self := p.json(t)
		if p.status != http.StatusCreated || self["scope"] != "openid api" || self["operator_scope"] != nil {
			t.Fatalf("register: %d %s", p.status, p.body)
		}
		id := text(self["client_id"])
		token := func(scope string) reply {
			t.Helper()
			return s.call("/oauth2/token", asForm("grant_type", "client_credentials", "client_id", id, "client_secret", text(self["client_secret"]), "scope", scope))
		}
		s.pass(time.Minute)
		if p := token("api"); p.status != http.StatusOK {
			t.Errorf("for a scope that it may register: %d %s", p.status, p.body)
		}
		wantError(t, token("reports"), http.StatusBadRequest, "invalid_scope")

		patch := `[{"op":"replace","path":"/scope","value":"openid reports"}]`
		p = s.ask(http.MethodPatch, "/clients/"+id, patch)
		if p.status != http.StatusOK || p.json(t)["operator_scope"] != true {
			t.Fatalf("PATCH: %d %s", p.status, p.body)
		}
		s.pass(clientStaleness)
		if p := token("reports"); p.status != http.StatusOK {
			t.Errorf("for a scope that the operator gave: %d %s", p.status, p.body)
		}
		path := strings.TrimPrefix(text(self["registration_client_uri"]), s.url)
		p = s.send(t, http.MethodPut, path, text(self["registration_access_token"]), `{"client_id":"`+id+`",`+metadata+`}`)
		if p.status != http.StatusOK || p.json(t)["scope"] != "openid api reports" || p.json(t)["operator_scope"] != nil {
			t.Errorf("an update of its own: %d %s", p.status, p.body)
		}
	})
}
