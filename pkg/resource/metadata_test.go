package resource_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/ostiary/ostiary/pkg/resource"
)

// Spec: RFC 9728 §2, §3.
func TestMetadata(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"https://api.example":                 "https://api.example/.well-known/oauth-protected-resource",
		"https://api.example/":                "https://api.example/.well-known/oauth-protected-resource",
		"https://api.example:8443/a/b":        "https://api.example:8443/.well-known/oauth-protected-resource/a/b",
		"https://api.example/a%2Fb/?tenant=1": "https://api.example/.well-known/oauth-protected-resource/a%2Fb/?tenant=1",
		"urn:api":                             "",
	} {
		if got := resource.MetadataURL(id); got != want {
			t.Errorf("%s: %s, want %s", id, got, want)
		}
	}
	f := newFixture(t)
	f.config.Scopes, f.config.Name, f.config.RequireBinding = []string{"orders:read"}, "Orders", true
	handler, err := newServer(t, f.config).MetadataHandler()
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	want := `{"resource":"https://api.example/orders","authorization_servers":["https://id.example"],"scopes_supported":["orders:read"],` +
		`"bearer_methods_supported":["header"],"resource_name":"Orders","dpop_signing_alg_values_supported":["RS256","PS256","ES256","EdDSA"],"dpop_bound_access_tokens_required":true}`
	if w.Code != http.StatusOK || w.Body.String() != want || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	w = httptest.NewRecorder()
	if handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
}
