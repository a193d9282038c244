package registration

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/client"
)

// documents maps a URL to its body and replaces the network.
type documents map[string]string

func (p documents) Get(_ context.Context, url string) ([]byte, error) {
	page, ok := p[url]
	if !ok {
		return nil, errors.New("dial tcp 10.0.0.7:443: connection refused")
	}
	return []byte(page), nil
}

// complete has every member that there is, with values that are kept as they are.
const complete = `{
	"client_name": "Shop", "client_name#ja": "店", "client_uri": "https://rp.example/", "client_uri#fr": "https://rp.example/fr",
	"logo_uri": "https://rp.example/logo.png", "logo_uri#ja": "https://rp.example/logo-ja.png",
	"policy_uri": "https://rp.example/policy", "policy_uri#de-CH": "https://rp.example/policy/de",
	"tos_uri": "https://rp.example/terms", "tos_uri#de": "https://rp.example/terms/de", "contacts": ["ops@rp.example"],
	"application_type": "web", "redirect_uris": ["https://rp.example/cb", "https://rp2.example/cb"],
	"post_logout_redirect_uris": ["https://rp.example/bye"],
	"grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"], "scope": "openid profile", "optional_scope": "profile",
	"token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "ES256", "jwks_uri": "https://rp.example/jwks",
	"subject_type": "pairwise", "sector_identifier_uri": "https://sector.example/all",
	"id_token_signed_response_alg": "ES256", "id_token_encrypted_response_alg": "ECDH-ES+A256KW", "id_token_encrypted_response_enc": "A256GCM",
	"userinfo_signed_response_alg": "PS256", "userinfo_encrypted_response_alg": "RSA-OAEP-256", "userinfo_encrypted_response_enc": "A128CBC-HS256",
	"authorization_signed_response_alg": "PS256", "authorization_encrypted_response_alg": "ECDH-ES", "authorization_encrypted_response_enc": "A128GCM",
	"introspection_signed_response_alg": "ES256", "introspection_encrypted_response_alg": "RSA-OAEP-256", "introspection_encrypted_response_enc": "A256GCM",
	"request_object_signing_alg": "EdDSA", "request_uris": ["https://rp.example/request#hash"], "dpop_bound_access_tokens": true, "require_pushed_authorization_requests": true, "require_signed_request_object": true,
	"default_max_age": 0, "require_auth_time": true, "default_acr_values": ["urn:a", "urn:b"], "initiate_login_uri": "https://rp.example/start",
	"frontchannel_logout_uri": "https://rp.example/front", "frontchannel_logout_session_required": true,
	"backchannel_logout_uri": "https://rp.example/back", "backchannel_logout_session_required": true,
	"access_token_strategy": "opaque", "id_token_claims": "minimal", "require_pkce": true, "software_id": "shop", "software_version": "2",
	"allowed_cors_origins": ["https://rp.example", "http://localhost:3000"]
}`

func sectors(c *Config) {
	c.Documents = documents{
		"https://sector.example/all": `["https://rp.example/cb","https://rp2.example/cb"]`,
		"https://sector.example/one": `["https://rp.example/cb"]`,
	}
}

func TestEveryMemberIsStoredAndReturned(t *testing.T) {
	t.Parallel()

	r := newFixture(t, sectors)
	var want map[string]any
	if err := json.Unmarshal([]byte(complete), &want); err != nil {
		t.Fatal(err)
	}
	same := func(how string, a reply) {
		t.Helper()
		got := make(map[string]any)
		for member := range want {
			got[member] = a.body[member]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", how, diff)
		}
		own := []string{"client_id", "client_secret_expires_at", "client_id_issued_at", "created_at", "updated_at", "registration_access_token", "registration_client_uri"}
		for member := range a.body {
			if _, known := want[member]; !known && !slices.Contains(own, member) {
				t.Errorf("%s: %s is there, and nobody sent it", how, member)
			}
		}
	}
	a := r.register(t, connect, complete)
	same("POST", a)
	at := strings.TrimPrefix(a.text("registration_client_uri"), issuer)
	b := r.do(t, "GET", at, "", "Bearer "+a.text("registration_access_token"))
	same("GET", b)
	raw, err := json.Marshal(b.body)
	if err != nil {
		t.Fatal(err)
	}
	same("PUT of what GET said", r.do(t, "PUT", at, string(raw), "Bearer "+b.text("registration_access_token")))

	// Not shown; instead of jwks_uri; only for operators; or in another test.
	others := []string{
		"localized", "jwks", "audience", "allow_http_redirects", "skip_consent", "skip_logout_consent", "owner", "operator_scope", "metadata", "software_statement",
		"served_resources", "subject_sector", "theme", "require_second_factor", "allowed_groups", "userinfo_acr_values", "userinfo_max_age", "require_dpop_nonce",
		"token_exchange", "security_profile", "tls_client_auth_subject_dn", "tls_client_auth_san_dns", "tls_client_auth_san_uri", "tls_client_auth_san_ip", "tls_client_auth_san_email",
		"tls_client_certificate_bound_access_tokens", "backchannel_token_delivery_mode", "backchannel_client_notification_endpoint", "backchannel_authentication_request_signing_alg",
		"authorization_details_types",
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[client.Metadata]()) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if _, ok := want[name]; !ok && !slices.Contains(others, name) && !strings.HasSuffix(name, "_lifespan") && !field.Anonymous {
			t.Errorf("%s is not in this test", name)
		}
	}
	shown, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var m client.Metadata
	if err := json.Unmarshal(shown, &m); err != nil {
		t.Fatal(err)
	}
	kept, err := r.store.Clients.Client(t.Context(), a.text("client_id"))
	if err != nil {
		t.Fatal(err)
	}
	m.Localized = map[string]string{
		"client_name#ja": "店", "client_uri#fr": "https://rp.example/fr", "logo_uri#ja": "https://rp.example/logo-ja.png",
		"policy_uri#de-CH": "https://rp.example/policy/de", "tos_uri#de": "https://rp.example/terms/de",
	}
	if diff := cmp.Diff(m, kept.Metadata); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

func TestTheSectorIsCheckedAfterChanges(t *testing.T) {
	t.Parallel()

	const (
		both = `"redirect_uris":["https://rp.example/cb","https://rp2.example/cb"]`
		all  = `"sector_identifier_uri":"https://sector.example/all"`
	)
	web := documents{
		"https://sector.example/all": `["https://rp.example/cb","https://rp2.example/cb"]`,
		"https://sector.example/one": `["https://rp.example/cb"]`,
	}
	r := newFixture(t, func(c *Config) { c.Documents = web })
	for name, tc := range map[string]struct {
		body string
		want bool
	}{
		"all are listed":           {`{` + both + `,` + all + `,"subject_type":"pairwise"}`, true},
		"public, all are listed":   {`{` + both + `,` + all + `}`, true},
		"one is not listed":        {`{` + both + `,"sector_identifier_uri":"https://sector.example/one","subject_type":"pairwise"}`, false},
		"public, one is not":       {`{` + both + `,"sector_identifier_uri":"https://sector.example/one"}`, false},
		"nobody answers":           {`{` + both + `,"sector_identifier_uri":"https://sector.example/gone"}`, false},
		"two hosts without sector": {`{` + both + `,"subject_type":"pairwise"}`, false},
	} {
		a := r.do(t, "POST", connect, tc.body)
		if tc.want {
			if a.status != http.StatusCreated {
				t.Errorf("%s: %d %s, want 201", name, a.status, a.raw)
			}
			continue
		}
		wantError(t, a, http.StatusBadRequest, "invalid_client_metadata")
		if strings.Contains(a.raw, "10.0.0.7") {
			t.Errorf("%s: %s tells of the network", name, a.raw)
		}
	}

	a := r.register(t, connect, `{`+both+`,`+all+`,"subject_type":"pairwise"}`)
	at, token := strings.TrimPrefix(a.text("registration_client_uri"), issuer), "Bearer "+a.text("registration_access_token")
	delete(web, "https://sector.example/all")
	for name, tc := range map[string]struct {
		body string
		want int
	}{
		"nothing changed": {`{` + both + `,` + all + `,"subject_type":"pairwise","client_name":"Shop"}`, 200},
		"a new address":   {`{"redirect_uris":["https://rp.example/cb","https://rp2.example/new"],` + all + `}`, 400},
		"another sector":  {`{` + both + `,"sector_identifier_uri":"https://sector.example/one"}`, 400},
	} {
		if b := r.do(t, "PUT", at, tc.body, token); b.status != tc.want {
			t.Errorf("PUT, %s: %d %s, want %d", name, b.status, b.raw, tc.want)
		}
	}
}
