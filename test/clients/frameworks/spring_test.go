//go:build e2e

package frameworks

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/dpop/dpoptest"
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
	key, other := newProofKey(t, server, a), newProofKey(t, server, a)
	bound := key.credentials(t)
	for name, tc := range map[string]struct {
		header http.Header
		want   int
	}{
		"an access token":              {http.Header{"Authorization": {"Bearer " + tokens.Text("access_token")}}, http.StatusOK},
		"an ID token":                  {http.Header{"Authorization": {"Bearer " + tokens.Text("id_token")}}, http.StatusUnauthorized},
		"no token":                     {http.Header{"Authorization": {"Bearer "}}, http.StatusUnauthorized},
		"a bound token with its proof": {key.present(t, bound), http.StatusOK},
		"a proof of another key":       {other.present(t, bound), http.StatusUnauthorized},
		"a bound token as bearer":      {http.Header{"Authorization": {"Bearer " + bound}}, http.StatusUnauthorized},
	} {
		api := rig.Endpoint{URL: a.base, HTTP: server.HTTP}
		got := api.Do(t.Context(), http.MethodGet, "/api/me", nil, tc.header)
		if got.Status != tc.want || tc.want == http.StatusOK && got.JSON["client_id"] == "" {
			t.Errorf("with %s the API answers %v %v %q, want %d", name, got, got.JSON, got.Header["Www-Authenticate"], tc.want)
		}
	}
}

// proofKey is the key of a client that calls the API of an application with DPoP (RFC 9449).
type proofKey struct {
	*dpoptest.Key

	server *rig.Cluster
	api    *application
}

func newProofKey(t *testing.T, server *rig.Cluster, api *application) proofKey {
	t.Helper()
	key, err := dpoptest.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return proofKey{key, server, api}
}

// credentials returns an access token by client_credentials that is bound to the key.
func (k proofKey) credentials(t *testing.T) (token string) {
	t.Helper()
	client := rig.Client{ID: "bound", Secret: "a secret of a service that is long enough", Method: "client_secret_post", Metadata: map[string]any{
		"grant_types": []string{"client_credentials"}, "response_types": []string{}, "dpop_bound_access_tokens": true,
	}}
	rig.ImportClients(t, k.server, client)
	header := http.Header{"Dpop": {k.proof(t, http.MethodPost, k.server.Issuer+"/oauth2/token", "")}}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {client.ID}, "client_secret": {client.Secret}}
	answer := k.server.Do(t.Context(), http.MethodPost, "/oauth2/token", form, header)
	if answer.Text("token_type") != "DPoP" {
		t.Fatalf("the token endpoint answers %v %v, want a token of type DPoP", answer, answer.JSON)
	}
	return answer.Text("access_token")
}

// present returns the header of a request to the API with a bound token.
func (k proofKey) present(t *testing.T, token string) http.Header {
	t.Helper()
	return http.Header{"Authorization": {"DPoP " + token}, "Dpop": {k.proof(t, http.MethodGet, k.api.base+"/api/me", token)}}
}

func (k proofKey) proof(t *testing.T, method, address, token string) string {
	t.Helper()
	proof, err := k.Proof(method, address, token, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return proof
}
