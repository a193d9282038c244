package hydraimport

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/client"
)

var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

const hashed = "$pbkdf2-sha256$i=25000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$AGeLLh8T1ImwO6AL4sOvHaOwDhkd5aK/asK6Q2Oygu4"

// hydraClient returns a client with Hydra's defaults, overwritten with the members in text.
func hydraClient(tb testing.TB, text string) Client {
	tb.Helper()
	c := Client{ID: "rp", SecretHash: hashed, CreatedAt: noon.Add(-time.Hour), Members: map[string]json.RawMessage{
		"grant_types": json.RawMessage(`["authorization_code","refresh_token"]`), "response_types": json.RawMessage(`["code"]`),
		"scope": json.RawMessage(`"openid offline_access"`), "redirect_uris": json.RawMessage(`["https://rp.example/cb"]`),
		"token_endpoint_auth_method": json.RawMessage(`"client_secret_basic"`), "subject_type": json.RawMessage(`"public"`),
		"userinfo_signed_response_alg": json.RawMessage(`"none"`),
	}}
	if err := json.Unmarshal([]byte(text), &c.Members); err != nil {
		tb.Fatal(err)
	}
	return c
}

func TestAdaptClients(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		members string
		legacy  bool
		want    func(*client.Client) bool
		notes   []string // a part of each
	}{
		"as Hydra has it by default": {`{}`, false, func(c *client.Client) bool {
			return c.Secret == hashed && c.Scope == "openid offline_access" && c.ApplicationType == "web" && c.CreatedAt.Equal(noon.Add(-time.Hour))
		}, nil},
		"one that only has client credentials": {`{"grant_types":["client_credentials"],"redirect_uris":[]}`, false, func(c *client.Client) bool {
			return len(c.ResponseTypes) == 0 && len(c.GrantTypes) == 1
		}, nil},
		"one without scopes gets none": {`{"scope":""}`, false, func(c *client.Client) bool { return c.Scope == "" }, nil},
		"scopes of the admin API": {
			`{"scope":"openid clients:write keys:export api"}`, false,
			func(c *client.Client) bool { return c.Scope == "openid api" },
			[]string{"clients:write, keys:export"},
		},
		"keys at an address that cannot be, of one with a secret": {
			`{"jwks_uri":"http://rp.internal/jwks"}`, false,
			func(c *client.Client) bool { return c.JWKSURI == "" && c.Secret == hashed },
			[]string{"jwks_uri left out: it must be an https URL"},
		},
		"a refresh token that nothing gives": {`{"grant_types":["client_credentials","refresh_token"]}`, false, func(c *client.Client) bool {
			return len(c.GrantTypes) == 1
		}, nil},
		"implicit beside the code": {
			`{"grant_types":["authorization_code","implicit"],"response_types":["code","id_token token","token"]}`, false,
			func(c *client.Client) bool { return len(c.ResponseTypes) == 1 && len(c.GrantTypes) == 1 },
			[]string{"legacy_response_types"},
		},
		"implicit where it is offered": {
			`{"grant_types":["authorization_code","implicit"],"response_types":["code","token id_token","token"]}`, true,
			func(c *client.Client) bool { return len(c.ResponseTypes) == 2 && len(c.GrantTypes) == 2 },
			[]string{"response types that are not offered: token"},
		},
		"a password grant": {
			`{"grant_types":["authorization_code","password"]}`, false,
			func(c *client.Client) bool { return len(c.GrantTypes) == 1 },
			[]string{"password"},
		},
		"an app": {
			`{"redirect_uris":["com.example.app:/cb","http://127.0.0.1/cb"],"token_endpoint_auth_method":"none"}`, false,
			func(c *client.Client) bool { return c.IsNative() && c.Secret == "" && len(c.RedirectURIs) == 2 }, nil,
		},
		"a page on this machine": {
			`{"redirect_uris":["http://localhost:3000/cb"]}`, false,
			func(c *client.Client) bool { return !c.IsNative() && len(c.RedirectURIs) == 1 }, nil,
		},
		"redirects of which one is good": {
			`{"redirect_uris":["http://rp.example/cb","https://rp.example/cb","javascript:alert(1)","https://rp.example/#x"]}`, false,
			func(c *client.Client) bool { return len(c.RedirectURIs) == 1 },
			[]string{"http://rp.example/cb", "javascript", "#x"},
		},
		"sign-out pages elsewhere": {
			`{"post_logout_redirect_uris":["https://rp.example/bye","https://other.example/bye","http://other.example/bye"]}`, false,
			func(c *client.Client) bool { return len(c.PostLogoutRedirectURIs) == 2 },
			[]string{"http://other.example/bye"},
		},
		"links that are none": {
			`{"logo_uri":"http://rp.example/logo.png","client_uri":"javascript:alert(1)","contacts":[""]}`, false,
			func(c *client.Client) bool { return c.LogoURI == "" && c.ClientURI == "" && c.Contacts == nil },
			[]string{"logo_uri left out", "client_uri left out", "contacts left out"},
		},
		"sign-out by http": {
			`{"backchannel_logout_uri":"http://rp.example/out","backchannel_logout_session_required":true}`, false,
			func(c *client.Client) bool { return c.BackchannelLogoutURI == "" },
			[]string{"backchannel_logout_uri left out"},
		},
		"scopes with a star": {`{"scope":"openid api.*"}`, false, func(c *client.Client) bool { return c.Scope == "openid api.*" }, []string{"*"}},
		"pairwise": {
			`{"subject_type":"pairwise"}`, false, func(c *client.Client) bool { return c.SubjectType == client.Pairwise },
			[]string{"force_subject_identifier"},
		},
		"members that only the operator sets": {`{"owner":"team","metadata":{"a":[1]},"skip_consent":true,"access_token_strategy":"jwt","audience":["https://api.example"],` +
			`"authorization_code_grant_access_token_lifespan":"10m0s"}`, false, func(c *client.Client) bool {
			return c.Owner == "team" && string(c.Notes) == `{"a":[1]}` && c.SkipConsent && c.AccessTokenStrategy == "jwt" &&
				c.AuthorizationCodeAccessToken == client.Lifespan(10*time.Minute)
		}, nil},
		"a lifespan without end": {`{"authorization_code_grant_access_token_lifespan":"1000000h"}`, false, func(c *client.Client) bool {
			return c.AuthorizationCodeAccessToken == 0
		}, []string{"authorization_code_grant_access_token_lifespan left out"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Adapt(hydraClient(t, tc.members), client.Policy{LegacyResponseTypes: tc.legacy}, noon)
			if got.Client == nil {
				t.Fatalf("refused: %s", got.Refused)
			}
			if !tc.want(got.Client) {
				t.Errorf("client is %+v", got.Client)
			}
			notes := strings.Join(got.Notes, "\n")
			if len(got.Notes) != len(tc.notes) {
				t.Errorf("notes are %q, want %d", got.Notes, len(tc.notes))
			}
			for _, part := range tc.notes {
				if !strings.Contains(notes, part) {
					t.Errorf("notes are %q, want %q in them", got.Notes, part)
				}
			}
			again := got.Client.Metadata
			if faults := again.Validate(client.Policy{LegacyResponseTypes: tc.legacy}); len(faults) > 0 {
				t.Errorf("the adapted metadata is invalid: %v", faults)
			}
		})
	}
}

func TestAdaptRejectsClients(t *testing.T) {
	t.Parallel()

	for name, members := range map[string]string{
		"nothing but implicit":              `{"grant_types":["implicit"],"response_types":["token"]}`,
		"nothing but passwords":             `{"grant_types":["password"]}`,
		"no redirect that is good":          `{"redirect_uris":["http://rp.example/cb"]}`,
		"none at all":                       `{"redirect_uris":[]}`,
		"keys at an address that cannot be": `{"token_endpoint_auth_method":"private_key_jwt","jwks_uri":"http://rp.internal/jwks"}`,
		"signed requests, and no keys":      `{"request_object_signing_alg":"RS256","jwks_uri":"http://rp.internal/jwks"}`,
		"keys that are none":                `{"token_endpoint_auth_method":"private_key_jwt","jwks":{"keys":[{"kty":"oct","k":"AAEC"}]}}`,
		"no keys":                           `{"token_endpoint_auth_method":"private_key_jwt"}`,
		"another method":                    `{"token_endpoint_auth_method":"tls_client_auth"}`,
		"another algorithm of objects":      `{"request_object_signing_alg":"HS256"}`,
		"protection that is not there":      `{"tls_client_certificate_bound_access_tokens":true}`,
		"members of other kinds":            `{"grant_types":{"a":1},"redirect_uris":7,"scope":[]}`,
	} {
		if got := Adapt(hydraClient(t, members), client.Policy{}, noon); got.Client != nil || got.Refused == "" {
			t.Errorf("%s: comes over as %+v", name, got.Client)
		}
	}
	for _, id := range []string{"", "a b", "\x00", strings.Repeat("x", 256)} {
		c := hydraClient(t, `{}`)
		c.ID = id
		if got := Adapt(c, client.Policy{}, noon); got.Client != nil {
			t.Errorf("a client of the id %q comes over", id)
		}
	}
}

func TestAdaptSecrets(t *testing.T) {
	t.Parallel()

	for hash, want := range map[string]bool{
		hashed: true, "$2a$10$v74dFe6A5GJGRRm0udTaJu1mOMwZD4wayquQMAPQrS8PPtYHv86G2": true,
		"": false, "plain": false, "hmac-sha256$AAAA$AAAA": false, "$2a$31$v74dFe6A5GJGRRm0udTaJu1mOMwZD4wayquQMAPQrS8PPtYHv86G2": false,
	} {
		c := hydraClient(t, `{}`)
		c.SecretHash = hash
		got := Adapt(c, client.Policy{}, noon)
		if (got.Client.Secret != "") != want || got.Secretless == want {
			t.Errorf("of %q is kept %q, lacking: %t", hash, got.Client.Secret, got.Secretless)
		}
	}
	c := hydraClient(t, `{}`)
	c.CreatedAt = noon.Add(time.Hour)
	if got := Adapt(c, client.Policy{}, noon); !got.Client.CreatedAt.Equal(noon) {
		t.Error("a client begins in the future, and nothing would count until then")
	}
}
