package main

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

func TestACodeIsExchangedOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := start(t, db, nil)
		code := s.browser().code(asking())
		got := s.tokens(code)
		if got["token_type"] != "Bearer" || got["expires_in"] != 600.0 || got["scope"] != "openid offline_access api" {
			t.Errorf("token answer = %v", got)
		}
		id := claims(t, got["id_token"])
		if id["iss"] != s.url || id["aud"] != "web" || id["nonce"] != "a nonce" || id["auth_time"] == nil || id["acr"] == nil || id["at_hash"] == nil || id["sid"] == nil {
			t.Errorf("ID token = %v", id)
		}
		access := claims(t, got["access_token"])
		if access["client_id"] != "web" || access["sub"] != id["sub"] || access["jti"] == nil || access["scope"] != got["scope"] {
			t.Errorf("access token = %v", access)
		}
		info := s.userinfo(got["access_token"])
		if info.status != http.StatusOK || info.json(t)["sub"] != id["sub"] {
			t.Errorf("userinfo: %d %s", info.status, info.body)
		}

		s.pass(3 * time.Second)
		wantError(t, s.call("/oauth2/token", exchanging(code)), 400, "invalid_grant")
		if s.active(got["access_token"]) || s.active(got["refresh_token"]) {
			t.Error("tokens live on after their code came a second time")
		}
		if info := s.userinfo(got["access_token"]); info.status != http.StatusUnauthorized {
			t.Errorf("userinfo after reuse: %d", info.status)
		}
	})
}

// A double submit within moments, with the right verifier, is no theft; anything
// else that repeats a code is.
func TestWhoMayRepeatACode(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		wait   time.Duration
		change []string
		alive  bool
	}{
		"the same request at once":      {0, nil, true},
		"the same request within 2 s":   {2 * time.Second, nil, true},
		"the same request later":        {2*time.Second + time.Millisecond, nil, false},
		"another verifier at once":      {0, []string{"code_verifier", strings.Repeat("x", 43)}, false},
		"no verifier at once":           {0, []string{"code_verifier", ""}, false},
		"another redirect URI at once":  {0, []string{"redirect_uri", "https://client.example/other"}, false},
		"another client, at once":       {0, []string{"client_id", "post", "client_secret", "post-secret-post-secret-post-sec"}, true},
		"another client, much later on": {time.Minute, []string{"client_id", "post", "client_secret", "post-secret-post-secret-post-sec"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, storetest.New(t), nil)
			code := s.browser().code(asking())
			got := s.tokens(code)
			s.pass(tc.wait)
			wantError(t, s.call("/oauth2/token", exchanging(code, tc.change...)), 400, "invalid_grant")
			if alive := s.active(got["access_token"]); alive != tc.alive {
				t.Errorf("the first tokens are active: %v, want %v", alive, tc.alive)
			}
		})
	}
}

// Whatever failed, the code is burned: no second try can leave the verifier out.
func TestAFailedExchangeBurnsTheCode(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), nil)
	b := s.browser()
	for name, change := range map[string][]string{
		"wrong verifier":          {"code_verifier", strings.Repeat("x", 43)},
		"missing verifier":        {"code_verifier", ""},
		"challenge as verifier":   {"code_verifier", challenge(testVerifier)},
		"another redirect URI":    {"redirect_uri", "https://client.example/other"},
		"redirect URI left out":   {"redirect_uri", ""},
		"redirect URI less query": {"redirect_uri", "https://client.example/callback"},
	} {
		code := b.code(asking())
		wantError(t, s.call("/oauth2/token", exchanging(code, change...)), 400, "invalid_grant")
		if p := s.call("/oauth2/token", exchanging(code)); p.status != http.StatusBadRequest {
			t.Errorf("after %s the code still gives %d %s", name, p.status, p.body)
		}
	}
}

func TestACodeOfAnotherClientIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), nil)
	code := s.browser().code(asking())
	other := exchanging(code, "client_id", "post", "client_secret", "post-secret-post-secret-post-sec")
	wantError(t, s.call("/oauth2/token", other), 400, "invalid_grant")
	s.tokens(code) // still good for whom it was made
}

func TestACodeEndsAfterAMinute(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), nil)
	code := s.browser().code(asking())
	s.pass(time.Minute)
	wantError(t, s.call("/oauth2/token", exchanging(code)), 400, "invalid_grant")
}

func TestPKCECannotBeBroughtAfterwards(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), nil)
	code := s.browser().code(asking("code_challenge", "", "code_challenge_method", ""))
	wantError(t, s.call("/oauth2/token", exchanging(code)), 400, "invalid_grant")

	code = s.browser().code(asking("code_challenge", "", "code_challenge_method", ""))
	if p := s.call("/oauth2/token", exchanging(code, "code_verifier", "")); p.status != http.StatusOK {
		t.Errorf("a confidential client without PKCE: %d %s", p.status, p.body)
	}
}

func TestRefreshTokensRotate(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := start(t, db, nil)
		first := s.tokens(s.browser().code(asking()))
		p := s.refresh(first["refresh_token"])
		if p.status != http.StatusOK {
			t.Fatalf("refresh: %d %s", p.status, p.body)
		}
		second := p.json(t)
		if second["refresh_token"] == first["refresh_token"] || second["access_token"] == first["access_token"] {
			t.Error("refresh gave the same tokens again")
		}
		before, after := claims(t, first["id_token"]), claims(t, second["id_token"])
		if after["nonce"] != nil || after["sub"] != before["sub"] || after["auth_time"] != before["auth_time"] {
			t.Errorf("refreshed ID token = %v, first = %v", after, before)
		}

		// Within the grace window the previous token gets the same successor again.
		s.pass(10 * time.Second)
		if p := s.refresh(first["refresh_token"]); p.status != http.StatusOK || p.json(t)["refresh_token"] != second["refresh_token"] {
			t.Errorf("a repeat within the grace window: %d %s", p.status, p.body)
		}
		if !s.active(second["refresh_token"]) || s.active(first["refresh_token"]) {
			t.Error("only the current refresh token may be active")
		}

		// After it, a repeat is taken for a theft.
		s.pass(time.Millisecond)
		wantError(t, s.refresh(first["refresh_token"]), 400, "invalid_grant")
		wantError(t, s.refresh(second["refresh_token"]), 400, "invalid_grant")
		if s.active(second["access_token"]) || s.active(first["access_token"]) {
			t.Error("access tokens live on after a refresh token came twice")
		}
	})
}

func TestARefreshTokenTwoGenerationsOldEndsTheGrant(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), nil)
	first := s.tokens(s.browser().code(asking()))
	second := s.refresh(first["refresh_token"]).json(t)
	third := s.refresh(second["refresh_token"]).json(t)
	wantError(t, s.refresh(first["refresh_token"]), 400, "invalid_grant")
	if s.active(third["access_token"]) {
		t.Error("the grant lives on after an old generation was used, grace window or not")
	}
}

func TestRefreshMayAskForLess(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), nil)
	first := s.tokens(s.browser().code(asking("resource", "https://api.example")))
	wantError(t, s.refresh(first["refresh_token"], "scope", "openid profile"), 400, "invalid_scope")
	wantError(t, s.refresh(first["refresh_token"], "resource", "https://other.example"), 400, "invalid_target")

	p := s.refresh(first["refresh_token"], "scope", "api")
	got := p.json(t)
	if p.status != http.StatusOK || got["scope"] != "api" || got["id_token"] != nil {
		t.Fatalf("narrowed refresh: %d %s", p.status, p.body)
	}
	wantError(t, s.userinfo(got["access_token"]), http.StatusUnauthorized, "invalid_token") // it is for the resource alone
	if again := s.refresh(got["refresh_token"]).json(t); again["scope"] != first["scope"] {
		t.Errorf("the next refresh without scope gives %v, want all of %v", again["scope"], first["scope"])
	}
}

func TestRefreshTokensEnd(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), map[string]string{"refresh_idle_lifetime": "10d", "refresh_absolute_lifetime": "25d"})
	got := s.tokens(s.browser().code(asking()))
	for day := 9; day <= 18; day += 9 {
		s.pass(9 * 24 * time.Hour)
		p := s.refresh(got["refresh_token"])
		if p.status != http.StatusOK {
			t.Fatalf("refresh on day %d: %d %s", day, p.status, p.body)
		}
		got = p.json(t)
	}
	s.pass(8 * 24 * time.Hour) // day 26: used often enough, but too old
	wantError(t, s.refresh(got["refresh_token"]), 400, "invalid_grant")

	idle := s.tokens(s.browser().code(asking()))
	s.pass(10 * 24 * time.Hour)
	wantError(t, s.refresh(idle["refresh_token"]), 400, "invalid_grant")
}

func TestClientCredentials(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), nil)
	p := s.call("/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "scope": {"api openid"}, "resource": {"https://api.example"}})
	got := p.json(t)
	if p.status != http.StatusOK || got["scope"] != "api" || got["refresh_token"] != nil || got["id_token"] != nil {
		t.Fatalf("client credentials: %d %s", p.status, p.body)
	}
	if c := claims(t, got["access_token"]); c["sub"] != "web" || c["aud"].([]any)[0] != "https://api.example" {
		t.Errorf("access token = %v", c)
	}
	if !s.active(got["access_token"]) {
		t.Error("the token is not active")
	}
	if info := s.userinfo(got["access_token"]); info.status != http.StatusUnauthorized {
		t.Errorf("userinfo without a person: %d", info.status)
	}
	wantError(t, s.call("/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "scope": {"admin"}}), 400, "invalid_scope")
	wantError(t, s.call("/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "resource": {"https://else.example"}}), 400, "invalid_target")
	wantError(t, s.call("/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {"app"}}), 400, "unauthorized_client")

	s.pass(time.Microsecond)
	if err := s.store.EndClientTokens(t.Context(), "web", s.time()); err != nil {
		t.Fatal(err)
	}
	if s.active(got["access_token"]) {
		t.Error("the token is active after the client's tokens were ended")
	}
}

func TestOpaqueAccessTokens(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), nil)
	p := s.call("/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {"post"}, "client_secret": {"post-secret-post-secret-post-sec"}})
	token := text(p.json(t)["access_token"])
	if !strings.HasPrefix(token, "ost_at_") {
		t.Fatalf("access token %q is not opaque", token)
	}
	if !s.active(token) {
		t.Error("an operator's client does not see the token as active")
	}
	s.pass(10 * time.Minute)
	if s.active(token) {
		t.Error("the token is active after its end")
	}
}

func TestAccessTokensAreSignedAsConfigured(t *testing.T) {
	t.Parallel()
	for _, alg := range []string{"ES256", "RS256", "PS256", "EdDSA"} {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			s := start(t, storetest.New(t), map[string]string{"access_token_alg": alg})
			token := text(s.call("/oauth2/token", url.Values{"grant_type": {"client_credentials"}}).json(t)["access_token"])
			encoded, _, _ := strings.Cut(token, ".")
			header, err := base64.RawURLEncoding.DecodeString(encoded)
			if err != nil || !strings.Contains(string(header), `"alg":"`+alg+`"`) {
				t.Errorf("the header is %s (%v), want alg %s", header, err, alg)
			}
			if !s.active(token) {
				t.Error("the token is not active")
			}
		})
	}
}

func TestGrantTypesThatAreNot(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), nil)
	for grantType, want := range map[string]string{
		"":                     "invalid_request",
		"password":             "unsupported_grant_type",
		"implicit":             "unsupported_grant_type",
		"AUTHORIZATION_CODE":   "unsupported_grant_type",
		"authorization_code x": "unsupported_grant_type",
		"authorization_code":   "invalid_request", // no code
		"refresh_token":        "invalid_request", // no token
		"urn:ietf:params:oauth:grant-type:device_code": "unauthorized_client",
		"urn:ietf:params:oauth:grant-type:ciba":        "unsupported_grant_type",
	} {
		p := s.call("/oauth2/token", url.Values{"grant_type": {grantType}, "username": {"ada"}, "password": {testPassword}})
		t.Run("grant type "+grantType, func(t *testing.T) { wantError(t, p, 400, want) })
	}
}
