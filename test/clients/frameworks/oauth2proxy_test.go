//go:build e2e

package frameworks

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/test/rig"
)

// TestOAuth2Proxy puts oauth2-proxy in front of an application that shows the
// headers that it is sent. API clients pass it with an ID token.
func TestOAuth2Proxy(t *testing.T) {
	t.Parallel()
	binary := goInstall(t, "github.com/oauth2-proxy/oauth2-proxy/v7", "v7.15.6", "oauth2-proxy")
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Error(w, "not here", http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{ // the proxy may be gone
			"user": r.Header.Get("X-Forwarded-User"), "email": r.Header.Get("X-Forwarded-Email"),
			"groups": strings.Split(r.Header.Get("X-Forwarded-Groups"), ","), "name": r.Header.Get("X-Forwarded-Preferred-Username"),
		})
	}))
	t.Cleanup(behind.Close)

	server := serve(t, rig.SQLite)
	a := newApplication(t, server, registration{
		heading: "oauth2-proxy", preset: "oauth2-proxy",
	})
	endSession := server.Issuer + "/oauth2/sessions/logout?" + url.Values{
		"client_id": {a.id}, "post_logout_redirect_uri": {a.base + "/oauth2/sign_in"},
	}.Encode()
	a.user, a.refresh, a.refreshOutput, a.signedOut = "/me", "/me", "Refreshing session", "Sign in with Ostiary"
	a.signOut = "/oauth2/sign_out?" + url.Values{"rd": {endSession}}.Encode()
	host := strings.TrimPrefix(a.base, "http://")
	a.run(t, server, a.dir, binary,
		"--provider", "oidc", "--oidc-issuer-url", server.Issuer, "--client-id", a.id, "--client-secret", a.secret,
		"--redirect-url", a.base+"/oauth2/callback", "--code-challenge-method", "S256",
		"--scope", "openid profile email groups offline_access",
		"--cookie-secret", "0123456789abcdef0123456789abcdef", "--cookie-secure=false", "--cookie-refresh", "1ns",
		"--email-domain", "*", "--whitelist-domain", strings.TrimPrefix(server.Issuer, "http://"),
		"--skip-jwt-bearer-tokens", "--provider-display-name", "Ostiary", "--upstream", behind.URL, "--http-address", host)

	want := map[string]any{"email": "ada@example.com", "groups": []string{"engines", "staff"}, "name": "ada"}
	a.test(t, server, want)
	a.mustPassWithIDToken(t, server, want)
}

// mustPassWithIDToken sends an ID token to the proxy, as API clients do.
func (a *application) mustPassWithIDToken(t *testing.T, server *rig.Cluster, want map[string]any) {
	t.Helper()
	client := rig.Client{
		ID: a.id, Secret: a.secret, RedirectURI: a.base + "/oauth2/callback", Method: "client_secret_basic", Scope: "openid profile email groups",
	}
	token := idToken(t, server, &client)
	proxy := rig.Endpoint{URL: a.base, HTTP: server.HTTP}
	answer := proxy.Do(t.Context(), http.MethodGet, "/me", nil, http.Header{"Authorization": {"Bearer " + token}})
	for name, value := range want {
		if !jsonEqual(answer.JSON[name], value) {
			t.Errorf("with an ID token as bearer token, %s is %v, want %v (%v)", name, answer.JSON[name], value, answer)
		}
	}
}

// idToken signs ada in at a client and returns the ID token.
func idToken(t *testing.T, server *rig.Cluster, client *rig.Client) string {
	t.Helper()
	answer, err := rig.NewBrowser(server.Endpoint, testUser).Authorize(t.Context(), client, nil)
	if err != nil {
		t.Fatal(err)
	}
	tokens := server.Exchange(t.Context(), client, answer.Code, answer.Verifier)
	if tokens.Text("id_token") == "" {
		t.Fatalf("the exchange of the code was answered with %v, want an ID token", tokens)
	}
	return tokens.Text("id_token")
}

// goInstall builds a published Go program into the test's folder.
func goInstall(t *testing.T, module, version, name string) string {
	t.Helper()
	dir := t.TempDir()
	install(t, dir, []string{"env", "GOBIN=" + dir, "GOFLAGS=-mod=mod", "CGO_ENABLED=0", "go", "install", module + "@" + version})
	binary := filepath.Join(dir, name)
	if _, err := os.Stat(binary); err != nil {
		t.Fatal(err)
	}
	return binary
}
