package admin_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// Each operation requires exactly its scope of an API key.
func TestEachOperationRequiresItsScope(t *testing.T) {
	t.Parallel()

	s := servertest.StartWithApps(t, storetest.New(t), map[string]string{"admin_auth": "token"})
	keys := map[string]string{}
	for _, scope := range apikey.Scopes() {
		k, text := apikey.New(scope, []string{scope}, s.Time(), s.Time())
		k.ExpiresAt = k.CreatedAt.AddDate(1, 0, 0)
		if err := s.Store.APIKeys.InsertAPIKey(t.Context(), k); err != nil {
			t.Fatal(err)
		}
		keys[scope] = text
	}
	for _, o := range s.App.AdminAPI.Operations() {
		if o.Do == nil {
			continue
		}
		path := strings.NewReplacer("{", "", "}", "").Replace(o.Path)
		servertest.WantError(t, s.CallAdmin(o.Method, path, "{}"), http.StatusUnauthorized, "request_unauthorized")
		for scope, key := range keys {
			p := s.CallAdminWithKey(key, o.Method, path, "{}")
			denied := p.Status == http.StatusForbidden && strings.Contains(p.Header.Get("WWW-Authenticate"), `scope="`+o.Scope+`"`)
			if denied == (scope == o.Scope) {
				t.Errorf("%s with %s: %d %s", o.ID, scope, p.Status, p.Body)
			}
		}
	}
}

// An API key without the scope of a change is recorded in the audit log.
func TestAuditLogRequiresItsScope(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.StartWithApps(t, db, nil)
		for _, path := range []string{"/audit?page_size=x", "/audit?page_size=-1", "/audit?page_token=x", "/audit?since=yesterday", "/audit?page_token=AAAA"} {
			servertest.WantError(t, s.CallAdmin(http.MethodGet, path, ""), http.StatusBadRequest, "invalid_request")
		}
		p := s.CallAdmin(http.MethodGet, "/audit?action=client.create", "")
		if p.Status != http.StatusOK || strings.TrimSpace(p.Body) != "[]" {
			t.Errorf("nothing happened: %d %s", p.Status, p.Body)
		}
	})
}

// A client to which the operator granted a scope of the API uses it with an access token that
// it obtained for itself. A client that registered itself has no access, and neither has a
// token that a user authorized.
func TestAccessTokensAuthenticate(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.StartWithApps(t, db, map[string]string{
			"admin_auth": "token", "registration_scopes": "openid profile email address phone offline_access clients:write", "login_url": "", "consent_url": "",
		})
		s.ImportClient(`{"client_id": "tool", "client_name": "Nightly", "client_secret": "tool-secret-tool-secret-tool-sec", "token_endpoint_auth_method": "client_secret_post",
			"grant_types": ["client_credentials", "authorization_code"], "redirect_uris": ["` + servertest.RedirectURI + `"], "scope": "openid clients:read audit:read",
			"skip_consent": true, "audience": ["https://api.example"]}`)
		token := func(id, secret, scope, resource string) string {
			t.Helper()
			form := servertest.Form("grant_type", "client_credentials", "client_id", id, "client_secret", secret, "scope", scope)
			if resource != "" {
				form.Set("resource", resource)
			}
			return servertest.Text(s.PostForm("/oauth2/token", form).JSON(t)["access_token"])
		}
		const secret = "tool-secret-tool-secret-tool-sec"
		good := token("tool", secret, "clients:read", "")
		if p := s.CallAdminWithKey(good, http.MethodGet, "/clients", ""); p.Status != http.StatusOK {
			t.Errorf("with the scope: %d %s", p.Status, p.Body)
		}
		servertest.WantError(t, s.CallAdminWithKey(good, http.MethodPost, "/clients", `{}`), http.StatusForbidden, "request_forbidden")
		servertest.WantError(t, s.CallAdminWithKey(good, http.MethodGet, "/audit", ""), http.StatusForbidden, "request_forbidden")
		reader := token("tool", secret, "audit:read", "")
		p := s.CallAdminWithKey(reader, http.MethodGet, "/audit", "")
		if !strings.Contains(p.Body, `"action":"client.create"`) || !strings.Contains(p.Body, `"outcome":"refused"`) ||
			!strings.Contains(p.Body, `"actor":{"kind":"access_token","id":"tool","name":"Nightly"}`) {
			t.Errorf("the refusal is not in the audit log: %s", p.Body)
		}
		bad := map[string]string{
			"for another resource": token("tool", secret, "clients:read", "https://api.example"),
			"garbage":              "garbage",
		}
		code := s.NewBrowser().Code(servertest.AuthorizationRequest("client_id", "tool", "scope", "openid clients:read"))
		userToken := s.PostForm("/oauth2/token", servertest.CodeExchange(code, "client_id", "tool", "client_secret", secret)).JSON(t)
		if !strings.Contains(servertest.Text(userToken["scope"]), "clients:read") {
			t.Fatalf("the user allowed %v", userToken["scope"])
		}
		bad["issued to a user"] = servertest.Text(userToken["access_token"])

		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/connect/register", strings.NewReader(
			`{"redirect_uris":["https://self.example/cb"],"grant_types":["client_credentials"],"scope":"openid clients:write","token_endpoint_auth_method":"client_secret_post"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		self := servertest.Send(t, http.DefaultClient, r).JSON(t)
		if servertest.Text(self["client_id"]) == "" || strings.Contains(servertest.Text(self["scope"]), "clients:") {
			t.Fatalf("a client gave itself %v", self["scope"])
		}
		// An operator cannot change that later.
		known, err := s.Store.Clients.Client(t.Context(), servertest.Text(self["client_id"]))
		if err != nil {
			t.Fatal(err)
		}
		before := known.Metadata
		known.Scope = "openid clients:read"
		known.MarkOperatorScope(&before)
		if err := s.Store.Clients.UpdateClient(t.Context(), known); err != nil {
			t.Fatal(err)
		}
		bad["of a client that registered itself"] = token(known.ID, servertest.Text(self["client_secret"]), "clients:read", "")
		for what, token := range bad {
			if p := s.CallAdminWithKey(token, http.MethodGet, "/clients", ""); token == "" || p.Status != http.StatusUnauthorized {
				t.Errorf("with a token %s (%q): %d %s", what, token, p.Status, p.Body)
			}
		}
		tool, err := s.Store.Clients.Client(t.Context(), "tool")
		if err != nil {
			t.Fatal(err)
		}
		tool.Scope = "openid clients:read"
		if err := s.Store.Clients.UpdateClient(t.Context(), tool); err != nil {
			t.Fatal(err)
		}
		servertest.WantError(t, s.CallAdminWithKey(reader, http.MethodGet, "/audit", ""), http.StatusForbidden, "request_forbidden")
		if p := s.CallAdminWithKey(good, http.MethodGet, "/clients", ""); p.Status != http.StatusOK {
			t.Errorf("with the scope that is left: %d %s", p.Status, p.Body)
		}
		if p := s.PostForm("/oauth2/revoke", servertest.Form("client_id", "tool", "client_secret", secret, "token", good)); p.Status != http.StatusOK {
			t.Fatalf("revoke: %d %s", p.Status, p.Body)
		}
		servertest.WantError(t, s.CallAdminWithKey(good, http.MethodGet, "/clients", ""), http.StatusUnauthorized, "request_unauthorized")
	})
}

// A caller cannot give a client scopes of the API that the caller lacks, or take over a client
// that has such scopes.
func TestClientScopesCannotExceedCallers(t *testing.T) {
	t.Parallel()
	s := servertest.StartWithApps(t, storetest.New(t), map[string]string{"admin_auth": "token"})
	writer := holding(s, apikey.ClientsRead, apikey.ClientsWrite)
	both := holding(s, apikey.ClientsRead, apikey.ClientsWrite, apikey.AuditRead)
	const tool = `{"client_id": "tool", "client_secret": "tool-secret-tool-secret-tool-sec", "grant_types": ["client_credentials"], "scope": "api `
	servertest.WantError(t, writer.ask(http.MethodPost, "/clients", tool+`audit:read"}`), http.StatusForbidden, "request_forbidden")
	if p := both.ask(http.MethodPost, "/clients", tool+`audit:read"}`); p.Status != http.StatusCreated {
		t.Fatalf("with the scope itself: %d %s", p.Status, p.Body)
	}
	for _, call := range [][3]string{
		{http.MethodPut, "/clients/tool", tool + `audit:read"}`},
		{http.MethodPut, "/clients/tool", tool + `"}`},
		{http.MethodPatch, "/clients/tool", `[{"op": "add", "path": "/client_secret", "value": "another-secret-another-secret-ab"}]`},
		{http.MethodPost, "/clients/tool/secrets/rotate", ""},
	} {
		p := writer.ask(call[0], call[1], call[2])
		servertest.WantError(t, p, http.StatusForbidden, "request_forbidden")
		if !strings.Contains(p.Header.Get("WWW-Authenticate"), `scope="audit:read"`) {
			t.Errorf("%s %s: WWW-Authenticate %q", call[0], call[1], p.Header.Get("WWW-Authenticate"))
		}
	}
	if p := both.ask(http.MethodPut, "/clients/tool", tool+`"}`); p.Status != http.StatusOK {
		t.Errorf("with the scope itself: %d %s", p.Status, p.Body)
	}
	if p := writer.ask(http.MethodPost, "/clients/tool/secrets/rotate", ""); p.Status != http.StatusOK {
		t.Errorf("where it has no such scope: %d %s", p.Status, p.Body)
	}
	servertest.WantError(t, writer.ask(http.MethodPatch, "/clients/tool", `[{"op": "replace", "path": "/scope", "value": "tokens:write"}]`),
		http.StatusForbidden, "request_forbidden")
}
