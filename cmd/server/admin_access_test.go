package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// Each operation takes its scope, and no other.
func TestEachOperationTakesItsScope(t *testing.T) {
	t.Parallel()

	s := startApart(t, storetest.New(t), map[string]string{"admin_auth": "token"})
	keys := map[string]string{}
	for _, scope := range apikey.Scopes() {
		k, text := apikey.New(scope, []string{scope}, s.time(), s.time())
		k.ExpiresAt = k.CreatedAt.AddDate(1, 0, 0)
		if err := s.store.InsertAPIKey(t.Context(), k); err != nil {
			t.Fatal(err)
		}
		keys[scope] = text
	}
	for _, o := range s.app.operator.Operations() {
		if o.Do == nil {
			continue
		}
		path := strings.NewReplacer("{", "", "}", "").Replace(o.Path)
		wantError(t, s.ask(o.Method, path, "{}"), http.StatusUnauthorized, "request_unauthorized")
		for scope, key := range keys {
			p := s.askWith(key, o.Method, path, "{}")
			denied := p.status == http.StatusForbidden && strings.Contains(p.header.Get("WWW-Authenticate"), `scope="`+o.Scope+`"`)
			if denied == (scope == o.Scope) {
				t.Errorf("%s with %s: %d %s", o.ID, scope, p.status, p.body)
			}
		}
	}
}

// A key that may not change something leaves that it tried.
func TestWhoReadsTheAuditLog(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startApart(t, db, nil)
		for _, path := range []string{"/audit?page_size=x", "/audit?page_size=-1", "/audit?page_token=x", "/audit?since=yesterday", "/audit?page_token=AAAA"} {
			wantError(t, s.ask(http.MethodGet, path, ""), http.StatusBadRequest, "invalid_request")
		}
		p := s.ask(http.MethodGet, "/audit?action=client.create", "")
		if p.status != http.StatusOK || strings.TrimSpace(p.body) != "[]" {
			t.Errorf("nothing happened: %d %s", p.status, p.body)
		}
	})
}

// A client that the operator gave a scope of the API uses it with a token of its own;
// neither one that registered itself does, nor anybody with what a person allowed.
func TestAccessTokensOpenTheAPI(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startApart(t, db, map[string]string{
			"admin_auth": "token", "registration_scopes": "openid profile email address phone offline_access clients:write", "login_url": "", "consent_url": "",
		})
		s.bring(`{"client_id": "tool", "client_name": "Nightly", "client_secret": "tool-secret-tool-secret-tool-sec", "token_endpoint_auth_method": "client_secret_post",
			"grant_types": ["client_credentials", "authorization_code"], "redirect_uris": ["` + testCallback + `"], "scope": "openid clients:read audit:read",
			"skip_consent": true, "audience": ["https://api.example"]}`)
		token := func(id, secret, scope, resource string) string {
			t.Helper()
			form := asForm("grant_type", "client_credentials", "client_id", id, "client_secret", secret, "scope", scope)
			if resource != "" {
				form.Set("resource", resource)
			}
			return text(s.call("/oauth2/token", form).json(t)["access_token"])
		}
		const secret = "tool-secret-tool-secret-tool-sec"
		good := token("tool", secret, "clients:read", "")
		if p := s.askWith(good, http.MethodGet, "/clients", ""); p.status != http.StatusOK {
			t.Errorf("with the scope: %d %s", p.status, p.body)
		}
		wantError(t, s.askWith(good, http.MethodPost, "/clients", `{}`), http.StatusForbidden, "request_forbidden")
		wantError(t, s.askWith(good, http.MethodGet, "/audit", ""), http.StatusForbidden, "request_forbidden")
		reader := token("tool", secret, "audit:read", "")
		p := s.askWith(reader, http.MethodGet, "/audit", "")
		if !strings.Contains(p.body, `"action":"client.create"`) || !strings.Contains(p.body, `"outcome":"refused"`) ||
			!strings.Contains(p.body, `"actor":{"kind":"access_token","id":"tool","name":"Nightly"}`) {
			t.Errorf("the refusal is not in the audit log: %s", p.body)
		}
		bad := map[string]string{
			"for another resource": token("tool", secret, "clients:read", "https://api.example"),
			"garbage":              "garbage",
		}
		code := s.browser().code(asking("client_id", "tool", "scope", "openid clients:read"))
		persons := s.call("/oauth2/token", exchanging(code, "client_id", "tool", "client_secret", secret)).json(t)
		if !strings.Contains(text(persons["scope"]), "clients:read") {
			t.Fatalf("the person allowed %v", persons["scope"])
		}
		bad["of a person"] = text(persons["access_token"])

		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/connect/register", strings.NewReader(
			`{"redirect_uris":["https://self.example/cb"],"grant_types":["client_credentials"],"scope":"openid clients:write","token_endpoint_auth_method":"client_secret_post"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		self := send(t, http.DefaultClient, r).json(t)
		if text(self["client_id"]) == "" || strings.Contains(text(self["scope"]), "clients:") {
			t.Fatalf("a client gave itself %v", self["scope"])
		}
		// Whatever the operator does with it afterwards.
		known, err := s.store.Client(t.Context(), text(self["client_id"]))
		if err != nil {
			t.Fatal(err)
		}
		before := known.Metadata
		known.Scope = "openid clients:read"
		known.MarkOperatorScope(&before)
		if err := s.store.UpdateClient(t.Context(), known); err != nil {
			t.Fatal(err)
		}
		bad["of a client that registered itself"] = token(known.ID, text(self["client_secret"]), "clients:read", "")
		for what, token := range bad {
			if p := s.askWith(token, http.MethodGet, "/clients", ""); token == "" || p.status != http.StatusUnauthorized {
				t.Errorf("with a token %s (%q): %d %s", what, token, p.status, p.body)
			}
		}
		tool, err := s.store.Client(t.Context(), "tool")
		if err != nil {
			t.Fatal(err)
		}
		tool.Scope = "openid clients:read"
		if err := s.store.UpdateClient(t.Context(), tool); err != nil {
			t.Fatal(err)
		}
		wantError(t, s.askWith(reader, http.MethodGet, "/audit", ""), http.StatusForbidden, "request_forbidden")
		if p := s.askWith(good, http.MethodGet, "/clients", ""); p.status != http.StatusOK {
			t.Errorf("with the scope that is left: %d %s", p.status, p.body)
		}
		if p := s.call("/oauth2/revoke", asForm("client_id", "tool", "client_secret", secret, "token", good)); p.status != http.StatusOK {
			t.Fatalf("revoke: %d %s", p.status, p.body)
		}
		wantError(t, s.askWith(good, http.MethodGet, "/clients", ""), http.StatusUnauthorized, "request_unauthorized")
	})
}

// Who looks after clients gives none of them more than they hold themselves, and takes
// over none that has more.
func TestNobodyRaisesThemselvesByAClient(t *testing.T) {
	t.Parallel()
	s := startApart(t, storetest.New(t), map[string]string{"admin_auth": "token"})
	writer := s.holding(apikey.ClientsRead, apikey.ClientsWrite)
	both := s.holding(apikey.ClientsRead, apikey.ClientsWrite, apikey.AuditRead)
	const tool = `{"client_id": "tool", "client_secret": "tool-secret-tool-secret-tool-sec", "grant_types": ["client_credentials"], "scope": "api `
	wantError(t, writer.ask(http.MethodPost, "/clients", tool+`audit:read"}`), http.StatusForbidden, "request_forbidden")
	if p := both.ask(http.MethodPost, "/clients", tool+`audit:read"}`); p.status != http.StatusCreated {
		t.Fatalf("with the scope itself: %d %s", p.status, p.body)
	}
	for _, call := range [][3]string{
		{http.MethodPut, "/clients/tool", tool + `audit:read"}`},
		{http.MethodPut, "/clients/tool", tool + `"}`},
		{http.MethodPatch, "/clients/tool", `[{"op": "add", "path": "/client_secret", "value": "another-secret-another-secret-ab"}]`},
		{http.MethodPost, "/clients/tool/secrets/rotate", ""},
	} {
		p := writer.ask(call[0], call[1], call[2])
		wantError(t, p, http.StatusForbidden, "request_forbidden")
		if !strings.Contains(p.header.Get("WWW-Authenticate"), `scope="audit:read"`) {
			t.Errorf("%s %s: WWW-Authenticate %q", call[0], call[1], p.header.Get("WWW-Authenticate"))
		}
	}
	if p := both.ask(http.MethodPut, "/clients/tool", tool+`"}`); p.status != http.StatusOK {
		t.Errorf("with the scope itself: %d %s", p.status, p.body)
	}
	if p := writer.ask(http.MethodPost, "/clients/tool/secrets/rotate", ""); p.status != http.StatusOK {
		t.Errorf("where it has no such scope: %d %s", p.status, p.body)
	}
	wantError(t, writer.ask(http.MethodPatch, "/clients/tool", `[{"op": "replace", "path": "/scope", "value": "tokens:write"}]`),
		http.StatusForbidden, "request_forbidden")
}
