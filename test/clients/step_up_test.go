//go:build e2e

package clients

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/test/rig"
)

// TestStepUp lets oauth4webapi find the server by the metadata of an API, and authenticate the user again
// when the API requires it.
func TestStepUp(t *testing.T) {
	t.Parallel()
	dir := installNode(t, "step-up.mjs")
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			f := rig.Serve(t, rig.Options{Database: rig.Database(t, engine), Env: map[string]string{"DEMO_RESOURCE": "on"}})
			user := rig.User{Username: "ada", Password: "correct horse battery"}
			rig.ImportUsers(t, f, user)
			client := rig.Client{ID: "mobile", Method: "none", Scope: "openid", RedirectURI: "https://client.example/callback"}
			rig.ImportClients(t, f, client)
			untouched := func(url.Values) {}
			browser := &browser{
				app: &app{Client: client}, issuer: f.Issuer, user: rig.NewBrowser(f.Endpoint, user), changeRequest: untouched, changeResponse: untouched,
			}
			type challenge struct {
				Status      int    `json:"status"`
				Scheme      string `json:"scheme"`
				Error       string `json:"error"`
				ACRValues   string `json:"acr_values"`
				MaxAge      string `json:"max_age"`
				MetadataURL string `json:"resource_metadata"`
			}
			var view struct {
				Resource  string    `json:"resource"`
				Servers   []string  `json:"authorization_servers"`
				Protected []string  `json:"protected_resources"`
				First     challenge `json:"first"`
				NoProof   challenge `json:"without_a_proof"`
				TooWeak   challenge `json:"too_weak"`
				TooOld    challenge `json:"too_old"`
				Again     challenge `json:"again"`
			}
			resource := f.Issuer + "/demo/resource"
			env := []string{"RESOURCE=" + resource, "CLIENT_ID=" + client.ID, "REDIRECT_URI=" + client.RedirectURI}
			err := converse(t, []string{"node", dir + "/step-up.mjs"}, env, &view, func(address string) (string, error) { return browser.follow(t.Context(), address) })
			if err != nil {
				t.Fatal(err)
			}
			wantEqual(t, "resource", view.Resource, resource)
			if !slices.Equal(view.Servers, []string{f.Issuer}) || !slices.Contains(view.Protected, resource) {
				t.Errorf("authorization servers %v, protected resources %v", view.Servers, view.Protected)
			}
			const insufficient = "insufficient_user_authentication"
			metadata := strings.Replace(resource, "/demo", "/.well-known/oauth-protected-resource/demo", 1)
			wantEqual(t, "first request", view.First, challenge{Status: http.StatusOK})
			wantEqual(t, "without a proof", view.NoProof, challenge{http.StatusUnauthorized, "dpop", "invalid_token", "", "", metadata})
			wantEqual(t, "a higher acr", view.TooWeak, challenge{http.StatusUnauthorized, "dpop", insufficient, "2", "", metadata})
			wantEqual(t, "too old", view.TooOld, challenge{http.StatusUnauthorized, "dpop", insufficient, "", "1", metadata})
			wantEqual(t, "after the step-up", view.Again, challenge{Status: http.StatusOK})
		})
	}
}
