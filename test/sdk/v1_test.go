package sdk

import (
	"context"
	"net/http"
	"net/url"
	"reflect"
	"testing"
	"time"

	hydra "github.com/ory/hydra-client-go"
)

func v1(e string, client *http.Client, key string) *hydra.APIClient {
	conf := hydra.NewConfiguration()
	conf.Servers, conf.HTTPClient = hydra.ServerConfigurations{{URL: e}}, client
	if key != "" {
		conf.AddDefaultHeader("Authorization", "Bearer "+key)
	}
	return hydra.NewAPIClient(conf)
}

func TestSDKVersion1(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, h *fixture) {
		t.Helper()
		ctx, r := t.Context(), &coverage{t, map[string]bool{}}
		public, operator := v1(h.Issuer, h.HTTP, ""), v1(h.Admin(0).URL, h.Admin(0).HTTP, h.key)
		api := operator.AdminApi

		_, resp, err := operator.MetadataApi.IsAlive(ctx).Execute()
		r.check("IsAlive", resp, err, 200)
		_, resp, err = operator.MetadataApi.IsReady(ctx).Execute()
		r.check("IsReady", resp, err, 200)
		_, resp, err = operator.MetadataApi.GetVersion(ctx).Execute()
		r.check("GetVersion", resp, err, 200)
		conf, resp, err := public.PublicApi.DiscoverOpenIDConfiguration(ctx).Execute()
		r.check("DiscoverOpenIDConfiguration", resp, err, 200)
		h.wantEqual("issuer", conf.GetIssuer(), h.Issuer)
		keys, resp, err := public.PublicApi.WellKnown(ctx).Execute()
		r.check("WellKnown", resp, err, 200)
		if len(keys.GetKeys()) == 0 {
			t.Error("the key set is empty")
		}

		v1Clients(ctx, h, r, operator)
		v1Login(ctx, h, r, public, api)
		v1Keys(ctx, h, r, api)
		v1Issuers(ctx, h, r, api)
		v1Registration(ctx, r, public)
		resp, err = api.FlushInactiveOAuth2Tokens(ctx).FlushInactiveOAuth2TokensRequest(
			hydra.FlushInactiveOAuth2TokensRequest{NotAfter: new(time.Now())}).Execute()
		r.check("FlushInactiveOAuth2Tokens", resp, err, 204)
		resp, err = public.PublicApi.OauthAuth(ctx).Execute()
		r.check("OauthAuth", resp, err, 400) // the method has no parameter for the client
		r.wantAll(nil, reflect.TypeFor[hydra.AdminApi](), reflect.TypeFor[hydra.PublicApi](), reflect.TypeFor[hydra.MetadataApi]())
	})
}

func v1Clients(ctx context.Context, h *fixture, r *coverage, operator *hydra.APIClient) {
	api := operator.AdminApi
	made, resp, err := api.CreateOAuth2Client(ctx).OAuth2Client(hydra.OAuth2Client{
		ClientId: new("v1"), ClientName: new("Version 1"), Owner: new("us"), RedirectUris: []string{callback}, Scope: new("openid offline_access"),
		GrantTypes: []string{"authorization_code", "refresh_token"}, ResponseTypes: []string{"code"}, Metadata: map[string]any{"a": "b"},
		PostLogoutRedirectUris: []string{"https://client.example/bye"},
	}).Execute()
	r.check("CreateOAuth2Client", resp, err, 201)
	h.wantEqual("client_id", made.GetClientId(), "v1")
	_, resp, err = api.CreateOAuth2Client(ctx).OAuth2Client(*made).Execute()
	r.check("CreateOAuth2Client", resp, err, 409)
	got, resp, err := api.GetOAuth2Client(ctx, "v1").Execute()
	r.check("GetOAuth2Client", resp, err, 200)
	h.wantEqual("owner", got.GetOwner(), "us")
	got.Owner, got.ClientSecret = new("them"), new("a secret for version 1")
	got, resp, err = api.UpdateOAuth2Client(ctx, "v1").OAuth2Client(*got).Execute()
	r.check("UpdateOAuth2Client", resp, err, 200)
	h.wantEqual("owner", got.GetOwner(), "them")
	patch := hydra.NewPatchDocument("replace", "/client_name")
	patch.Value = map[string]any{"not": "a string"}
	_, resp, err = api.PatchOAuth2Client(ctx, "v1").PatchDocument([]hydra.PatchDocument{*patch}).Execute()
	r.check("PatchOAuth2Client", resp, err, 400)
	patch.Path = "/metadata"
	got, resp, err = api.PatchOAuth2Client(ctx, "v1").PatchDocument([]hydra.PatchDocument{*patch}).Execute()
	r.check("PatchOAuth2Client", resp, err, 200)
	h.wantEqual("metadata", got.GetMetadata(), map[string]any{"not": "a string"})
	list, resp, err := api.ListOAuth2Clients(ctx).ClientName("Version 1").Owner("them").Limit(10).Offset(0).Execute()
	r.check("ListOAuth2Clients", resp, err, 200)
	h.wantEqual("how many", len(list), 1)
	h.wantEqual("X-Total-Count", resp.Header.Get("X-Total-Count"), 1)
	_, resp, err = api.CreateOAuth2Client(ctx).OAuth2Client(hydra.OAuth2Client{ClientId: new("gone"), RedirectUris: []string{callback}}).Execute()
	r.check("CreateOAuth2Client", resp, err, 201)
	resp, err = api.DeleteOAuth2Client(ctx, "gone").Execute()
	r.check("DeleteOAuth2Client", resp, err, 204)
	_, resp, err = api.GetOAuth2Client(ctx, "gone").Execute()
	r.check("GetOAuth2Client", resp, err, 404)
}

func v1Login(ctx context.Context, h *fixture, r *coverage, public *hydra.APIClient, api hydra.AdminApi) {
	b := h.browser()
	secret := context.WithValue(ctx, hydra.ContextBasicAuth, hydra.BasicAuth{UserName: "v1", Password: url.QueryEscape("a secret for version 1")})

	refused := h.browser()
	to, resp, err := api.RejectLoginRequest(ctx).LoginChallenge(refused.authorize("v1")).RejectRequest(hydra.RejectRequest{Error: new("access_denied")}).Execute()
	r.check("RejectLoginRequest", resp, err, 200)
	h.wantEqual("error", refused.followTo(to.RedirectTo, callback).Get("error"), "access_denied")

	login, resp, err := api.GetLoginRequest(ctx).LoginChallenge(b.authorize("v1")).Execute()
	r.check("GetLoginRequest", resp, err, 200)
	h.wantEqual("the client", login.Client.GetClientId(), "v1")
	accept := hydra.NewAcceptLoginRequest("jo")
	accept.Remember, accept.RememberFor = new(true), new(int64(3600))
	to, resp, err = api.AcceptLoginRequest(ctx).LoginChallenge(login.Challenge).AcceptLoginRequest(*accept).Execute()
	r.check("AcceptLoginRequest", resp, err, 200)
	consent, resp, err := api.GetConsentRequest(ctx).ConsentChallenge(b.followTo(to.RedirectTo, consentApp).Get("consent_challenge")).Execute()
	r.check("GetConsentRequest", resp, err, 200)
	h.wantEqual("subject", consent.GetSubject(), "jo")
	to, resp, err = api.AcceptConsentRequest(ctx).ConsentChallenge(consent.Challenge).AcceptConsentRequest(hydra.AcceptConsentRequest{
		GrantScope: consent.RequestedScope, Remember: new(true), HandledAt: new(time.Now()),
		Session: &hydra.ConsentRequestSession{IdToken: map[string]any{"email": "jo@example"}, AccessToken: map[string]any{"tenant": map[string]any{"id": 7}}},
	}).Execute()
	r.check("AcceptConsentRequest", resp, err, 200)
	tokens, resp, err := public.PublicApi.Oauth2Token(secret).GrantType("authorization_code").Code(b.followTo(to.RedirectTo, callback).Get("code")).RedirectUri(callback).Execute()
	r.check("Oauth2Token", resp, err, 200)

	info, resp, err := api.IntrospectOAuth2Token(ctx).Token(tokens.GetAccessToken()).Scope("openid").Execute()
	r.check("IntrospectOAuth2Token", resp, err, 200)
	h.wantEqual("active", info.Active, true)
	h.wantEqual("sub", info.GetSub(), "jo")
	h.wantEqual("ext", info.GetExt(), map[string]any{"tenant": map[string]any{"id": 7}})
	who, resp, err := public.PublicApi.Userinfo(context.WithValue(ctx, hydra.ContextAccessToken, tokens.GetAccessToken())).Execute()
	r.check("Userinfo", resp, err, 200)
	h.wantEqual("email", who.GetEmail(), "jo@example")
	resp, err = public.PublicApi.RevokeOAuth2Token(secret).Token(tokens.GetAccessToken()).Execute()
	r.check("RevokeOAuth2Token", resp, err, 200)
	info, resp, err = api.IntrospectOAuth2Token(ctx).Token(tokens.GetAccessToken()).Execute()
	r.check("IntrospectOAuth2Token", resp, err, 200)
	h.wantEqual("active", info.Active, false)

	list, resp, err := api.ListSubjectConsentSessions(ctx).Subject("jo").Execute()
	r.check("ListSubjectConsentSessions", resp, err, 200)
	h.wantEqual("how many", len(list), 1)
	h.wantEqual("remember", list[0].GetRemember(), true)
	resp, err = api.RevokeConsentSessions(ctx).Subject("jo").Client("v1").Execute()
	r.check("RevokeConsentSessions", resp, err, 204)
	_, resp, err = public.PublicApi.Oauth2Token(secret).GrantType("refresh_token").RefreshToken(tokens.GetRefreshToken()).Execute()
	r.check("Oauth2Token", resp, err, 400)

	skipped, resp, err := api.GetLoginRequest(ctx).LoginChallenge(b.authorize("v1")).Execute()
	r.check("GetLoginRequest", resp, err, 200)
	h.wantEqual("skip", skipped.Skip, true)
	to, resp, err = api.AcceptLoginRequest(ctx).LoginChallenge(skipped.Challenge).AcceptLoginRequest(*hydra.NewAcceptLoginRequest("jo")).Execute()
	r.check("AcceptLoginRequest", resp, err, 200)
	to, resp, err = api.RejectConsentRequest(ctx).ConsentChallenge(b.followTo(to.RedirectTo, consentApp).Get("consent_challenge")).RejectRequest(hydra.RejectRequest{}).Execute()
	r.check("RejectConsentRequest", resp, err, 200)
	h.wantEqual("error", b.followTo(to.RedirectTo, callback).Get("error"), "request_denied")

	for _, stay := range []bool{true, false} {
		challenge := b.followTo(h.Issuer+"/oauth2/sessions/logout", logoutApp).Get("logout_challenge")
		out, resp, err := api.GetLogoutRequest(ctx).LogoutChallenge(challenge).Execute()
		r.check("GetLogoutRequest", resp, err, 200)
		h.wantEqual("subject", out.GetSubject(), "jo")
		if stay {
			resp, err = api.RejectLogoutRequest(ctx).LogoutChallenge(challenge).RejectRequest(hydra.RejectRequest{}).Execute()
			r.check("RejectLogoutRequest", resp, err, 204)
			continue
		}
		_, resp, err = api.AcceptLogoutRequest(ctx).LogoutChallenge(challenge).Execute()
		r.check("AcceptLogoutRequest", resp, err, 200)
	}
	resp, err = api.RevokeAuthenticationSession(ctx).Subject("jo").Execute()
	r.check("RevokeAuthenticationSession", resp, err, 204)
	resp, err = api.DeleteOAuth2Token(ctx).ClientId("v1").Execute()
	r.check("DeleteOAuth2Token", resp, err, 204)
	resp, err = public.PublicApi.DisconnectUser(ctx).Execute()
	r.check("DisconnectUser", resp, err, 200) // no session in this browser
}

func v1Keys(ctx context.Context, h *fixture, r *coverage, api hydra.AdminApi) {
	set, resp, err := api.CreateJsonWebKeySet(ctx, "v1").JsonWebKeySetGeneratorRequest(*hydra.NewJsonWebKeySetGeneratorRequest("RS256", "one", "sig")).Execute()
	r.check("CreateJsonWebKeySet", resp, err, 201)
	h.wantEqual("kid", set.Keys[0].Kid, "one")
	set, resp, err = api.GetJsonWebKeySet(ctx, "v1").Execute()
	r.check("GetJsonWebKeySet", resp, err, 200)
	one, resp, err := api.GetJsonWebKey(ctx, "one", "v1").Execute()
	r.check("GetJsonWebKey", resp, err, 200)
	_, resp, err = api.UpdateJsonWebKey(ctx, "one", "v1").JSONWebKey(one.Keys[0]).Execute()
	r.check("UpdateJsonWebKey", resp, err, 200)
	_, resp, err = api.UpdateJsonWebKeySet(ctx, "v1").JSONWebKeySet(*set).Execute()
	r.check("UpdateJsonWebKeySet", resp, err, 200)
	resp, err = api.DeleteJsonWebKey(ctx, "one", "v1").Execute()
	r.check("DeleteJsonWebKey", resp, err, 204)
	_, resp, err = api.CreateJsonWebKeySet(ctx, "v1").JsonWebKeySetGeneratorRequest(*hydra.NewJsonWebKeySetGeneratorRequest("ES256", "two", "sig")).Execute()
	r.check("CreateJsonWebKeySet", resp, err, 201)
	resp, err = api.DeleteJsonWebKeySet(ctx, "v1").Execute()
	r.check("DeleteJsonWebKeySet", resp, err, 204)
}

func v1Issuers(ctx context.Context, h *fixture, r *coverage, api hydra.AdminApi) {
	keys, resp, err := api.CreateJsonWebKeySet(ctx, "issuer").JsonWebKeySetGeneratorRequest(*hydra.NewJsonWebKeySetGeneratorRequest("RS256", "key", "sig")).Execute()
	r.check("CreateJsonWebKeySet", resp, err, 201)
	key := hydra.NewJSONWebKey("RS256", "key", "RSA", "sig")
	key.N, key.E = keys.Keys[0].N, keys.Keys[0].E
	trust := hydra.NewTrustJwtGrantIssuerBody(time.Now().Add(time.Hour), "https://idp.example", *key, []string{"openid"})
	trust.Subject = new("jo@example")
	made, resp, err := api.TrustJwtGrantIssuer(ctx).TrustJwtGrantIssuerBody(*trust).Execute()
	r.check("TrustJwtGrantIssuer", resp, err, 201)
	got, resp, err := api.GetTrustedJwtGrantIssuer(ctx, made.GetId()).Execute()
	r.check("GetTrustedJwtGrantIssuer", resp, err, 200)
	h.wantEqual("subject", got.GetSubject(), "jo@example")
	list, resp, err := api.ListTrustedJwtGrantIssuers(ctx).Issuer("https://idp.example").Limit(5).Offset(0).Execute()
	r.check("ListTrustedJwtGrantIssuers", resp, err, 200)
	h.wantEqual("how many", len(list), 1)
	resp, err = api.DeleteTrustedJwtGrantIssuer(ctx, made.GetId()).Execute()
	r.check("DeleteTrustedJwtGrantIssuer", resp, err, 204)
}

func v1Registration(ctx context.Context, r *coverage, public *hydra.APIClient) {
	api := public.PublicApi
	made, resp, err := api.DynamicClientRegistrationCreateOAuth2Client(ctx).OAuth2Client(hydra.OAuth2Client{RedirectUris: []string{callback}}).Execute()
	r.check("DynamicClientRegistrationCreateOAuth2Client", resp, err, 201)
	as := context.WithValue(ctx, hydra.ContextAccessToken, made.GetRegistrationAccessToken())
	got, resp, err := api.DynamicClientRegistrationGetOAuth2Client(as, made.GetClientId()).Execute()
	r.check("DynamicClientRegistrationGetOAuth2Client", resp, err, 200)
	got.ClientName = new("renamed")
	got, resp, err = api.DynamicClientRegistrationUpdateOAuth2Client(as, made.GetClientId()).OAuth2Client(*got).Execute()
	r.check("DynamicClientRegistrationUpdateOAuth2Client", resp, err, 200)
	as = context.WithValue(ctx, hydra.ContextAccessToken, got.GetRegistrationAccessToken())
	resp, err = api.DynamicClientRegistrationDeleteOAuth2Client(as, made.GetClientId()).Execute()
	r.check("DynamicClientRegistrationDeleteOAuth2Client", resp, err, 204)
}
