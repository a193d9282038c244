package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/keyring"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// signedWith is a form in which the client id authenticates with client_secret_jwt.
func (s *server) signedWith(id, secret string, alg jose.SignatureAlgorithm, form url.Values) url.Values {
	s.tb.Helper()
	return s.signedSaying(id, secret, alg, form, nil)
}

// signedSaying is signedWith, with other claims.
func (s *server) signedSaying(id, secret string, alg jose.SignatureAlgorithm, form url.Values, others map[string]any) url.Values {
	s.tb.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: []byte(secret)}, nil)
	if err != nil {
		s.tb.Fatal(err)
	}
	said := map[string]any{
		"iss": id, "sub": id, "aud": s.url, "jti": strconv.FormatInt(time.Now().UnixNano(), 10), "exp": s.time().Add(time.Minute).Unix(),
	}
	maps.Copy(said, others)
	claims, err := json.Marshal(said)
	if err != nil {
		s.tb.Fatal(err)
	}
	signed, err := signer.Sign(claims)
	if err != nil {
		s.tb.Fatal(err)
	}
	compact, err := signed.CompactSerialize()
	if err != nil {
		s.tb.Fatal(err)
	}
	form.Set("client_id", id)
	form.Set("client_assertion", compact)
	form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	return form
}

func TestAClientThatSignsWithItsSecret(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := start(t, db, map[string]string{"rate_limits": "off"})
		const mine = "my-own-secret-my-own-secret-my-own"
		entry := `[{"client_id": "mac", "client_secret": "` + mine + `", "token_endpoint_auth_method": "client_secret_jwt",
			"grant_types": ["client_credentials"], "scope": "api"}]`
		for range 2 { // the second time nothing changes
			if _, _, err := importClients(t.Context(), s.config, s.store, s.hasher, []byte(entry)); err != nil {
				t.Fatal(err)
			}
			s.pass(time.Minute)
		}
		kept, err := db.Client(t.Context(), "mac")
		if err != nil || !kept.Secret.IsSealed() || strings.Contains(string(kept.Secret), mine) || kept.Version != 1 {
			t.Errorf("kept %q in version %d (%v), want it sealed once", kept.Secret, kept.Version, err)
		}
		asks := func() url.Values { return url.Values{"grant_type": {"client_credentials"}} }
		p := s.call("/oauth2/token", s.signedWith("mac", mine, jose.HS256, asks()))
		if p.status != http.StatusOK {
			t.Fatalf("token: %d %s", p.status, p.body)
		}
		token := text(p.json(t)["access_token"])
		introspected := s.call("/oauth2/introspect", s.signedWith("mac", mine, jose.HS256, url.Values{"token": {token}}))
		if introspected.json(t)["active"] != true {
			t.Errorf("introspection: %d %s", introspected.status, introspected.body)
		}
		if p := s.call("/oauth2/revoke", s.signedWith("mac", mine, jose.HS256, url.Values{"token": {token}})); p.status != http.StatusOK || s.active(token) {
			t.Errorf("revocation: %d %s", p.status, p.body)
		}
		wantError(t, s.call("/oauth2/token", s.signedWith("mac", mine+"x", jose.HS256, asks())), 401, "invalid_client")
		sent := asks()
		sent.Set("client_id", "mac")
		sent.Set("client_secret", mine)
		wantError(t, s.call("/oauth2/token", sent), 401, "invalid_client")
		reused := s.signedWith("mac", mine, jose.HS256, asks())
		s.call("/oauth2/token", reused)
		wantError(t, s.call("/oauth2/token", reused), 401, "invalid_client")
	})
}

// Libraries name the issuer or the endpoint that they call as the audience of their
// assertions, alone or in a list. zitadel/oidc and Authlib make assertions of an hour.
func TestAudiencesAndAgesOfAssertions(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]int{"baseline": http.StatusOK, "issuer": http.StatusUnauthorized} {
		s := start(t, storetest.New(t), map[string]string{"client_assertion_audience": setting, "rate_limits": "off"})
		const mine = "my-own-secret-my-own-secret-my-own"
		entry := `[{"client_id": "mac", "client_secret": "` + mine + `", "token_endpoint_auth_method": "client_secret_jwt", "grant_types": ["client_credentials"]}]`
		if _, _, err := importClients(t.Context(), s.config, s.store, s.hasher, []byte(entry)); err != nil {
			t.Fatal(err)
		}
		s.pass(time.Minute)
		token := func(others map[string]any) reply {
			return s.call("/oauth2/token", s.signedSaying("mac", mine, jose.HS256, url.Values{"grant_type": {"client_credentials"}}, others))
		}
		for _, aud := range []any{s.url, []string{s.url}} {
			if p := token(map[string]any{"aud": aud}); p.status != http.StatusOK {
				t.Errorf("%s: aud %v: %d %s", setting, aud, p.status, p.body)
			}
		}
		for _, path := range []string{"/oauth2/token", "/oauth2/introspect", "/oauth2/revoke", "/oauth2/device/auth"} {
			for _, aud := range []any{s.url + path, []string{s.url + path}, []string{s.url, s.url + path}} {
				if p := token(map[string]any{"aud": aud}); p.status != want {
					t.Errorf("%s: aud %v: %d %s, want %d", setting, aud, p.status, p.body, want)
				}
			}
		}
		for _, aud := range []any{s.url + "/userinfo", []string{s.url, "https://other.example"}, "https://other.example/oauth2/token", []string{}} {
			wantError(t, token(map[string]any{"aud": aud}), http.StatusUnauthorized, "invalid_client")
		}
		ago := func(issued time.Duration) map[string]any {
			at := s.time().Add(-issued)
			return map[string]any{"iat": at.Unix(), "exp": at.Add(time.Hour).Unix()}
		}
		if p := token(ago(4 * time.Minute)); p.status != http.StatusOK {
			t.Errorf("%s: an assertion of an hour: %d %s", setting, p.status, p.body)
		}
		wantError(t, token(ago(5*time.Minute)), http.StatusUnauthorized, "invalid_client")
	}
}

// registered sends metadata to where a client is managed, and returns what it is
// told.
func (s *server) registered(t *testing.T, method, path string, token any, metadata map[string]any, status int) map[string]any {
	t.Helper()
	body, err := json.Marshal(metadata)
	if err != nil {
		t.Fatal(err)
	}
	p := s.send(t, method, path, text(token), string(body))
	if p.status != status {
		t.Fatalf("%s %s: %d %s, want %d", method, path, p.status, p.body, status)
	}
	return p.json(t)
}

func TestAMethodIsChangedWithItsSecret(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := start(t, db, map[string]string{"rate_limits": "off"})
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
		asks := func() url.Values { return url.Values{"grant_type": {"client_credentials"}} }
		passes := func(p reply, want bool, what string) {
			t.Helper()
			if got := p.status == http.StatusOK; got != want {
				t.Errorf("%s: %d %s, want to pass: %t", what, p.status, p.body, want)
			}
		}

		told := s.registered(t, http.MethodPost, "/oauth2/register", nil, metadata("client_secret_jwt", "HS512", ""), http.StatusCreated)
		id, secret := text(told["client_id"]), text(told["client_secret"])
		passes(s.call("/oauth2/token", s.signedWith(id, secret, jose.HS512, asks())), true, "as registered")
		passes(s.call("/oauth2/token", s.signedWith(id, secret, jose.HS256, asks())), false, "under another algorithm")

		path := "/oauth2/register/" + id
		told = s.registered(t, http.MethodPut, path, told["registration_access_token"], metadata("client_secret_post", "", ""), http.StatusOK)
		s.pass(time.Minute)
		form := asks()
		form.Set("client_id", id)
		form.Set("client_secret", secret)
		passes(s.call("/oauth2/token", form), true, "the same secret, sent")
		passes(s.call("/oauth2/token", s.signedWith(id, secret, jose.HS512, asks())), false, "signed where it is sent")
		if told["client_secret"] != nil {
			t.Error("the secret changed although it was known")
		}

		// Kept as a hash, it cannot be signed with: there must be another, unless the
		// client brings it.
		again := s.registered(t, http.MethodPut, path, told["registration_access_token"], metadata("client_secret_jwt", "", secret), http.StatusOK)
		s.pass(time.Minute)
		if again["client_secret"] != nil {
			t.Error("a secret that the client brought was replaced")
		}
		passes(s.call("/oauth2/token", s.signedWith(id, secret, jose.HS256, asks())), true, "the secret it brought")
		back := s.registered(t, http.MethodPut, path, again["registration_access_token"], metadata("client_secret_basic", "", ""), http.StatusOK)
		anew := s.registered(t, http.MethodPut, path, back["registration_access_token"], metadata("client_secret_jwt", "", ""), http.StatusOK)
		s.pass(time.Minute)
		made := text(anew["client_secret"])
		if made == "" || made == secret {
			t.Fatalf("the new secret is %q", made)
		}
		passes(s.call("/oauth2/token", s.signedWith(id, made, jose.HS256, asks())), true, "the new secret")
		passes(s.call("/oauth2/token", s.signedWith(id, secret, jose.HS256, asks())), false, "the old secret")
	})
}

func TestSecretsToSignWithAreManagedByCommand(t *testing.T) {
	t.Parallel()
	sh := newShell(t)
	var made clientView
	sh.json(&made, "clients", "create", "--id=mac", "--grant-type=client_credentials", "--auth-method=client_secret_jwt")
	revealed := func(systemSecret string) string {
		t.Helper()
		c, err := sh.store().Client(t.Context(), "mac")
		if err != nil {
			t.Fatal(err)
		}
		secrets, err := keyring.New(systemSecret)
		if err != nil {
			t.Fatal(err)
		}
		secret, err := c.Secret.Reveal(secrets, "mac")
		if err != nil {
			t.Fatal(err)
		}
		return secret
	}
	if got := revealed(testSecret); len(got) < 64 || got != made.Secret {
		t.Errorf("kept %q, printed %q", got, made.Secret)
	}
	lacks(t, sh.must("clients", "get", "mac"), made.Secret, "sealed$")
	contains(t, sh.refused("clients", "create", "--grant-type=client_credentials", "--auth-method=client_secret_jwt", "--secret=short-one"), "at least 32")

	sh.must("clients", "update", "mac", "--auth-method=client_secret_basic")
	if !verifies(t, sh, "mac", made.Secret) {
		t.Error("on the way to another method the secret was lost")
	}
	var again clientView
	sh.json(&again, "clients", "update", "mac", "--auth-method=client_secret_jwt")
	if got := revealed(testSecret); got != again.Secret || got == made.Secret {
		t.Errorf("kept %q, printed %q", got, again.Secret)
	}

	// An old system secret can go when keys and secrets are sealed under the new.
	const other = "another system secret that is long enough"
	sh.settings = append(sh.settings, "--set=system_secrets="+other+","+testSecret)
	contains(t, sh.must("keys", "reseal"), "1 client secrets sealed anew")
	contains(t, sh.must("keys", "reseal"), "0 keys and 0 client secrets sealed anew")
	if got := revealed(other); got != again.Secret {
		t.Errorf("under the new system secret alone it is %q, want %q", got, again.Secret)
	}
}
