package sdk

import (
	"context"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"testing"
	"time"

	hydra "github.com/ory/hydra-client-go/v2"
)

func v2(e string, client *http.Client, key string) *hydra.APIClient {
	conf := hydra.NewConfiguration()
	conf.Servers, conf.HTTPClient = hydra.ServerConfigurations{{URL: e}}, client
	if key != "" {
		conf.AddDefaultHeader("Authorization", "Bearer "+key)
	}
	return hydra.NewAPIClient(conf)
}

func TestSDKVersion2(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, h *fixture) {
		t.Helper()
		ctx, r := t.Context(), &coverage{t, map[string]bool{}}
		public, operator := v2(h.Issuer, h.HTTP, ""), v2(h.Admin(0).URL, h.Admin(0).HTTP, h.key)

		_, resp, err := operator.MetadataAPI.IsAlive(ctx).Execute()
		r.check("IsAlive", resp, err, 200)
		_, resp, err = operator.MetadataAPI.IsReady(ctx).Execute()
		r.check("IsReady", resp, err, 200)
		_, resp, err = operator.MetadataAPI.GetVersion(ctx).Execute()
		r.check("GetVersion", resp, err, 200)
		conf, resp, err := public.OidcAPI.DiscoverOidcConfiguration(ctx).Execute()
		r.check("DiscoverOidcConfiguration", resp, err, 200)
		h.wantEqual("issuer", conf.GetIssuer(), h.Issuer)
		keys, resp, err := public.WellknownAPI.DiscoverJsonWebKeys(ctx).Execute()
		r.check("DiscoverJsonWebKeys", resp, err, 200)
		if len(keys.GetKeys()) == 0 {
			t.Error("the key set is empty")
		}

		v2Clients(ctx, h, r, operator.OAuth2API)
		v2Login(ctx, h, r, public, operator.OAuth2API)
		v2Keys(ctx, h, r, operator.JwkAPI)
		v2Issuers(ctx, h, r, operator)
		v2Registration(ctx, r, public.OidcAPI)
		_, resp, err = public.OAuth2API.OAuth2Authorize(ctx).Execute()
		r.check("OAuth2Authorize", resp, err, 400) // the method has no parameter for the client
		r.wantAll(map[string]string{
			"CreateVerifiableCredential": "a draft of OpenID for Verifiable Credential Issuance, which the contract leaves for later",
		}, reflect.TypeFor[hydra.OAuth2API](), reflect.TypeFor[hydra.OidcAPI](), reflect.TypeFor[hydra.JwkAPI](),
			reflect.TypeFor[hydra.WellknownAPI](), reflect.TypeFor[hydra.MetadataAPI]())
	})
}

func v2Clients(ctx context.Context, h *fixture, r *coverage, api hydra.OAuth2API) {
	made, resp, err := api.CreateOAuth2Client(ctx).OAuth2Client(hydra.OAuth2Client{
		ClientId: new("v2"), ClientName: new("Version 2"), Owner: new("us"), RedirectUris: []string{callback}, Scope: new("openid offline_access"),
		GrantTypes: []string{"authorization_code", "refresh_token"}, ResponseTypes: []string{"code"}, Metadata: map[string]any{"a": "b"},
		ClientSecret: new("a secret for version 2"), SkipLogoutConsent: new(true),
		AuthorizationCodeGrantAccessTokenLifespan: new("90s"),
	}).Execute()
	r.check("CreateOAuth2Client", resp, err, 201)
	h.wantEqual("client_id", made.GetClientId(), "v2")
	h.wantEqual("a lifespan", made.GetAuthorizationCodeGrantAccessTokenLifespan(), "1m30s")
	_, resp, err = api.CreateOAuth2Client(ctx).OAuth2Client(*made).Execute()
	r.check("CreateOAuth2Client", resp, err, 409)
	got, resp, err := api.GetOAuth2Client(ctx, "v2").Execute()
	r.check("GetOAuth2Client", resp, err, 200)
	h.wantEqual("skip_logout_consent", got.GetSkipLogoutConsent(), true)
	got.Owner = new("them")
	got, resp, err = api.SetOAuth2Client(ctx, "v2").OAuth2Client(*got).Execute()
	r.check("SetOAuth2Client", resp, err, 200)
	h.wantEqual("owner", got.GetOwner(), "them")
	patch := hydra.NewJsonPatch("replace", "/client_name")
	patch.Value = "Version two"
	got, resp, err = api.PatchOAuth2Client(ctx, "v2").JsonPatch([]hydra.JsonPatch{*patch}).Execute()
	r.check("PatchOAuth2Client", resp, err, 200)
	h.wantEqual("client_name", got.GetClientName(), "Version two")
	got, resp, err = api.SetOAuth2ClientLifespans(ctx, "v2").OAuth2ClientTokenLifespans(hydra.OAuth2ClientTokenLifespans{
		RefreshTokenGrantAccessTokenLifespan: new("2m"), AuthorizationCodeGrantAccessTokenLifespan: new("90s"),
	}).Execute()
	r.check("SetOAuth2ClientLifespans", resp, err, 200)
	h.wantEqual("a lifespan", got.GetRefreshTokenGrantAccessTokenLifespan(), "2m0s")
	for _, id := range []string{"part-1", "part-2", "part-3"} {
		_, resp, err = api.CreateOAuth2Client(ctx).OAuth2Client(hydra.OAuth2Client{ClientId: &id, ClientName: new("part"), RedirectUris: []string{callback}}).Execute()
		r.check("CreateOAuth2Client", resp, err, 201)
	}
	seen, token := 0, ""
	for page := 0; page == 0 || token != ""; page++ {
		list := api.ListOAuth2Clients(ctx).ClientName("part").PageSize(2)
		if token != "" {
			list = list.PageToken(token)
		}
		some, resp, err := list.Execute()
		r.check("ListOAuth2Clients", resp, err, 200)
		seen, token = seen+len(some), ""
		for _, link := range resp.Header.Values("Link") {
			if found := regexp.MustCompile(`page_token=([^&>]*)[^>]*>; rel="next"`).FindStringSubmatch(link); found != nil {
				token = found[1]
			}
		}
	}
	h.wantEqual("how many", seen, 3)
	resp, err = api.DeleteOAuth2Client(ctx, "part-1").Execute()
	r.check("DeleteOAuth2Client", resp, err, 204)
	_, resp, err = api.GetOAuth2Client(ctx, "part-1").Execute()
	r.check("GetOAuth2Client", resp, err, 404)
}

func v2Login(ctx context.Context, h *fixture, r *coverage, public *hydra.APIClient, api hydra.OAuth2API) {
	b := h.browser()
	secret := context.WithValue(ctx, hydra.ContextBasicAuth, hydra.BasicAuth{UserName: "v2", Password: url.QueryEscape("a secret for version 2")})

	refused := h.browser()
	to, resp, err := api.RejectOAuth2LoginRequest(ctx).LoginChallenge(refused.authorize("v2")).RejectOAuth2Request(hydra.RejectOAuth2Request{
		Error: new("access_denied"), StatusCode: new(int64(403)),
	}).Execute()
	r.check("RejectOAuth2LoginRequest", resp, err, 200)
	h.wantEqual("error", refused.followTo(to.RedirectTo, callback).Get("error"), "access_denied")

	login, resp, err := api.GetOAuth2LoginRequest(ctx).LoginChallenge(b.authorize("v2")).Execute()
	r.check("GetOAuth2LoginRequest", resp, err, 200)
	h.wantEqual("the client", login.Client.GetClientId(), "v2")
	accept := hydra.NewAcceptOAuth2LoginRequest("jo")
	accept.Remember, accept.RememberFor, accept.IdentityProviderSessionId = new(true), new(int64(3600)), new("theirs")
	accept.Context = map[string]any{"step": "one"}
	to, resp, err = api.AcceptOAuth2LoginRequest(ctx).LoginChallenge(login.Challenge).AcceptOAuth2LoginRequest(*accept).Execute()
	r.check("AcceptOAuth2LoginRequest", resp, err, 200)
	consent, resp, err := api.GetOAuth2ConsentRequest(ctx).ConsentChallenge(b.followTo(to.RedirectTo, consentApp).Get("consent_challenge")).Execute()
	r.check("GetOAuth2ConsentRequest", resp, err, 200)
	h.wantEqual("context", consent.GetContext(), map[string]any{"step": "one"})
	to, resp, err = api.AcceptOAuth2ConsentRequest(ctx).ConsentChallenge(consent.Challenge).AcceptOAuth2ConsentRequest(hydra.AcceptOAuth2ConsentRequest{
		GrantScope: consent.RequestedScope, Remember: new(true),
		Session: &hydra.AcceptOAuth2ConsentRequestSession{IdToken: map[string]any{"email": "jo@example"}, AccessToken: map[string]any{"tenant": 7}},
	}).Execute()
	r.check("AcceptOAuth2ConsentRequest", resp, err, 200)
	_, resp, err = api.GetOAuth2LoginRequest(ctx).LoginChallenge(login.Challenge).Execute()
	r.check("GetOAuth2LoginRequest", resp, err, 410)
	tokens, resp, err := public.OAuth2API.Oauth2TokenExchange(secret).GrantType("authorization_code").Code(b.followTo(to.RedirectTo, callback).Get("code")).RedirectUri(callback).Execute()
	r.check("Oauth2TokenExchange", resp, err, 200)
	h.wantEqual("expires_in", tokens.GetExpiresIn(), 90)

	info, resp, err := api.IntrospectOAuth2Token(ctx).Token(tokens.GetAccessToken()).Scope("openid").Execute()
	r.check("IntrospectOAuth2Token", resp, err, 200)
	h.wantEqual("active", info.Active, true)
	h.wantEqual("ext", info.GetExt(), map[string]any{"tenant": 7})
	who, resp, err := public.OidcAPI.GetOidcUserInfo(context.WithValue(ctx, hydra.ContextAccessToken, tokens.GetAccessToken())).Execute()
	r.check("GetOidcUserInfo", resp, err, 200)
	h.wantEqual("email", who.GetEmail(), "jo@example")
	resp, err = public.OAuth2API.RevokeOAuth2Token(secret).Token(tokens.GetAccessToken()).Execute()
	r.check("RevokeOAuth2Token", resp, err, 200)
	info, resp, err = api.IntrospectOAuth2Token(ctx).Token(tokens.GetAccessToken()).Execute()
	r.check("IntrospectOAuth2Token", resp, err, 200)
	h.wantEqual("active", info.Active, false)

	list, resp, err := api.ListOAuth2ConsentSessions(ctx).Subject("jo").PageSize(10).Execute()
	r.check("ListOAuth2ConsentSessions", resp, err, 200)
	h.wantEqual("how many", len(list), 1)
	h.wantEqual("what goes into ID tokens", list[0].Session.IdToken, map[string]any{"email": "jo@example"})
	list, resp, err = api.ListOAuth2ConsentSessions(ctx).Subject("jo").LoginSessionId(consent.GetLoginSessionId()).Execute()
	r.check("ListOAuth2ConsentSessions", resp, err, 200)
	h.wantEqual("how many in the session", len(list), 1)
	resp, err = api.RevokeOAuth2ConsentSessions(ctx).Subject("jo").All(true).Execute()
	r.check("RevokeOAuth2ConsentSessions", resp, err, 204)
	_, resp, err = public.OAuth2API.Oauth2TokenExchange(secret).GrantType("refresh_token").RefreshToken(tokens.GetRefreshToken()).Execute()
	r.check("Oauth2TokenExchange", resp, err, 400)

	skipped, resp, err := api.GetOAuth2LoginRequest(ctx).LoginChallenge(b.authorize("v2")).Execute()
	r.check("GetOAuth2LoginRequest", resp, err, 200)
	h.wantEqual("skip", skipped.Skip, true)
	to, resp, err = api.AcceptOAuth2LoginRequest(ctx).LoginChallenge(skipped.Challenge).AcceptOAuth2LoginRequest(*hydra.NewAcceptOAuth2LoginRequest("jo")).Execute()
	r.check("AcceptOAuth2LoginRequest", resp, err, 200)
	to, resp, err = api.RejectOAuth2ConsentRequest(ctx).ConsentChallenge(b.followTo(to.RedirectTo, consentApp).Get("consent_challenge")).RejectOAuth2Request(hydra.RejectOAuth2Request{}).Execute()
	r.check("RejectOAuth2ConsentRequest", resp, err, 200)
	h.wantEqual("error", b.followTo(to.RedirectTo, callback).Get("error"), "request_denied")

	for _, stay := range []bool{true, false} {
		challenge := b.followTo(h.Issuer+"/oauth2/sessions/logout", logoutApp).Get("logout_challenge")
		out, resp, err := api.GetOAuth2LogoutRequest(ctx).LogoutChallenge(challenge).Execute()
		r.check("GetOAuth2LogoutRequest", resp, err, 200)
		h.wantEqual("sid", out.GetSid(), consent.GetLoginSessionId())
		if stay {
			resp, err = api.RejectOAuth2LogoutRequest(ctx).LogoutChallenge(challenge).Execute()
			r.check("RejectOAuth2LogoutRequest", resp, err, 204)
			continue
		}
		_, resp, err = api.AcceptOAuth2LogoutRequest(ctx).LogoutChallenge(challenge).Execute()
		r.check("AcceptOAuth2LogoutRequest", resp, err, 200)
	}
	resp, err = api.RevokeOAuth2LoginSessions(ctx).Sid(consent.GetLoginSessionId()).Execute()
	r.check("RevokeOAuth2LoginSessions", resp, err, 204)
	resp, err = api.RevokeOAuth2LoginSessions(ctx).Subject("jo").Execute()
	r.check("RevokeOAuth2LoginSessions", resp, err, 204)
	resp, err = api.DeleteOAuth2Token(ctx).ClientId("v2").Execute()
	r.check("DeleteOAuth2Token", resp, err, 204)
	resp, err = public.OidcAPI.RevokeOidcSession(ctx).Execute()
	r.check("RevokeOidcSession", resp, err, 200) // no session in this browser
}

func v2Keys(ctx context.Context, h *fixture, r *coverage, api hydra.JwkAPI) {
	for _, alg := range []string{"RS256", "ES256", "ES512", "EdDSA"} {
		set, resp, err := api.CreateJsonWebKeySet(ctx, "v2").CreateJsonWebKeySet(*hydra.NewCreateJsonWebKeySet(alg, alg, "sig")).Execute()
		r.check("CreateJsonWebKeySet", resp, err, 201)
		h.wantEqual("alg", set.Keys[0].Alg, alg)
	}
	set, resp, err := api.GetJsonWebKeySet(ctx, "v2").Execute()
	r.check("GetJsonWebKeySet", resp, err, 200)
	one, resp, err := api.GetJsonWebKey(ctx, "v2", "RS256").Execute()
	r.check("GetJsonWebKey", resp, err, 200)
	_, resp, err = api.SetJsonWebKey(ctx, "v2", "RS256").JsonWebKey(one.Keys[0]).Execute()
	r.check("SetJsonWebKey", resp, err, 200)
	_, resp, err = api.SetJsonWebKeySet(ctx, "v2").JsonWebKeySet(*set).Execute()
	r.check("SetJsonWebKeySet", resp, err, 200)
	resp, err = api.DeleteJsonWebKey(ctx, "v2", "RS256").Execute()
	r.check("DeleteJsonWebKey", resp, err, 204)
	resp, err = api.DeleteJsonWebKeySet(ctx, "v2").Execute()
	r.check("DeleteJsonWebKeySet", resp, err, 204)
}

func v2Issuers(ctx context.Context, h *fixture, r *coverage, operator *hydra.APIClient) {
	api := operator.OAuth2API
	keys, resp, err := operator.JwkAPI.CreateJsonWebKeySet(ctx, "issuer").CreateJsonWebKeySet(*hydra.NewCreateJsonWebKeySet("RS256", "key", "sig")).Execute()
	r.check("CreateJsonWebKeySet", resp, err, 201)
	key := hydra.NewJsonWebKey("RS256", "key", "RSA", "sig")
	key.N, key.E = keys.Keys[0].N, keys.Keys[0].E
	trust := hydra.NewTrustOAuth2JwtGrantIssuer(time.Now().Add(time.Hour), "https://idp.example", *key, []string{"openid"})
	trust.AllowAnySubject = new(true)
	made, resp, err := api.TrustOAuth2JwtGrantIssuer(ctx).TrustOAuth2JwtGrantIssuer(*trust).Execute()
	r.check("TrustOAuth2JwtGrantIssuer", resp, err, 201)
	_, resp, err = api.TrustOAuth2JwtGrantIssuer(ctx).TrustOAuth2JwtGrantIssuer(*trust).Execute()
	r.check("TrustOAuth2JwtGrantIssuer", resp, err, 409)
	got, resp, err := api.GetTrustedOAuth2JwtGrantIssuer(ctx, made.GetId()).Execute()
	r.check("GetTrustedOAuth2JwtGrantIssuer", resp, err, 200)
	h.wantEqual("any subject", got.GetAllowAnySubject(), true)
	list, resp, err := api.ListTrustedOAuth2JwtGrantIssuers(ctx).Issuer("https://idp.example").Execute()
	r.check("ListTrustedOAuth2JwtGrantIssuers", resp, err, 200)
	h.wantEqual("how many", len(list), 1)
	resp, err = api.DeleteTrustedOAuth2JwtGrantIssuer(ctx, made.GetId()).Execute()
	r.check("DeleteTrustedOAuth2JwtGrantIssuer", resp, err, 204)
}

func v2Registration(ctx context.Context, r *coverage, api hydra.OidcAPI) {
	made, resp, err := api.CreateOidcDynamicClient(ctx).OAuth2Client(hydra.OAuth2Client{RedirectUris: []string{callback}}).Execute()
	r.check("CreateOidcDynamicClient", resp, err, 201)
	as := context.WithValue(ctx, hydra.ContextAccessToken, made.GetRegistrationAccessToken())
	got, resp, err := api.GetOidcDynamicClient(as, made.GetClientId()).Execute()
	r.check("GetOidcDynamicClient", resp, err, 200)
	got.ClientName = new("renamed")
	got, resp, err = api.SetOidcDynamicClient(as, made.GetClientId()).OAuth2Client(*got).Execute()
	r.check("SetOidcDynamicClient", resp, err, 200)
	as = context.WithValue(ctx, hydra.ContextAccessToken, got.GetRegistrationAccessToken())
	resp, err = api.DeleteOidcDynamicClient(as, made.GetClientId()).Execute()
	r.check("DeleteOidcDynamicClient", resp, err, 204)
}
