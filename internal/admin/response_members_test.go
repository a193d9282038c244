package admin_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/server/servertest"
)

// Clients generated from the OpenAPI document of Ory Hydra, such as its own command line,
// reject these responses if they contain an unknown member.
func TestResponsesHaveNoMembersThatHydraClientsReject(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		known := func(what string, value any, members string) {
			t.Helper()
			got, ok := value.(servertest.Object)
			if !ok || len(got) == 0 {
				t.Fatalf("%s is %v", what, value)
			}
			for name := range got {
				if !slices.Contains(strings.Fields(members), name) {
					t.Errorf("%s has the member %s", what, name)
				}
			}
		}
		const (
			context = "acr_values display id_token_hint_claims login_hint ui_locales"
			login   = "challenge client oidc_context request_url requested_access_token_audience requested_scope session_id skip subject"
			consent = "acr amr challenge client consent_request_id context login_challenge login_session_id oidc_context request_url " +
				"requested_access_token_audience requested_scope skip subject"
			token = "active aud client_id exp ext iat iss nbf obfuscated_subject scope sub token_type token_use username"
		)
		b := s.NewBrowser()
		p := b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("login_hint", "jo", "ui_locales", "de").Encode())
		response := s.CallAdmin("GET", "/admin/oauth2/auth/requests/login?login_challenge="+s.LoginChallenge(p), "").JSON(t)
		known("a login request", response, login)
		known("its client", response["client"], membersOfClients)
		known("its context", response["oidc_context"], context)

		p = b.SignInByApp(s, p, servertest.Object{"subject": "jo", "remember": true})
		response = s.CallAdmin("GET", "/admin/oauth2/auth/requests/consent?consent_challenge="+s.ConsentChallenge(p), "").JSON(t)
		known("a consent request", response, consent)
		known("its client", response["client"], membersOfClients)
		p = b.ConsentByApp(s, p, servertest.Object{"grant_scope": servertest.AllScopes, "session": servertest.Object{"access_token": servertest.Object{"tenant": 7}}})
		tokens := s.ExchangeCode(servertest.CodeOf(t, p))

		listed := listed(s, "/admin/oauth2/auth/sessions/consent?subject=jo")
		if len(listed) != 1 {
			t.Fatalf("jo allows %v", listed)
		}
		known("a listed request", listed[0]["consent_request"], consent)
		known("its client", listed[0]["consent_request"].(servertest.Object)["client"], membersOfClients)
		for _, name := range []string{"access_token", "refresh_token"} {
			known(name, submit(s, "/admin/oauth2/introspect", url.Values{"token": {servertest.Text(tokens[name])}}).JSON(t), token)
		}
	})
}

const membersOfClients = `
	access_token_strategy allowed_cors_origins audience authorization_code_grant_access_token_lifespan
	authorization_code_grant_id_token_lifespan authorization_code_grant_refresh_token_lifespan backchannel_logout_session_required
	backchannel_logout_uri client_credentials_grant_access_token_lifespan client_id client_name client_secret client_secret_expires_at
	client_uri contacts created_at device_authorization_grant_access_token_lifespan device_authorization_grant_id_token_lifespan
	device_authorization_grant_refresh_token_lifespan frontchannel_logout_session_required frontchannel_logout_uri grant_types
	implicit_grant_access_token_lifespan implicit_grant_id_token_lifespan jwks jwks_uri jwt_bearer_grant_access_token_lifespan logo_uri
	metadata owner policy_uri post_logout_redirect_uris redirect_uris refresh_token_grant_access_token_lifespan
	refresh_token_grant_id_token_lifespan refresh_token_grant_refresh_token_lifespan registration_access_token registration_client_uri
	request_object_signing_alg request_uris response_types scope sector_identifier_uri skip_consent skip_logout_consent subject_type
	token_endpoint_auth_method token_endpoint_auth_signing_alg tos_uri updated_at userinfo_signed_response_alg`
