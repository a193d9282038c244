package discovery_test

import (
	"crypto"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// Both well-known URLs return the same document (RFC 8414 §5).
func TestMetadataIsTheSameAtBothURLs(t *testing.T) {
	t.Parallel()
	b := servertest.Start(t, storetest.New(t), nil).NewBrowser()
	first, second := b.Get("/.well-known/openid-configuration"), b.Get("/.well-known/oauth-authorization-server")
	for _, p := range []servertest.Response{first, second} {
		if p.Status != http.StatusOK || p.Header.Get("Content-Type") != "application/json" {
			t.Errorf("answer %d of %s", p.Status, p.Header.Get("Content-Type"))
		}
	}
	if first.Body != second.Body || first.JSON(t)["issuer"] != b.Server.URL {
		t.Errorf("the documents differ, or name another issuer:\n%s\n%s", first.Body, second.Body)
	}
}

// The server supports everything that the metadata lists.
func TestDiscoveredFeaturesWork(t *testing.T) {
	t.Parallel()
	for registration, signUp := range map[string]string{"open": "on", "closed": "off"} {
		t.Run("registration "+registration, func(t *testing.T) {
			t.Parallel()
			settings := servertest.LegacySettings()
			settings["registration"], settings["sign_up"] = registration, signUp
			s := servertest.Start(t, storetest.New(t), settings)
			s.ImportClient(servertest.LegacyClient("legacy", ""))
			b := s.NewBrowser()
			document := b.Get("/.well-known/openid-configuration").JSON(t)
			for member, value := range document {
				if !strings.HasSuffix(member, "_endpoint") && member != "jwks_uri" {
					continue
				}
				address := servertest.Text(value)
				if p := b.Get(address); p.Status == http.StatusNotFound || !strings.HasPrefix(address, s.URL+"/") {
					t.Errorf("%s: %d at %s", member, p.Status, address)
				}
			}
			if got := document["registration_endpoint"] != nil; got != (registration == "open") {
				t.Errorf("registration_endpoint listed: %v", got)
			}
			if registration == "open" {
				tryListed(t, s, document)
			}
		})
	}
}

func tryListed(t *testing.T, s *servertest.Server, document map[string]any) {
	t.Helper()
	listed := func(member string) []string {
		var list []string
		for _, value := range document[member].([]any) {
			list = append(list, servertest.Text(value))
		}
		if len(list) == 0 {
			t.Errorf("%s is empty", member)
		}
		return list
	}
	b := s.NewBrowser()
	b.Code(servertest.AuthorizationRequest())
	answer := func(changes ...string) string {
		form := servertest.AuthorizationRequest(append([]string{"client_id", "legacy"}, changes...)...)
		p := b.Get("/oauth2/auth?" + form.Encode())
		if strings.HasPrefix(p.Header.Get("Location"), s.URL) {
			return "" // a page comes first
		}
		_, got := servertest.AuthorizationResponse(t, p)
		return got.Get("error")
	}
	for _, mode := range listed("response_modes_supported") {
		if got := answer("response_mode", mode); got != "" {
			t.Errorf("response_mode %s: %s", mode, got)
		}
	}
	for _, kind := range listed("response_types_supported") {
		if got := answer("response_type", kind); got != "" {
			t.Errorf("response_type %s: %s", kind, got)
		}
	}
	for _, prompt := range listed("prompt_values_supported") {
		if got := answer("prompt", prompt); got != "" {
			t.Errorf("prompt %s: %s", prompt, got)
		}
	}
	for _, method := range listed("code_challenge_methods_supported") {
		if got := answer("code_challenge_method", method); got != "" {
			t.Errorf("code_challenge_method %s: %s", method, got)
		}
	}
	for _, grantType := range listed("grant_types_supported") {
		if grantType == "implicit" { // of the response types above
			continue
		}
		p := s.PostForm("/oauth2/token", url.Values{"grant_type": {grantType}})
		if got := p.JSON(t)["error"]; got == "unsupported_grant_type" {
			t.Errorf("grant_type %s: %s", grantType, got)
		}
	}
	tryRegistering(t, s, "token_endpoint_auth_method", listed("token_endpoint_auth_methods_supported"))
	tryRegistering(t, s, "id_token_signed_response_alg", listed("id_token_signing_alg_values_supported"))
	tryRegistering(t, s, "userinfo_signed_response_alg", listed("userinfo_signing_alg_values_supported"))
	tryRegistering(t, s, "token_endpoint_auth_signing_alg", listed("token_endpoint_auth_signing_alg_values_supported"))
	for _, what := range []string{"id_token", "userinfo"} {
		tryRegistering(t, s, what+"_encrypted_response_alg", listed(what+"_encryption_alg_values_supported"))
		tryRegistering(t, s, what+"_encrypted_response_enc", listed(what+"_encryption_enc_values_supported"))
	}
	tryRegistering(t, s, "request_object_signing_alg", listed("request_object_signing_alg_values_supported"))
	tryRegistering(t, s, "subject_type", listed("subject_types_supported"))
}

func tryRegistering(t *testing.T, s *servertest.Server, member string, values []string) {
	t.Helper()
	for _, value := range values {
		metadata := map[string]any{
			"redirect_uris": []string{"https://a.example/cb"}, "jwks_uri": "https://a.example/keys", member: value,
		}
		if strings.HasPrefix(value, "HS") {
			metadata["token_endpoint_auth_method"] = "client_secret_jwt"
		}
		if pair, ok := strings.CutSuffix(member, "_enc"); ok {
			metadata[pair+"_alg"] = "RSA-OAEP"
		}
		body, err := json.Marshal(metadata)
		if err != nil {
			t.Fatal(err)
		}
		p := s.Call(t, http.MethodPost, "/connect/register", "", string(body))
		if p.Status != http.StatusCreated || p.JSON(t)[member] != value {
			t.Errorf("%s %s: %d %s", member, value, p.Status, p.Body)
		}
	}
}

// The published keys are public, named by their thumbprint, and there is one for
// each algorithm that discovery lists.
func TestPublishedKeysArePublicAndNamedByThumbprint(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	var algs []string
	for _, key := range servertest.PublishedKeys(t, s).Keys {
		thumbprint, err := key.Thumbprint(crypto.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		if want := base64.RawURLEncoding.EncodeToString(thumbprint); key.KeyID != want || !key.IsPublic() || key.Use != "sig" {
			t.Errorf("%s key %s: public %v, use %q, want the kid %s", key.Algorithm, key.KeyID, key.IsPublic(), key.Use, want)
		}
		algs = append(algs, key.Algorithm)
	}
	for _, alg := range s.NewBrowser().Get("/.well-known/openid-configuration").JSON(t)["id_token_signing_alg_values_supported"].([]any) {
		if !slices.Contains(algs, servertest.Text(alg)) {
			t.Errorf("no key for %s among %v", alg, algs)
		}
	}
}
