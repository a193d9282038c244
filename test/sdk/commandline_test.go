package sdk

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	hydra "github.com/ory/hydra-client-go/v2"
)

// flags returns the client that Hydra's command line sends if no flag is set: all
// members, including those without a meaning for the client.
func flags() hydra.OAuth2Client {
	none, off := new(""), new(false)
	return hydra.OAuth2Client{
		AccessTokenStrategy: none, AllowedCorsOrigins: []string{}, Audience: []string{}, BackchannelLogoutSessionRequired: off,
		BackchannelLogoutUri: none, ClientId: none, ClientName: none, ClientSecret: none, ClientUri: none, Contacts: nil,
		FrontchannelLogoutSessionRequired: off, FrontchannelLogoutUri: none, GrantTypes: []string{"authorization_code"},
		JwksUri: none, LogoUri: none, Metadata: json.RawMessage("{}"), Owner: none, PolicyUri: none, PostLogoutRedirectUris: []string{},
		RedirectUris: []string{}, RequestObjectSigningAlg: new("RS256"), RequestUris: nil, ResponseTypes: []string{"code"},
		Scope: none, SkipConsent: off, SkipLogoutConsent: off, SectorIdentifierUri: none, SubjectType: new("public"),
		TokenEndpointAuthMethod: new("client_secret_basic"), TosUri: none,
	}
}

// The requests of `hydra create`, `hydra update` and `hydra import oauth2-client` are accepted.
func TestHydraCommandLine(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, h *fixture) {
		t.Helper()
		ctx, r := t.Context(), &coverage{t, map[string]bool{}}
		public, operator := v2(h.Issuer, h.HTTP, ""), v2(h.Admin(0).URL, h.Admin(0).HTTP, h.key)
		api := operator.OAuth2API
		create := func(change func(*hydra.OAuth2Client)) *hydra.OAuth2Client {
			t.Helper()
			c := flags()
			change(&c)
			made, resp, err := api.CreateOAuth2Client(ctx).OAuth2Client(c).Execute()
			r.check("CreateOAuth2Client", resp, err, 201)
			return made
		}
		// replace sends the patch of `hydra update oauth2-client`.
		replace := func(id string, want int, members map[string]any) *hydra.OAuth2Client {
			t.Helper()
			var patch []hydra.JsonPatch
			for member, value := range members {
				patch = append(patch, hydra.JsonPatch{Op: "replace", Path: "/" + member, Value: value})
			}
			got, resp, err := api.PatchOAuth2Client(ctx, id).JsonPatch(patch).Execute()
			r.check("PatchOAuth2Client", resp, err, want)
			return got
		}

		// hydra create oauth2-client
		bare := create(func(*hydra.OAuth2Client) {})
		h.wantEqual("its redirect URIs", bare.GetRedirectUris(), []string{})
		_, resp, err := public.OAuth2API.OAuth2Authorize(ctx).Execute()
		r.check("OAuth2Authorize", resp, err, 400)
		refused, err := h.HTTP.Get(h.Issuer + "/oauth2/auth?" + url.Values{
			"client_id": {bare.GetClientId()}, "response_type": {"code"}, "scope": {"openid"}, "state": {"a-state-of-some-length"},
		}.Encode())
		r.check("OAuth2Authorize", refused, err, 400) // it has no redirect URI

		// hydra create oauth2-client --grant-type client_credentials --scope api
		service := create(func(c *hydra.OAuth2Client) { c.GrantTypes, c.Scope = []string{"client_credentials"}, new("api") })
		h.wantEqual("response types of a service", service.GetResponseTypes(), []string{})
		secret := context.WithValue(ctx, hydra.ContextBasicAuth, hydra.BasicAuth{UserName: service.GetClientId(), Password: service.GetClientSecret()})
		_, resp, err = public.OAuth2API.Oauth2TokenExchange(secret).GrantType("client_credentials").Execute()
		r.check("Oauth2TokenExchange", resp, err, 200)

		// hydra create oauth2-client --grant-type client_credentials,refresh_token --response-type token
		service = create(func(c *hydra.OAuth2Client) {
			c.GrantTypes, c.ResponseTypes = []string{"client_credentials", "refresh_token"}, []string{"token"}
		})
		h.wantEqual("grant types of a service", service.GetGrantTypes(), []string{"client_credentials"})

		// hydra create oauth2-client --grant-type authorization_code,refresh_token --response-type code,id_token ...
		app := create(func(c *hydra.OAuth2Client) {
			c.GrantTypes, c.ResponseTypes = []string{"authorization_code", "refresh_token"}, []string{"code", "id_token"}
			c.Scope, c.RedirectUris = new("openid offline"), []string{callback}
		})
		h.wantEqual("response types of an application", app.GetResponseTypes(), []string{"code"})

		// hydra update oauth2-client ID with one flag each, none of which is set before.
		id := app.GetClientId()
		for member, value := range map[string]any{
			"access_token_strategy": "jwt", "allowed_cors_origins": []string{"https://client.example"}, "audience": []string{"https://api.example"},
			"backchannel_logout_session_required": true, "backchannel_logout_uri": "https://client.example/out", "client_name": "App",
			"client_uri": "https://client.example/", "contacts": []string{"us@client.example"}, "frontchannel_logout_session_required": true,
			"frontchannel_logout_uri": "https://client.example/front", "logo_uri": "https://client.example/logo.png", "metadata": json.RawMessage(`{"a":1}`),
			"owner": "us", "policy_uri": "https://client.example/policy", "post_logout_redirect_uris": []string{"https://client.example/bye"},
			"request_object_signing_alg": "ES256", "request_uris": []string{"https://client.example/request"}, "scope": "openid",
			"skip_consent": true, "skip_logout_consent": true, "token_endpoint_auth_method": "client_secret_post", "tos_uri": "https://client.example/tos",
			"jwks_uri": "https://client.example/jwks",
		} {
			replace(id, http.StatusOK, map[string]any{member: value})
		}
		got, resp, err := api.GetOAuth2Client(ctx, id).Execute()
		r.check("GetOAuth2Client", resp, err, 200)
		h.wantEqual("client_name", got.GetClientName(), "App")
		h.wantEqual("post_logout_redirect_uris", got.GetPostLogoutRedirectUris(), []string{"https://client.example/bye"})
		h.wantEqual("skip_logout_consent", got.GetSkipLogoutConsent(), true)
		h.wantEqual("metadata", got.GetMetadata(), map[string]any{"a": 1})

		// hydra update oauth2-client ID --secret ... --token-endpoint-auth-method client_secret_basic
		replace(id, http.StatusOK, map[string]any{"client_secret": "a secret of the operator's", "token_endpoint_auth_method": "client_secret_basic"})
		// hydra update oauth2-client ID --grant-type client_credentials
		got = replace(id, http.StatusOK, map[string]any{"grant_types": []string{"client_credentials"}})
		h.wantEqual("response types after the change", got.GetResponseTypes(), []string{})
		secret = context.WithValue(ctx, hydra.ContextBasicAuth, hydra.BasicAuth{UserName: id, Password: url.QueryEscape("a secret of the operator's")})
		_, resp, err = public.OAuth2API.Oauth2TokenExchange(secret).GrantType("client_credentials").Execute()
		r.check("Oauth2TokenExchange", resp, err, 200)
		// hydra update oauth2-client ID --grant-type authorization_code
		got = replace(id, http.StatusOK, map[string]any{"grant_types": []string{"authorization_code"}})
		h.wantEqual("response types after the way back", got.GetResponseTypes(), []string{"code"})
		// Until v2.3 the command line replaced the whole client.
		whole := flags()
		whole.ClientId, whole.GrantTypes = nil, []string{"client_credentials"}
		_, resp, err = api.SetOAuth2Client(ctx, id).OAuth2Client(whole).Execute()
		r.check("SetOAuth2Client", resp, err, 200)

		// Response types without a grant type are still rejected.
		odd := flags()
		odd.ResponseTypes = []string{"code", "nonsense"}
		_, resp, err = api.CreateOAuth2Client(ctx).OAuth2Client(odd).Execute()
		r.check("CreateOAuth2Client", resp, err, 400)

		// Dynamic registration is strict.
		for _, change := range []func(*hydra.OAuth2Client){
			func(*hydra.OAuth2Client) {},
			func(c *hydra.OAuth2Client) { c.GrantTypes = []string{"client_credentials"} },
			func(c *hydra.OAuth2Client) {
				c.RedirectUris, c.ResponseTypes = []string{callback}, []string{"code", "id_token"}
			},
		} {
			c := flags()
			c.ClientId, c.ClientSecret = nil, nil
			change(&c)
			_, resp, err := public.OidcAPI.CreateOidcDynamicClient(ctx).OAuth2Client(c).Execute()
			r.check("CreateOidcDynamicClient", resp, err, 400)
		}
	})
}
