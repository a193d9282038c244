//go:build e2e

package clients

import (
	"net/http"
	"testing"

	"github.com/ostiary/ostiary/test/rig"
)

// TestTokenExchange lets openid-client exchange an access token twice in a row (RFC 8693).
func TestTokenExchange(t *testing.T) {
	t.Parallel()
	dir := installNode(t, "exchange.mjs")
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			f := rig.Serve(t, rig.Options{Database: rig.Database(t, engine)})
			const secret = "a secret of the services that is long enough"
			service := func(id, serves string, audience []string, policy map[string]any) rig.Client {
				return rig.Client{ID: id, Secret: secret, Method: "client_secret_post", Scope: "orders stock", Metadata: map[string]any{
					"grant_types": []string{"client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange"}, "response_types": []string{},
					"served_resources": []string{serves}, "audience": audience, "token_exchange": policy,
				}}
			}
			policy := func(subject, audience string) map[string]any {
				return map[string]any{"subject_clients": []string{subject}, "audiences": []string{audience}}
			}
			rig.ImportClients(t, f,
				service("caller", "https://caller.example", []string{"https://gateway.example"}, nil),
				service("gateway", "https://gateway.example", nil, policy("caller", "https://orders.example")),
				service("orders", "https://orders.example", nil, policy("gateway", "https://stock.example")))
			type refused struct {
				Error  string `json:"error"`
				Status int    `json:"status"`
			}
			type token struct {
				Type     string   `json:"type"`
				Issued   string   `json:"issued"`
				Scope    string   `json:"scope"`
				Subject  string   `json:"sub"`
				Audience []string `json:"aud"`
				Actor    string   `json:"actor"`
				Before   string   `json:"before"`
				Active   bool     `json:"active"`
			}
			var view struct {
				First, Second   token
				Elsewhere       refused `json:"elsewhere"`
				NotForIt        refused `json:"not_for_it"`
				AfterRevocation *bool   `json:"after_revocation"`
			}
			env := []string{"ISSUER=" + f.Issuer, "CLIENT_SECRET=" + secret}
			err := converse(t, []string{"node", dir + "/exchange.mjs"}, env, &view, func(string) (string, error) { return "", nil })
			if err != nil {
				t.Fatal(err)
			}
			first := view.First
			if len(first.Audience) != 1 || first.Audience[0] != "https://orders.example" {
				t.Errorf("audience %v", first.Audience)
			}
			if first.Type != "bearer" || first.Issued != "urn:ietf:params:oauth:token-type:access_token" || first.Subject != "caller" || first.Actor != "gateway" || !first.Active {
				t.Errorf("first exchange: %+v", first)
			}
			if second := view.Second; second.Subject != "caller" || second.Actor != "orders" || second.Before != "gateway" {
				t.Errorf("second exchange: %+v", second)
			}
			wantEqual(t, "another audience", view.Elsewhere, refused{"invalid_target", http.StatusBadRequest})
			wantEqual(t, "a token for another service", view.NotForIt, refused{"invalid_request", http.StatusBadRequest})
			if view.AfterRevocation == nil || *view.AfterRevocation {
				t.Errorf("after the revocation of the first token, the last is active: %v", view.AfterRevocation)
			}
		})
	}
}
