package discovery

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/scope"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

func capabilities() Capabilities {
	return Capabilities{
		Issuer:        "https://id.example/",
		Authorization: "/oauth2/auth", Token: "/oauth2/token", Userinfo: "/userinfo", JWKS: "/.well-known/jwks.json",
		Introspection: "/oauth2/introspect", Revocation: "/oauth2/revoke", EndSession: "/oauth2/sessions/logout", CheckSession: "/oauth2/sessions/check",
		Scopes: []string{"openid", "extra"}, ResponseTypes: []string{"code"}, ResponseModes: []string{"query", "form_post"},
		GrantTypes: []string{"authorization_code"}, Prompts: []string{"none"}, ACRValues: []string{"urn:acr"},
		UILocales: []string{"en"}, SigningAlgs: []string{"RS256", "ES256"}, SubjectTypes: []string{"public"},
		IDTokenEncryptionAlgs: []string{"ECDH-ES"}, IDTokenEncryptionEncs: []string{"A128GCM"},
		UserinfoEncryptionAlgs: []string{"RSA-OAEP"}, UserinfoEncryptionEncs: []string{"A256GCM"},
		RequestObjectAlgs: []string{"ES256"},
		AuthMethods:       []string{"client_secret_basic", "none"}, AuthSigningAlgs: []string{"ES256"},
		IntrospectionAuthMethods: []string{"client_secret_basic"}, RevocationAuthMethods: []string{"client_secret_basic", "none"},
	}
}

func TestDiscoveryListsEnabledFeatures(t *testing.T) {
	t.Parallel()

	d, err := newDiscovery(t, capabilities())
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/.well-known/openid-configuration", nil))
	var got map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	list := func(words ...any) []any { return words }
	want := map[string]any{
		"issuer":                 "https://id.example/",
		"authorization_endpoint": "https://id.example/oauth2/auth", "token_endpoint": "https://id.example/oauth2/token",
		"userinfo_endpoint": "https://id.example/userinfo", "jwks_uri": "https://id.example/.well-known/jwks.json",
		"introspection_endpoint": "https://id.example/oauth2/introspect", "revocation_endpoint": "https://id.example/oauth2/revoke",
		"end_session_endpoint": "https://id.example/oauth2/sessions/logout",
		"scopes_supported":     list("openid", "profile", "email", "address", "phone", "offline_access", "groups", "roles", "extra"),
		"claims_supported": append(list("sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid",
			"name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile", "picture", "website", "gender",
			"birthdate", "zoneinfo", "locale", "updated_at"), "email", "email_verified", "address", "phone_number", "phone_number_verified",
			"groups", "roles"),
		"claim_types_supported": list("normal"), "response_types_supported": list("code"),
		"response_modes_supported": list("query", "form_post"), "grant_types_supported": list("authorization_code"),
		"code_challenge_methods_supported": list("S256"), "prompt_values_supported": list("none"),
		"acr_values_supported": list("urn:acr"), "subject_types_supported": list("public"), "ui_locales_supported": list("en"),
		"id_token_signing_alg_values_supported":                    list("RS256", "ES256"),
		"userinfo_signing_alg_values_supported":                    list("none", "RS256", "ES256"),
		"authorization_signing_alg_values_supported":               list("RS256", "ES256"),
		"introspection_signing_alg_values_supported":               list("RS256", "ES256"),
		"id_token_encryption_alg_values_supported":                 list("ECDH-ES"),
		"id_token_encryption_enc_values_supported":                 list("A128GCM"),
		"userinfo_encryption_alg_values_supported":                 list("RSA-OAEP"),
		"userinfo_encryption_enc_values_supported":                 list("A256GCM"),
		"id_token_signed_response_alg":                             list("RS256", "ES256"),
		"userinfo_signed_response_alg":                             list("none", "RS256", "ES256"),
		"token_endpoint_auth_methods_supported":                    list("client_secret_basic", "none"),
		"token_endpoint_auth_signing_alg_values_supported":         list("ES256"),
		"introspection_endpoint_auth_methods_supported":            list("client_secret_basic"),
		"introspection_endpoint_auth_signing_alg_values_supported": list("ES256"),
		"revocation_endpoint_auth_methods_supported":               list("client_secret_basic", "none"),
		"revocation_endpoint_auth_signing_alg_values_supported":    list("ES256"),
		"claims_parameter_supported":                               true, "request_parameter_supported": true, "request_uri_parameter_supported": true,
		"require_request_uri_registration": true, "request_object_signing_alg_values_supported": list("ES256"),
		"authorization_response_iss_parameter_supported": true,
		"check_session_iframe":                           "https://id.example/oauth2/sessions/check",
		"frontchannel_logout_supported":                  true, "frontchannel_logout_session_supported": true,
		"backchannel_logout_supported": true, "backchannel_logout_session_supported": true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("document differs (-want +got):\n%s", diff)
	}
}

func TestDiscoveryListsRegistrationOnlyIfEnabled(t *testing.T) {
	t.Parallel()

	c := capabilities()
	c.Registration = "/connect/register"
	if got := c.document().Registration; got != "https://id.example/connect/register" {
		t.Errorf("registration_endpoint = %q", got)
	}
}

func TestDiscoveryIsCacheable(t *testing.T) {
	t.Parallel()

	d, err := newDiscovery(t, capabilities())
	if err != nil {
		t.Fatal(err)
	}
	first := httptest.NewRecorder()
	d.ServeHTTP(first, httptest.NewRequest(http.MethodGet, "/", nil))
	if first.Header().Get("Cache-Control") != "public, max-age=300" || first.Header().Get("Content-Type") != "application/json" {
		t.Errorf("headers = %v", first.Header())
	}
	req := httptest.NewRequest(http.MethodGet, "/", nil)
	req.Header.Set("If-None-Match", first.Header().Get("ETag"))
	again := httptest.NewRecorder()
	d.ServeHTTP(again, req)
	if again.Code != http.StatusNotModified || again.Body.Len() > 0 {
		t.Errorf("second time = %d with %d bytes, want 304 and none", again.Code, again.Body.Len())
	}

	c := capabilities()
	c.Scopes = nil
	other, err := newDiscovery(t, c)
	if err != nil || other.published.etag == d.published.etag {
		t.Errorf("another document has the tag %s too (%v)", d.published.etag, err)
	}
}

func TestAnIssuerIsAURLWithoutQueryAndFragment(t *testing.T) {
	t.Parallel()

	for _, issuer := range []string{"", "id.example", "https://id.example?x=1", "https://id.example#x", "https://"} {
		if _, err := newDiscovery(t, Capabilities{Issuer: issuer}); err == nil {
			t.Errorf("issuer %q: no error", issuer)
		}
	}
}

// The document lists the current scopes. While the database is unavailable, it is the latest one.
func TestDiscoveryFollowsScopesAndSurvivesALostDatabase(t *testing.T) {
	t.Parallel()

	db, now := storetest.New(t), time.Now()
	d, err := New(t.Context(), capabilities(), scopesOf(db), func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	document := func() string {
		t.Helper()
		w := httptest.NewRecorder()
		d.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		if w.Code != http.StatusOK {
			t.Fatalf("discovery: %d", w.Code)
		}
		return w.Body.String()
	}
	before := document()
	err = db.Scopes.InsertScope(t.Context(), &scope.Scope{Name: "hr", Claims: map[string][]scope.Destination{"department": {scope.Userinfo}}})
	if err != nil {
		t.Fatal(err)
	}
	after := document()
	if strings.Contains(before, "department") || !strings.Contains(after, `"hr"`) || !strings.Contains(after, `"department"`) {
		t.Errorf("discovery was %s and is %s", before, after)
	}
	db.Close()
	for range 2 { // the second request does not read the database
		if got := document(); got != after {
			t.Errorf("without the database it is %s", got)
		}
	}
	if !d.retryAt.After(now) {
		t.Error("it tries again with each request")
	}
}
