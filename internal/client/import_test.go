package client

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseImportAcceptsArrayAndObject(t *testing.T) {
	t.Parallel()

	const list = `[
		{"client_id":"shop","client_secret":"a secret somebody chose","redirect_uris":["https://shop.example/cb"],"scope":"openid admin","skip_consent":true},
		{"grant_types":["client_credentials"],"redirect_uri":"https://typo.example"}
	]`
	for name, text := range map[string]string{"array": list, "object": `{"clients":` + list + `}`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			entries, err := ParseImport([]byte(text), Policy{DefaultScopes: []string{"openid"}})
			if err != nil {
				t.Fatal(err)
			}
			want := []ImportEntry{
				{ClientID: "shop", ClientSecret: "a secret somebody chose", Metadata: Metadata{
					ApplicationType: "web", RedirectURIs: []string{"https://shop.example/cb"},
					GrantTypes: []string{"authorization_code"}, ResponseTypes: []string{"code"}, Scope: "openid admin",
					TokenEndpointAuthMethod: "client_secret_basic", SubjectType: "public", IDTokenSignedResponseAlg: "RS256",
					SkipConsent: true,
				}},
				{Metadata: Metadata{
					ApplicationType: "web", GrantTypes: []string{"client_credentials"}, Scope: "openid",
					TokenEndpointAuthMethod: "client_secret_basic", SubjectType: "public", IDTokenSignedResponseAlg: "RS256",
				}, Warnings: []string{"redirect_uri is not understood and was ignored"}},
			}
			if diff := cmp.Diff(want, entries); diff != "" {
				t.Errorf("entries differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseImportAcceptsOneClient(t *testing.T) {
	t.Parallel()

	for _, text := range []string{`{"client_id":"shop","grant_types":["client_credentials"]}`, `{"grant_types":["client_credentials"]}`} {
		entries, err := ParseImport([]byte(text), Policy{})
		if err != nil || len(entries) != 1 || !entries[0].Metadata.UsesSecret() {
			t.Errorf("ParseImport(%s) = %+v, %v, want the one client", text, entries, err)
		}
	}
}

func TestParseImportReportsEveryFault(t *testing.T) {
	t.Parallel()

	_, err := ParseImport([]byte(`[
		{"client_id":"one","redirect_uris":["javascript:alert(1)"],"subject_type":"cat"},
		{"client_id":"one","redirect_uris":["https://rp.example/cb"],"client_secret":"short"},
		{"client_id":"a b","redirect_uris":["https://rp.example/cb"]},
		7,
		{"client_id":7,"redirect_uris":["https://rp.example/cb"]}
	]`), Policy{})
	if err == nil {
		t.Fatal("err = nil, want all the faults")
	}
	for _, want := range []string{
		`entry 1 ("one"): redirect_uris item 1 `,
		`entry 1 ("one"): subject_type must be one of public`,
		`entry 2 ("one"): client_secret must be`,
		`entry 2 ("one"): client_id is already used in entry 1`,
		`entry 3 ("a b"): client_id must be`,
		`entry 4: must be a JSON object`,
		`entry 5: client_id must be a string`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("err lacks %q:\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), "short") {
		t.Errorf("err holds a secret:\n%v", err)
	}
}

func TestParseImportRejectsOtherJSON(t *testing.T) {
	t.Parallel()

	for _, text := range []string{``, `null`, `{}`, `{"clients":null}`, `{"clients":{}}`, `"x"`, `[{]`} {
		if entries, err := ParseImport([]byte(text), Policy{}); err == nil {
			t.Errorf("ParseImport(%q) = %v, want an error", text, entries)
		}
	}
}

func TestParseImportDropsUnusableSecretWithWarning(t *testing.T) {
	t.Parallel()

	entries, err := ParseImport([]byte(`[{"client_secret":"0123456789","token_endpoint_auth_method":"none","redirect_uris":["https://a.example"]}]`), Policy{})
	if err != nil {
		t.Fatal(err)
	}
	if entries[0].ClientSecret != "" || len(entries[0].Warnings) != 1 {
		t.Errorf("entry = %+v, want no secret and a warning", entries[0])
	}
}
