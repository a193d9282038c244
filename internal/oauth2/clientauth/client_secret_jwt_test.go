package clientauth_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

func TestClientSecretJWT(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, map[string]string{"rate_limits": "off"})
		const mine = "my-own-secret-my-own-secret-my-own"
		entry := `[{"client_id": "mac", "client_secret": "` + mine + `", "token_endpoint_auth_method": "client_secret_jwt",
			"grant_types": ["client_credentials"], "scope": "api"}]`
		for range 2 { // the second time nothing changes
			if _, _, err := s.ImportClients([]byte(entry)); err != nil {
				t.Fatal(err)
			}
			s.Advance(time.Minute)
		}
		kept, err := db.Clients.Client(t.Context(), "mac")
		if err != nil || !kept.Secret.IsSealed() || strings.Contains(string(kept.Secret), mine) || kept.Version != 1 {
			t.Errorf("kept %q in version %d (%v), want it sealed once", kept.Secret, kept.Version, err)
		}
		newForm := func() url.Values { return url.Values{"grant_type": {"client_credentials"}} }
		p := s.PostForm("/oauth2/token", servertest.SecretJWTForm(s, "mac", mine, jose.HS256, newForm()))
		if p.Status != http.StatusOK {
			t.Fatalf("token: %d %s", p.Status, p.Body)
		}
		token := servertest.Text(p.JSON(t)["access_token"])
		introspected := s.PostForm("/oauth2/introspect", servertest.SecretJWTForm(s, "mac", mine, jose.HS256, url.Values{"token": {token}}))
		if introspected.JSON(t)["active"] != true {
			t.Errorf("introspection: %d %s", introspected.Status, introspected.Body)
		}
		if p := s.PostForm("/oauth2/revoke", servertest.SecretJWTForm(s, "mac", mine, jose.HS256, url.Values{"token": {token}})); p.Status != http.StatusOK || s.IsActive(token) {
			t.Errorf("revocation: %d %s", p.Status, p.Body)
		}
		servertest.WantError(t, s.PostForm("/oauth2/token", servertest.SecretJWTForm(s, "mac", mine+"x", jose.HS256, newForm())), 401, "invalid_client")
		sent := newForm()
		sent.Set("client_id", "mac")
		sent.Set("client_secret", mine)
		servertest.WantError(t, s.PostForm("/oauth2/token", sent), 401, "invalid_client")
		reused := servertest.SecretJWTForm(s, "mac", mine, jose.HS256, newForm())
		s.PostForm("/oauth2/token", reused)
		servertest.WantError(t, s.PostForm("/oauth2/token", reused), 401, "invalid_client")
	})
}

// Libraries name the issuer or the endpoint that they call as the audience of their
// assertions, alone or in a list. zitadel/oidc and Authlib make assertions of an hour.
func TestClientAssertionAudienceAndAge(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]int{"baseline": http.StatusOK, "issuer": http.StatusUnauthorized} {
		s := servertest.Start(t, storetest.New(t), map[string]string{"client_assertion_audience": setting, "rate_limits": "off"})
		const mine = "my-own-secret-my-own-secret-my-own"
		entry := `[{"client_id": "mac", "client_secret": "` + mine + `", "token_endpoint_auth_method": "client_secret_jwt", "grant_types": ["client_credentials"]}]`
		if _, _, err := s.ImportClients([]byte(entry)); err != nil {
			t.Fatal(err)
		}
		s.Advance(time.Minute)
		token := func(others map[string]any) servertest.Response {
			return s.PostForm("/oauth2/token", servertest.SecretJWTFormWith(s, "mac", mine, jose.HS256, url.Values{"grant_type": {"client_credentials"}}, others))
		}
		for _, aud := range []any{s.URL, []string{s.URL}} {
			if p := token(map[string]any{"aud": aud}); p.Status != http.StatusOK {
				t.Errorf("%s: aud %v: %d %s", setting, aud, p.Status, p.Body)
			}
		}
		for _, path := range []string{"/oauth2/token", "/oauth2/introspect", "/oauth2/revoke", "/oauth2/device/auth"} {
			for _, aud := range []any{s.URL + path, []string{s.URL + path}, []string{s.URL, s.URL + path}} {
				if p := token(map[string]any{"aud": aud}); p.Status != want {
					t.Errorf("%s: aud %v: %d %s, want %d", setting, aud, p.Status, p.Body, want)
				}
			}
		}
		for _, aud := range []any{s.URL + "/userinfo", []string{s.URL, "https://other.example"}, "https://other.example/oauth2/token", []string{}} {
			servertest.WantError(t, token(map[string]any{"aud": aud}), http.StatusUnauthorized, "invalid_client")
		}
		ago := func(issued time.Duration) map[string]any {
			at := s.Time().Add(-issued)
			return map[string]any{"iat": at.Unix(), "exp": at.Add(time.Hour).Unix()}
		}
		if p := token(ago(4 * time.Minute)); p.Status != http.StatusOK {
			t.Errorf("%s: an assertion of an hour: %d %s", setting, p.Status, p.Body)
		}
		servertest.WantError(t, token(ago(5*time.Minute)), http.StatusUnauthorized, "invalid_client")
	}
}

func TestChangeOfAuthenticationMethod(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, map[string]string{"rate_limits": "off"})
		metadata := func(method, alg, secret string) map[string]any {
			m := map[string]any{"grant_types": []string{"client_credentials"}, "token_endpoint_auth_method": method}
			if alg != "" {
				m["token_endpoint_auth_signing_alg"] = alg
			}
			if secret != "" {
				m["client_secret"] = secret
			}
			return m
		}
		newForm := func() url.Values { return url.Values{"grant_type": {"client_credentials"}} }
		passes := func(p servertest.Response, want bool, what string) {
			t.Helper()
			if got := p.Status == http.StatusOK; got != want {
				t.Errorf("%s: %d %s, want to pass: %t", what, p.Status, p.Body, want)
			}
		}

		told := servertest.SendClientMetadata(t, s, http.MethodPost, "/oauth2/register", nil, metadata("client_secret_jwt", "HS512", ""), http.StatusCreated)
		id, secret := servertest.Text(told["client_id"]), servertest.Text(told["client_secret"])
		passes(s.PostForm("/oauth2/token", servertest.SecretJWTForm(s, id, secret, jose.HS512, newForm())), true, "as registered")
		passes(s.PostForm("/oauth2/token", servertest.SecretJWTForm(s, id, secret, jose.HS256, newForm())), false, "under another algorithm")

		path := "/oauth2/register/" + id
		told = servertest.SendClientMetadata(t, s, http.MethodPut, path, told["registration_access_token"], metadata("client_secret_post", "", ""), http.StatusOK)
		s.Advance(time.Minute)
		form := newForm()
		form.Set("client_id", id)
		form.Set("client_secret", secret)
		passes(s.PostForm("/oauth2/token", form), true, "the same secret, sent")
		passes(s.PostForm("/oauth2/token", servertest.SecretJWTForm(s, id, secret, jose.HS512, newForm())), false, "signed where it is sent")
		if told["client_secret"] != nil {
			t.Error("the secret changed although it was known")
		}

		// A hashed secret cannot sign: the server issues a new one, unless the client sends the
		// secret.
		again := servertest.SendClientMetadata(t, s, http.MethodPut, path, told["registration_access_token"], metadata("client_secret_jwt", "", secret), http.StatusOK)
		s.Advance(time.Minute)
		if again["client_secret"] != nil {
			t.Error("a secret that the client brought was replaced")
		}
		passes(s.PostForm("/oauth2/token", servertest.SecretJWTForm(s, id, secret, jose.HS256, newForm())), true, "the secret it brought")
		back := servertest.SendClientMetadata(t, s, http.MethodPut, path, again["registration_access_token"], metadata("client_secret_basic", "", ""), http.StatusOK)
		switched := servertest.SendClientMetadata(t, s, http.MethodPut, path, back["registration_access_token"], metadata("client_secret_jwt", "", ""), http.StatusOK)
		s.Advance(time.Minute)
		made := servertest.Text(switched["client_secret"])
		if made == "" || made == secret {
			t.Fatalf("the new secret is %q", made)
		}
		passes(s.PostForm("/oauth2/token", servertest.SecretJWTForm(s, id, made, jose.HS256, newForm())), true, "the new secret")
		passes(s.PostForm("/oauth2/token", servertest.SecretJWTForm(s, id, secret, jose.HS256, newForm())), false, "the old secret")
	})
}
