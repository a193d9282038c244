package server_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/pkg/resource"
)

// Each resource names the URL of its metadata in its challenge, and the metadata names the resource. The
// metadata of the issuer lists those of the public listener.
//
// Spec: RFC 9728 §3.3, §4, §5.1.
func TestResourcesPublishMetadata(t *testing.T) {
	t.Parallel()
	s := servertest.StartWithApps(t, storetest.New(t), map[string]string{"demo_resource": "on", "admin_auth": "token"})
	listed, _ := servertest.CallResource(s.Server, http.MethodGet, "/.well-known/oauth-authorization-server", "").JSON(t)["protected_resources"].([]any)
	for path, want := range map[string]servertest.Object{
		"/userinfo": {
			"resource_name": "UserInfo", "scopes_supported": []any{"openid", "profile", "email", "address", "phone"}, "bearer_methods_supported": []any{"header", "body"},
		},
		"/demo/resource": {"resource_name": "Demo resource", "scopes_supported": nil, "bearer_methods_supported": []any{"header"}},
	} {
		challenge := servertest.CallResource(s.Server, http.MethodGet, path, "").Header.Get("WWW-Authenticate")
		_, rest, _ := strings.Cut(challenge, `resource_metadata="`)
		at, _, _ := strings.Cut(rest, `"`)
		if at != resource.MetadataURL(s.URL+path) {
			t.Fatalf("%s: challenge %s", path, challenge)
		}
		p := servertest.CallResource(s.Server, http.MethodGet, strings.TrimPrefix(at, s.URL), "")
		want["resource"], want["authorization_servers"] = s.URL+path, []any{s.URL}
		want["dpop_signing_alg_values_supported"] = []any{"RS256", "PS256", "ES256", "EdDSA"}
		servertest.WantMembers(t, p.JSON(t), want)
		if p.Status != http.StatusOK || p.Header.Get("Access-Control-Allow-Origin") != "*" || !slices.Contains(listed, any(s.URL+path)) {
			t.Errorf("%s: %d %v, listed %v", path, p.Status, p.Header, listed)
		}
	}
	p := s.CallAdmin(http.MethodGet, "/clients", "")
	if challenge := p.Header.Get("WWW-Authenticate"); !strings.Contains(challenge, `resource_metadata="http://127.0.0.1:4445/.well-known/oauth-protected-resource"`) {
		t.Errorf("admin API: %s", challenge)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.AdminURL+"/.well-known/oauth-protected-resource", nil)
	servertest.Must(t, err)
	metadata := servertest.Send(t, http.DefaultClient, r).JSON(t)
	servertest.WantMembers(t, metadata, servertest.Object{"resource": "http://127.0.0.1:4445", "authorization_servers": []any{s.URL}})
	if scopes, _ := metadata["scopes_supported"].([]any); !slices.Contains(scopes, any("clients:read")) || len(listed) != 2 {
		t.Errorf("scopes %v, listed %v", scopes, listed)
	}
	if p := servertest.CallResource(s.Server, http.MethodGet, "/.well-known/oauth-protected-resource", ""); p.Status != http.StatusNotFound {
		t.Errorf("the issuer is no resource: %d", p.Status)
	}
}
