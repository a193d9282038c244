//go:build e2e

package clients

import (
	"testing"

	"github.com/ostiary/ostiary/test/rig"
)

// TestResourcesOfWebAPI signs a user in for two resources, gets a token for each, and introspects them
// with signed responses, by oauth4webapi.
//
// Spec: RFC 8707 §2, RFC 9701 §4, §5.
func TestResourcesOfWebAPI(t *testing.T) {
	t.Parallel()
	dir := installNode(t, "resources.mjs")
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			f := library{}.open(t, engine)
			const secret = "an application with a secret of its own"
			a := &app{Client: rig.Client{
				ID: "reader", Secret: secret, Method: "client_secret_post", Scope: "openid offline_access read write", RedirectURI: "https://client.example/callback",
				Metadata: map[string]any{"grant_types": []string{"authorization_code", "refresh_token"}},
			}}
			rig.ImportClients(t, f.Cluster, a.Client, rig.Client{ID: "wiki", Secret: secret, Method: "client_secret_post", Scope: "openid", Metadata: map[string]any{
				"grant_types": []string{"client_credentials"}, "response_types": []string{}, "introspection_signed_response_alg": "ES256",
			}})
			rig.Command(t, f.Cluster, "resources", "create", "https://mail.example", "--name", "Mail", "--client", "reader", "--scope", "read", "--access-token-signing-alg", "PS256")
			rig.Command(t, f.Cluster, "resources", "create", "https://wiki.example", "--name", "Wiki", "--client", "reader", "--scope", "read", "--scope", "write",
				"--access-token-format", "opaque", "--access-token-lifetime", "2m", "--introspection-client", "wiki")
			rig.Command(t, f.Cluster, "resources", "create", "https://pay.example", "--name", "Pay", "--client", "reader")
			var view struct {
				Mail         claims
				MailScope    string `json:"mail_scope"`
				MailAtWiki   any    `json:"mail_at_wiki"`
				Another      any
				WikiScope    string  `json:"wiki_scope"`
				WikiLifetime float64 `json:"wiki_lifetime"`
				Wiki         claims
				WikiSeesMail claims `json:"wiki_sees_mail"`
			}
			b := f.browser(a)
			err := converse(t, []string{"node", dir + "/resources.mjs"},
				[]string{"ISSUER=" + f.Issuer, "CLIENT_ID=" + a.ID, "CLIENT_SECRET=" + secret, "REDIRECT_URI=" + a.RedirectURI}, &view,
				func(address string) (string, error) { return b.follow(t.Context(), address) })
			if err != nil {
				t.Fatal(err)
			}
			wantEqual(t, "token for mail", view.Mail.only("aud", "scope"), claims{"aud": []any{"https://mail.example"}, "scope": "read"})
			wantEqual(t, "scope for mail", view.MailScope, "read")
			wantEqual(t, "token for mail at the wiki", view.MailAtWiki, any("ERR_JWT_CLAIM_VALIDATION_FAILED"))
			wantEqual(t, "token for another", view.Another, any("invalid_target"))
			wantEqual(t, "scope for the wiki", view.WikiScope, "read write")
			wantEqual(t, "lifetime for the wiki", view.WikiLifetime, 120)
			wantEqual(t, "introspection by the wiki", view.Wiki.only("active", "aud", "scope"), claims{"active": true, "aud": []any{"https://wiki.example"}, "scope": "read write"})
			wantEqual(t, "introspection of another token by the wiki", view.WikiSeesMail, claims{"active": false})
		})
	}
}
