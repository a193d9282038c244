package registration

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A client for backchannel authentication has neither redirect URIs nor response types.
//
// Spec: CIBA Core §4.
func TestBackchannelClients(t *testing.T) {
	t.Parallel()
	r := newFixture(t, func(*Config) {})
	a := r.register(t, connect, `{
		"grant_types": ["urn:openid:params:grant-type:ciba"], "response_types": [], "redirect_uris": [], "token_endpoint_auth_method": "private_key_jwt",
		"jwks_uri": "https://rp.example/jwks", "backchannel_authentication_request_signing_alg": "PS256", "backchannel_user_code_parameter": false}`)
	for member, want := range map[string]any{
		"grant_types": []any{"urn:openid:params:grant-type:ciba"}, "backchannel_token_delivery_mode": "poll",
		"backchannel_authentication_request_signing_alg": "PS256", "redirect_uris": []any{},
	} {
		if diff := cmp.Diff(want, a.body[member]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", member, diff)
		}
	}
}
