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
