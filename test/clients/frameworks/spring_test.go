//go:build e2e

package frameworks

import (
	"net/http"
	"testing"

	"github.com/ostiary/ostiary/test/rig"
)

// TestSpring signs a user in with Spring Security's OAuth 2.0 login, and calls an
// API that it guards as a resource server.
func TestSpring(t *testing.T) {
	t.Parallel()
	dir := copyApplication(t, "spring")
	install(t, dir, []string{"mvn", "--quiet", "--batch-mode", "--no-transfer-progress", "package", "-DskipTests"})
	server := serve(t, rig.Postgres)
	a := newApplication(t, server, registration{
		heading: "Spring", preset: "spring",
	})
	a.signIn, a.user, a.signOut, a.signedOut = "/oauth2/authorization/ostiary", "/me", "/logout", "signed out"
	a.run(t, server, dir, "java", "-XX:TieredStopAtLevel=1", "-jar", "target/app.jar")
	a.test(t, server, allClaims)

	client := rig.Client{
		ID: a.id, Secret: a.secret, RedirectURI: a.base + "/login/oauth2/code/ostiary", Method: "client_secret_basic", Scope: "openid profile",
	}
	answer, err := rig.NewBrowser(server.Endpoint, testUser).Authorize(t.Context(), &client, nil)
	if err != nil {
		t.Fatal(err)
	}
	tokens := server.Exchange(t.Context(), &client, answer.Code, answer.Verifier)
	for name, tc := range map[string]struct {
		token string
		want  int
	}{
		"an access token": {tokens.Text("access_token"), http.StatusOK},
		"an ID token":     {tokens.Text("id_token"), http.StatusUnauthorized},
		"no token":        {"", http.StatusUnauthorized},
	} {
		api := rig.Endpoint{URL: a.base, HTTP: server.HTTP}
		got := api.Do(t.Context(), http.MethodGet, "/api/me", nil, http.Header{"Authorization": {"Bearer " + tc.token}})
		if got.Status != tc.want || tc.want == http.StatusOK && got.JSON["client_id"] != a.id {
			t.Errorf("with %s the API answers %v %v, want %d", name, got, got.JSON, tc.want)
		}
	}
}
