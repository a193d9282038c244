package client

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMembersAreValidatedByAllowLists(t *testing.T) {
	t.Parallel()

	list := func(member, format string, n int) string {
		items := make([]string, n)
		for i := range items {
			items[i] = fmt.Sprintf(format, i)
		}
		return `{"` + member + `":["` + strings.Join(items, `","`) + `"]}`
	}
	for name, tc := range map[string]struct {
		text   string
		member string // the invalid member; empty if all are valid
	}{
		"pairwise with one host": {`{"subject_type":"pairwise","redirect_uris":["https://rp.example/a","https://RP.example:8443/b"]}`, ""},
		"pairwise with two hosts": {
			`{"subject_type":"pairwise","redirect_uris":["https://rp.example/a","https://rp2.example/b"]}`, "sector_identifier_uri",
		},
		"pairwise with two hosts and a sector": {
			`{"subject_type":"pairwise","redirect_uris":["https://rp.example/a","https://rp2.example/b"],"sector_identifier_uri":"https://rp.example/s"}`, "",
		},
		"pairwise on the device":        {`{"subject_type":"pairwise","application_type":"native","redirect_uris":["http://127.0.0.1/a","http://[::1]/a","com.example.app:/a"]}`, ""},
		"pairwise there and elsewhere":  {`{"subject_type":"pairwise","redirect_uris":["http://127.0.0.1/a","https://rp.example/a"]}`, "sector_identifier_uri"},
		"public with two hosts":         {`{"redirect_uris":["https://rp.example/a","https://rp2.example/b"]}`, ""},
		"a sector is https":             {`{"sector_identifier_uri":"http://rp.example/s"}`, "sector_identifier_uri"},
		"a sector is no script":         {`{"sector_identifier_uri":"javascript:alert(1)"}`, "sector_identifier_uri"},
		"how to encrypt without a key":  {`{"id_token_encrypted_response_enc":"A128GCM"}`, "id_token_encrypted_response_enc"},
		"userinfo without a key":        {`{"userinfo_encrypted_response_enc":"A128GCM"}`, "userinfo_encrypted_response_enc"},
		"encryption needs keys":         {`{"id_token_encrypted_response_alg":"RSA-OAEP"}`, "jwks"},
		"encryption with a jwks_uri":    {`{"userinfo_encrypted_response_alg":"ECDH-ES+A256KW","userinfo_encrypted_response_enc":"A256GCM","jwks_uri":"https://rp.example/k"}`, ""},
		"no RSA1_5":                     {`{"id_token_encrypted_response_alg":"RSA1_5","jwks_uri":"https://rp.example/k"}`, "id_token_encrypted_response_alg"},
		"no passwords":                  {`{"userinfo_encrypted_response_alg":"PBES2-HS256+A128KW","jwks_uri":"https://rp.example/k"}`, "userinfo_encrypted_response_alg"},
		"no shared keys":                {`{"id_token_encrypted_response_alg":"dir","jwks_uri":"https://rp.example/k"}`, "id_token_encrypted_response_alg"},
		"no AES-192":                    {`{"id_token_encrypted_response_alg":"RSA-OAEP","id_token_encrypted_response_enc":"A192GCM","jwks_uri":"https://rp.example/k"}`, "id_token_encrypted_response_enc"},
		"backchannel requests":          {ciba(`"token_endpoint_auth_method":"client_secret_basic"`), ""},
		"backchannel, public":           {ciba(`"token_endpoint_auth_method":"none"`), "grant_types"},
		"backchannel, push":             {ciba(`"backchannel_token_delivery_mode":"push"`), "backchannel_token_delivery_mode"},
		"backchannel, signed":           {ciba(`"backchannel_authentication_request_signing_alg":"PS256"`), ""},
		"backchannel, signed with none": {ciba(`"backchannel_authentication_request_signing_alg":"none"`), "backchannel_authentication_request_signing_alg"},
		"backchannel, user codes":       {ciba(`"backchannel_user_code_parameter":true`), "backchannel_user_code_parameter"},
		"backchannel, no user codes":    {ciba(`"backchannel_user_code_parameter":false`), ""},
		"backchannel without the grant": {`{"backchannel_token_delivery_mode":"poll"}`, "grant_types"},
		"backchannel refresh tokens":    {`{"grant_types":["urn:openid:params:grant-type:ciba","refresh_token"],"response_types":[]}`, ""},
		"requests signed with EdDSA":    {`{"request_object_signing_alg":"EdDSA"}`, ""},
		"requests that are not signed":  {`{"request_object_signing_alg":"none"}`, ""},
		"requests signed with HS256":    {`{"request_object_signing_alg":"HS256"}`, "request_object_signing_alg"},
		"unsigned where it must not be": {`{"request_object_signing_alg":"none","require_signed_request_object":true}`, "request_object_signing_alg"},
		"requests at a hash":            {`{"request_uris":["https://rp.example/r#hash"]}`, ""},
		"requests in the clear":         {`{"request_uris":["https://rp.example/r","http://rp.example/r"]}`, "request_uris"},
		"as many requests as may be":    {list("request_uris", "https://rp.example/%d", maxURIs), ""},
		"requests without end":          {list("request_uris", "https://rp.example/%d", maxURIs+1), "request_uris"},
		"a request that is long":        {`{"request_uris":["https://rp.example/` + strings.Repeat("a", maxURI) + `"]}`, "request_uris"},
		"front channel at home":         {`{"frontchannel_logout_uri":"https://RP.example:443/out?a=b","frontchannel_logout_session_required":true}`, ""},
		"front channel elsewhere":       {`{"frontchannel_logout_uri":"https://other.example/out"}`, "frontchannel_logout_uri"},
		"front channel on another port": {`{"frontchannel_logout_uri":"https://rp.example:8443/out"}`, "frontchannel_logout_uri"},
		"front channel with a fragment": {`{"frontchannel_logout_uri":"https://rp.example/out#"}`, "frontchannel_logout_uri"},
		"origins":                       {`{"allowed_cors_origins":["https://rp.example","http://localhost:3000","http://[::1]:80"]}`, ""},
		"an origin with a path":         {`{"allowed_cors_origins":["https://rp.example/"]}`, "allowed_cors_origins"},
		"an origin for everybody":       {`{"allowed_cors_origins":["*"]}`, "allowed_cors_origins"},
		"an origin of another kind":     {`{"allowed_cors_origins":["ftp://rp.example"]}`, "allowed_cors_origins"},
		"front channel in the clear":    {`{"frontchannel_logout_uri":"http://rp.example/out","redirect_uris":["http://127.0.0.1/cb"]}`, "frontchannel_logout_uri"},
		"back channel anywhere":         {`{"backchannel_logout_uri":"https://api.rp.example/out","backchannel_logout_session_required":true}`, ""},
		"back channel of a sector":      {`{"subject_type":"pairwise","backchannel_logout_uri":"https://RP.example:8443/out"}`, ""},
		"back channel of its document": {
			`{"subject_type":"pairwise","sector_identifier_uri":"https://s.example/s","backchannel_logout_uri":"https://s.example/out"}`, "",
		},
		"back channel out of a sector": {`{"subject_type":"pairwise","backchannel_logout_uri":"https://evil.example/out"}`, "backchannel_logout_uri"},
		"back channel out of a vouched sector": {
			`{"subject_type":"pairwise","sector_identifier_uri":"https://s.example/s","backchannel_logout_uri":"https://evil.example/out"}`, "backchannel_logout_uri",
		},
		"back channel of an app": {
			`{"subject_type":"pairwise","application_type":"native","redirect_uris":["com.example.app:/a"],"backchannel_logout_uri":"https://app.example/out"}`, "",
		},
		"back channel with a fragment":  {`{"backchannel_logout_uri":"https://rp.example/out#x"}`, "backchannel_logout_uri"},
		"back channel in the clear":     {`{"backchannel_logout_uri":"http://127.0.0.1/out"}`, "backchannel_logout_uri"},
		"whether a session is required": {`{"backchannel_logout_session_required":"yes"}`, "backchannel_logout_session_required"},
		"proofs that are not made":      {`{"tls_client_certificate_bound_access_tokens":true}`, "tls_client_certificate_bound_access_tokens"},
		"proofs that nobody wants":      {`{"tls_client_certificate_bound_access_tokens":false,"request_object_encryption_alg":"","require_pushed_authorization_requests":null}`, ""},
		"requests that are encrypted":   {`{"request_object_encryption_alg":"RSA-OAEP"}`, "request_object_encryption_alg"},
		"tokens bound to certificates":  {`{"tls_client_certificate_bound_access_tokens":true}`, "tls_client_certificate_bound_access_tokens"},
		"responses that are signed":     {`{"authorization_signed_response_alg":"RS256"}`, ""},
		"responses that are not signed": {`{"authorization_signed_response_alg":"none"}`, "authorization_signed_response_alg"},
		"responses with a secret":       {`{"authorization_signed_response_alg":"HS256"}`, "authorization_signed_response_alg"},
		"responses without a key":       {`{"authorization_encrypted_response_alg":"ECDH-ES"}`, "jwks"},
		"signed introspection":          {`{"introspection_signed_response_alg":"PS256"}`, ""},
		"unsigned introspection":        {`{"introspection_signed_response_alg":"none"}`, "introspection_signed_response_alg"},
		"introspection without a key":   {`{"introspection_encrypted_response_alg":"ECDH-ES"}`, "jwks"},
		"introspection by a secret":     {`{"introspection_encrypted_response_alg":"dir"}`, "introspection_encrypted_response_alg"},
		"encryption without an alg":     {`{"introspection_encrypted_response_enc":"A128GCM"}`, "introspection_encrypted_response_enc"},
		"no response type is needed":    {`{"redirect_uris":[],"response_types":[],"grant_types":["client_credentials"]}`, ""},
		"a name in languages":           {`{"client_name#ja-Jpan-JP":"店","client_name#de":"Laden","tos_uri#fr":"https://rp.example/fr"}`, ""},
		"a name in no language":         {`{"client_name#":"x"}`, "client_name"},
		"a name in what is no language": {`{"client_name#ja_JP":"x"}`, "client_name"},
		"a name that is long":           {`{"client_name#en":"` + strings.Repeat("a", maxText+1) + `"}`, "client_name"},
		"a name that turns text round":  {`{"client_name#en":"a\u202eb"}`, "client_name"},
		"a name that is a number":       {`{"client_name#en":7}`, "client_name"},
		"a page that is a script":       {`{"policy_uri#en":"javascript:alert(1)"}`, "policy_uri"},
		"a redirect in a language":      {`{"redirect_uris#en":["javascript:alert(1)"]}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			_, faults := parse(t, tc.text, open())
			if tc.member == "" && len(faults) == 0 {
				return
			}
			if !slices.ContainsFunc(faults, func(f Fault) bool { return f.Member == tc.member }) {
				t.Errorf("%.200s: faults = %v, want one of %q", tc.text, faults, tc.member)
			}
			for _, f := range faults {
				if f.Code != InvalidMetadata || strings.ContainsAny(f.String(), "\"\\") {
					t.Errorf("fault %+v is not of %s, or cannot be an error_description", f, InvalidMetadata)
				}
			}
		})
	}
}

func TestEndpointsMayBeHTTPOnLoopbackIfThePolicyAllows(t *testing.T) {
	t.Parallel()

	p := open()
	p.PlainLoopback = true
	for text, want := range map[string]bool{
		`{"redirect_uris":["http://localhost:5555/cb"],"frontchannel_logout_uri":"http://localhost:5555/out"}`: true,
		`{"redirect_uris":["http://localhost:5555/cb"],"frontchannel_logout_uri":"http://localhost:6666/out"}`: false,
		`{"backchannel_logout_uri":"http://127.0.0.1:9/out"}`:                                                  true,
		`{"backchannel_logout_uri":"http://rp.example/out"}`:                                                   false,
		`{"request_uris":["http://127.0.0.1:9/r"]}`:                                                            true,
		`{"sector_identifier_uri":"http://127.0.0.1:9/s"}`:                                                     true,
		`{"initiate_login_uri":"http://127.0.0.1:9/i"}`:                                                        false,
	} {
		if _, faults := parse(t, text, p); (len(faults) == 0) != want {
			t.Errorf("%s: faults = %v, want accepted = %v", text, faults, want)
		}
	}
}

func TestLocalizedMembersAreLimitedAndMarshalled(t *testing.T) {
	t.Parallel()

	many := map[string]any{"redirect_uris": []string{"https://rp.example/cb"}}
	for i := range maxLocalized + 1 {
		many[fmt.Sprintf("client_name#aa-x-%d", i)] = "Shop"
	}
	raw, err := json.Marshal(many)
	if err != nil {
		t.Fatal(err)
	}
	if _, faults := parse(t, string(raw), open()); len(faults) != 1 || faults[0].Member != "client_name" {
		t.Errorf("%d members in languages: faults = %v, want one of client_name", maxLocalized+1, faults)
	}

	m, faults := parse(t, `{"client_name":"Shop","client_name#ja":"店","logo_uri#fr":"https://rp.example/fr","tos_uri#de":null,"localized":{"client_name#x":"y"}}`, open())
	want := map[string]string{"client_name#ja": "店", "logo_uri#fr": "https://rp.example/fr"}
	if diff := cmp.Diff(want, m.Localized); diff != "" || len(faults) > 0 {
		t.Fatalf("faults %v, kept (-want +got):\n%s", faults, diff)
	}
	for name, shown := range map[string]any{
		"with others": struct {
			ID string `json:"client_id"`
		}{"a"},
		"alone": struct{}{},
	} {
		text, err := m.MarshalWith(shown)
		var got map[string]any
		if err != nil || json.Unmarshal(text, &got) != nil || got["client_name#ja"] != "店" || got["logo_uri#fr"] != "https://rp.example/fr" {
			t.Errorf("%s: %s (%v), want both members", name, text, err)
		}
	}
}

// ciba returns the metadata of a client for backchannel authentication.
func ciba(member string) string {
	return `{"grant_types":["urn:openid:params:grant-type:ciba"],"response_types":[],"redirect_uris":[],` + member + `}`
}
