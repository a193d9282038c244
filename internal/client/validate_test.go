package client

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func open() Policy {
	return Policy{
		SelfRegistered: true,
		DefaultScopes:  []string{"openid", "offline_access"},
		AllowedScopes:  []string{"openid", "offline_access", "profile"},
	}
}

// parse reads metadata from text, and adds a redirect URI if text has no redirect_uris.
func parse(t *testing.T, text string, p Policy) (Metadata, []Fault) {
	t.Helper()
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal([]byte(text), &members); err != nil {
		t.Fatalf("bad test data: %v", err)
	}
	if _, ok := members["redirect_uris"]; !ok {
		members["redirect_uris"] = json.RawMessage(`["https://rp.example/cb"]`)
	}
	return ParseMetadata(members, p)
}

func TestEmptyMetadataGetsTheDefaults(t *testing.T) {
	t.Parallel()

	got, faults := parse(t, `{}`, open())
	if len(faults) > 0 {
		t.Fatalf("faults = %v, want none", faults)
	}
	want := Metadata{
		ApplicationType: "web", RedirectURIs: []string{"https://rp.example/cb"},
		GrantTypes: []string{"authorization_code"}, ResponseTypes: []string{"code"},
		Scope: "openid offline_access", TokenEndpointAuthMethod: "client_secret_basic",
		SubjectType: "public", IDTokenSignedResponseAlg: "RS256",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metadata differs (-want +got):\n%s", diff)
	}
}

func TestMetadataIsValidated(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		text   string
		member string // the invalid member; empty if all are valid
	}{
		"refresh tokens go with codes":               {`{"grant_types":["authorization_code","refresh_token"]}`, ""},
		"a service needs no redirect URI":            {`{"redirect_uris":[],"grant_types":["client_credentials"]}`, ""},
		"a code needs a redirect URI":                {`{"redirect_uris":[]}`, "redirect_uris"},
		"the implicit grant is not known":            {`{"grant_types":["implicit"]}`, "grant_types"},
		"the password grant is not known":            {`{"grant_types":["authorization_code","password"]}`, "grant_types"},
		"id_token is no response type":               {`{"response_types":["id_token"]}`, "response_types"},
		"hybrid is no response type":                 {`{"response_types":["code","code id_token"]}`, "response_types"},
		"a code response needs the code grant":       {`{"grant_types":["client_credentials"],"response_types":["code"]}`, "response_types"},
		"refresh tokens alone are of no use":         {`{"grant_types":["refresh_token"]}`, "grant_types"},
		"a public client is no service":              {`{"grant_types":["client_credentials"],"token_endpoint_auth_method":"none"}`, "grant_types"},
		"client_secret_jwt signs with a secret":      {`{"token_endpoint_auth_method":"client_secret_jwt","token_endpoint_auth_signing_alg":"HS384"}`, ""},
		"client_secret_jwt signs with no key":        {`{"token_endpoint_auth_method":"client_secret_jwt","token_endpoint_auth_signing_alg":"RS256"}`, "token_endpoint_auth_signing_alg"},
		"private_key_jwt signs with no secret":       {`{"token_endpoint_auth_method":"private_key_jwt","jwks_uri":"https://rp.example/k","token_endpoint_auth_signing_alg":"HS256"}`, "token_endpoint_auth_signing_alg"},
		"tls_client_auth does not work":              {`{"token_endpoint_auth_method":"tls_client_auth"}`, "token_endpoint_auth_method"},
		"private_key_jwt needs a key":                {`{"token_endpoint_auth_method":"private_key_jwt"}`, "jwks"},
		"private_key_jwt is content with a jwks_uri": {`{"token_endpoint_auth_method":"private_key_jwt","jwks_uri":"https://rp.example/k"}`, ""},
		"an empty key set is none":                   {`{"token_endpoint_auth_method":"private_key_jwt","jwks":{"keys":[]}}`, "jwks"},
		"jwks_uri is https":                          {`{"jwks_uri":"http://127.0.0.1/k"}`, "jwks_uri"},
		"assertions are not signed with HS256":       {`{"token_endpoint_auth_signing_alg":"HS256"}`, "token_endpoint_auth_signing_alg"},
		"assertions are signed with EdDSA":           {`{"token_endpoint_auth_signing_alg":"EdDSA"}`, ""},
		"ID tokens are signed":                       {`{"id_token_signed_response_alg":"none"}`, "id_token_signed_response_alg"},
		"ID tokens are signed with ES256":            {`{"id_token_signed_response_alg":"ES256"}`, ""},
		"userinfo may be unsigned":                   {`{"userinfo_signed_response_alg":"none"}`, ""},
		"userinfo is not signed with HS256":          {`{"userinfo_signed_response_alg":"HS256"}`, "userinfo_signed_response_alg"},
		"subjects are public or pairwise":            {`{"subject_type":"ephemeral"}`, "subject_type"},
		"a name in any script":                       {`{"client_name":"Ｃafé \u200d \u200c"}`, ""},
		"a name that turns text round":               {`{"client_name":"gnp\u202eexe"}`, "client_name"},
		"a name with a line break":                   {`{"client_name":"a\nb"}`, "client_name"},
		"a name without end":                         {`{"client_name":"` + strings.Repeat("a", 300) + `"}`, "client_name"},
		"a negative age":                             {`{"default_max_age":-1}`, "default_max_age"},
		"an age of zero":                             {`{"default_max_age":0}`, ""},
		"an age that is no number":                   {`{"default_max_age":"1"}`, "default_max_age"},
		"an age beyond counting":                     {`{"default_max_age":9223372036854775807}`, "default_max_age"},
		"a list that is a string":                    {`{"redirect_uris":"https://rp.example/cb"}`, "redirect_uris"},
		"a list that holds a number":                 {`{"contacts":[1]}`, "contacts"},
		"contacts without end":                       {`{"contacts":["a","a","a","a","a","a","a","a","a","a","a","a","a","a","a","a","a","a","a","a","a"]}`, "contacts"},
		"a logo of a script":                         {`{"logo_uri":"javascript:alert(1)"}`, "logo_uri"},
		"a policy in the clear":                      {`{"policy_uri":"http://rp.example/p"}`, "policy_uri"},
		"a third party begins sign-in over https":    {`{"initiate_login_uri":"http://localhost/i"}`, "initiate_login_uri"},
		"an application is web or native":            {`{"application_type":"desktop"}`, "application_type"},
		"an access token is jwt or opaque":           {`{"access_token_strategy":"paseto"}`, "access_token_strategy"},
		"unknown members are ignored":                {`{"cats":9,"Logo_URI":"javascript:1"}`, ""},
		"null is as good as absent":                  {`{"jwks":null,"client_name":null,"default_max_age":null}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			_, faults := parse(t, tc.text, open())
			if tc.member == "" && len(faults) == 0 {
				return
			}
			if !slices.ContainsFunc(faults, func(f Fault) bool { return f.Member == tc.member }) {
				t.Errorf("%s: faults = %v, want one of %q", tc.text, faults, tc.member)
			}
			for _, f := range faults {
				if strings.ContainsAny(f.String(), "\"\\") {
					t.Errorf("fault %q cannot be an error_description", f)
				}
			}
		})
	}
}

func TestUnreadableMemberIsReportedOnce(t *testing.T) {
	t.Parallel()

	_, faults := ParseMetadata(map[string]json.RawMessage{"redirect_uris": json.RawMessage(`7`)}, open())
	want := []Fault{{InvalidRedirectURI, "redirect_uris", "must be a list of strings"}}
	if diff := cmp.Diff(want, faults); diff != "" {
		t.Errorf("faults differ (-want +got):\n%s", diff)
	}
}

func TestSelfRegistrationDropsOperatorFields(t *testing.T) {
	t.Parallel()

	const text = `{"scope":"openid admin profile openid","audience":["https://api.example"],"skip_consent":true}`
	own, faults := parse(t, text, open())
	if len(faults) > 0 || own.Scope != "openid profile" || own.Audience != nil || own.SkipConsent {
		t.Errorf("self-registered: %+v, faults %v; want scope cut, no audience, no skip_consent", own, faults)
	}
	given, faults := parse(t, text, Policy{})
	if len(faults) > 0 || given.Scope != "openid admin profile" || len(given.Audience) != 1 || !given.SkipConsent {
		t.Errorf("by the operator: %+v, faults %v; want all of it kept", given, faults)
	}
}
