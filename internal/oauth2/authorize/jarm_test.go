package authorize_test

import (
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// responseOf returns the parameters of a response, which is a form for form_post, and where they are.
func responseOf(t *testing.T, p servertest.Response) (where string, got url.Values) {
	t.Helper()
	where, got = servertest.AuthorizationResponse(t, p)
	if len(got) != 1 || got.Get("response") == "" {
		t.Fatalf("the response in the %s has %v, want only the parameter response", where, got)
	}
	return where, got
}

// A response is one signed JWT, at the place that the mode names, with every parameter inside.
//
// Spec: JWT Secured Authorization Response Mode §2.1, §2.3.
func TestResponsesAsJWT(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, servertest.LegacySettings())
		s.ImportClient(servertest.LegacyClient("legacy", `, "authorization_signed_response_alg": "ES256"`))
		for name, tc := range map[string]struct {
			changes []string
			where   string
			alg     jose.SignatureAlgorithm
			members []string
		}{
			"jwt":                {[]string{"response_mode", "jwt"}, "query", jose.RS256, []string{"code", "state"}},
			"query.jwt":          {[]string{"response_mode", "query.jwt"}, "query", jose.RS256, []string{"code", "state"}},
			"fragment.jwt":       {[]string{"response_mode", "fragment.jwt"}, "fragment", jose.RS256, []string{"code", "state"}},
			"form_post.jwt":      {[]string{"response_mode", "form_post.jwt"}, "form", jose.RS256, []string{"code", "state"}},
			"jwt of an ID token": {[]string{"response_mode", "jwt", "client_id", "legacy", "response_type", "code id_token"}, "fragment", jose.ES256, []string{"code", "id_token", "state"}},
			"an error":           {[]string{"response_mode", "jwt", "prompt", "none"}, "query", jose.RS256, []string{"error", "error_description", "state"}},
			"an error of a mode": {[]string{"response_mode", "jwt", "prompt", "unknown"}, "query", jose.RS256, []string{"error", "error_description", "state"}},
		} {
			form := servertest.AuthorizationRequest(tc.changes...)
			where, got := responseOf(t, s.NewBrowser().Authorize(form))
			header, claims := servertest.VerifyJWT(t, s, got.Get("response"), tc.alg)
			if where != tc.where || header.ExtraHeaders["typ"] != "JWT" && header.ExtraHeaders["typ"] != nil {
				t.Errorf("%s: in the %s, want the %s", name, where, tc.where)
			}
			for _, member := range tc.members {
				if servertest.Text(claims[member]) == "" {
					t.Errorf("%s: %v lacks %s", name, claims, member)
				}
			}
			servertest.WantMembers(t, claims, servertest.Object{
				"iss": s.URL, "aud": form.Get("client_id"), "exp": float64(s.Time().Unix() + 600), "state": "a state",
			})
		}
		code := func() string {
			_, got := responseOf(t, s.NewBrowser().Authorize(servertest.AuthorizationRequest("response_mode", "jwt")))
			_, claims := servertest.VerifyJWT(t, s, got.Get("response"), jose.RS256)
			return servertest.Text(claims["code"])
		}()
		if p := s.PostForm("/oauth2/token", servertest.CodeExchange(code)); p.Status != http.StatusOK {
			t.Errorf("the code of a JWT: %d %s", p.Status, p.Body)
		}
	})
}

// Spec: JWT Secured Authorization Response Mode §2.3.1; OAuth 2.0 Multiple Response Types §3.
func TestTokensAreNotInTheQueryAsJWT(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), servertest.LegacySettings())
	s.ImportClient(servertest.LegacyClient("legacy", ""))
	form := servertest.AuthorizationRequest("client_id", "legacy", "response_type", "code id_token", "response_mode", "query.jwt")
	_, got := responseOf(t, s.NewBrowser().Authorize(form))
	if _, claims := servertest.VerifyJWT(t, s, got.Get("response"), jose.RS256); claims["error"] != "invalid_request" {
		t.Errorf("response %v, want invalid_request", claims)
	}
	for _, mode := range []string{"web_message.jwt", ".jwt.jwt", "JWT"} {
		p := s.NewBrowser().Authorize(servertest.AuthorizationRequest("response_mode", mode))
		if p.Location().Query().Get("error") != "invalid_request" {
			t.Errorf("%s: %d to %q", mode, p.Status, p.Header.Get("Location"))
		}
	}
}

// Spec: JWT Secured Authorization Response Mode §2.2, §3.
func TestResponsesAsEncryptedJWT(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	servertest.ImportClientObject(s, servertest.Object{
		"client_id": "sealed", "client_secret": servertest.OtherSecret, "redirect_uris": []string{servertest.RedirectURI}, "scope": "openid", "skip_consent": true,
		"authorization_signed_response_alg": "PS256", "authorization_encrypted_response_alg": "RSA-OAEP-256", "authorization_encrypted_response_enc": "A256GCM",
		"jwks": jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "e", Use: "enc"}}},
	})
	_, got := responseOf(t, s.NewBrowser().Authorize(servertest.AuthorizationRequest("client_id", "sealed", "scope", "openid", "response_mode", "jwt")))
	sealed, err := jose.ParseEncryptedCompact(got.Get("response"), []jose.KeyAlgorithm{jose.RSA_OAEP_256}, []jose.ContentEncryption{jose.A256GCM})
	if err != nil {
		t.Fatal(err)
	}
	signed, err := sealed.Decrypt(key)
	if err != nil {
		t.Fatal(err)
	}
	if _, claims := servertest.VerifyJWT(t, s, string(signed), jose.PS256); !strings.HasPrefix(servertest.Text(claims["code"]), "ost_ac_") {
		t.Errorf("response %v has no code", claims)
	}
}
