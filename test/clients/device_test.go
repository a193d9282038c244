//go:build e2e

package clients

import (
	"net/http"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/test/rig"
)

// TestDeviceWithDPoP signs a user in on a device whose tokens are bound to a key, by oauth4webapi.
func TestDeviceWithDPoP(t *testing.T) {
	t.Parallel()
	dir := installNode(t, "device.mjs")
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			f := library{}.open(t, engine)
			rig.ImportClients(t, f.Cluster, rig.Client{ID: "television", Method: "none", Scope: "openid offline_access", Metadata: map[string]any{
				"grant_types":              []string{"urn:ietf:params:oauth:grant-type:device_code", "refresh_token"},
				"response_types":           []string{},
				"dpop_bound_access_tokens": true, "require_dpop_nonce": true,
			}})
			var view struct {
				BeforeAnswer     string `json:"before_the_answer"`
				TokenType        string `json:"token_type"`
				IDToken          claims `json:"id_token"`
				Userinfo         claims `json:"userinfo"`
				WithoutProof     int    `json:"without_a_proof"`
				RefreshByAnother string `json:"refresh_by_another_key"`
				Refreshed        string `json:"refreshed"`
			}
			err := converse(t, []string{"node", dir + "/device.mjs"}, []string{"ISSUER=" + f.Issuer, "CLIENT_ID=television"}, &view,
				func(address string) (string, error) {
					page, at, err := rig.NewBrowser(f.Endpoint, f.user).Browse(t.Context(), address)
					if err == nil && !strings.Contains(page.Body, `id="device-done"`) {
						t.Errorf("answering the device led to %s: %v", at, page)
					}
					return "", err
				})
			if err != nil {
				t.Fatal(err)
			}
			subject, _ := view.IDToken["sub"].(string)
			if subject == "" {
				t.Errorf("the ID token has no subject: %v", view.IDToken)
			}
			wantEqual(t, "token_type", strings.ToLower(view.TokenType), "dpop")
			wantEqual(t, "userinfo", view.Userinfo["sub"], any(subject))
			wantEqual(t, "error before the answer", view.BeforeAnswer, "authorization_pending")
			wantEqual(t, "status without a proof", view.WithoutProof, http.StatusUnauthorized)
			wantEqual(t, "error of a refresh by another key", view.RefreshByAnother, "invalid_dpop_proof")
			wantEqual(t, "refresh", strings.ToLower(view.Refreshed), "dpop")
		})
	}
}
