package token_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

func TestCodeIsRedeemedOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, nil)
		code := s.NewBrowser().Code(servertest.AuthorizationRequest())
		got := s.ExchangeCode(code)
		if got["token_type"] != "Bearer" || got["expires_in"] != 600.0 || got["scope"] != "openid offline_access api" {
			t.Errorf("token answer = %v", got)
		}
		id := servertest.Claims(t, got["id_token"])
		if id["iss"] != s.URL || id["aud"] != "web" || id["nonce"] != "a nonce" || id["auth_time"] == nil || id["acr"] == nil || id["at_hash"] == nil || id["sid"] == nil {
			t.Errorf("ID token = %v", id)
		}
		access := servertest.Claims(t, got["access_token"])
		if access["client_id"] != "web" || access["sub"] != id["sub"] || access["jti"] == nil || access["scope"] != got["scope"] {
			t.Errorf("access token = %v", access)
		}
		info := s.Userinfo(got["access_token"])
		if info.Status != http.StatusOK || info.JSON(t)["sub"] != id["sub"] {
			t.Errorf("userinfo: %d %s", info.Status, info.Body)
		}

		s.Advance(3 * time.Second)
		servertest.WantError(t, s.PostForm("/oauth2/token", servertest.CodeExchange(code)), 400, "invalid_grant")
		if s.IsActive(got["access_token"]) || s.IsActive(got["refresh_token"]) {
			t.Error("tokens live on after their code came a second time")
		}
		if info := s.Userinfo(got["access_token"]); info.Status != http.StatusUnauthorized {
			t.Errorf("userinfo after reuse: %d", info.Status)
		}
	})
}

// A second use of a code revokes the grant, except for a double submit within a second with
// the right verifier.
func TestCodeDoubleSubmit(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		wait   time.Duration
		change []string
		alive  bool
	}{
		"the same request at once":      {0, nil, true},
		"the same request in a second":  {time.Second, nil, true},
		"the same request later":        {time.Second + time.Millisecond, nil, false},
		"another verifier at once":      {0, []string{"code_verifier", strings.Repeat("x", 43)}, false},
		"no verifier at once":           {0, []string{"code_verifier", ""}, false},
		"another redirect URI at once":  {0, []string{"redirect_uri", "https://client.example/other"}, false},
		"another client, at once":       {0, []string{"client_id", "post", "client_secret", "post-secret-post-secret-post-sec"}, true},
		"another client, much later on": {time.Minute, []string{"client_id", "post", "client_secret", "post-secret-post-secret-post-sec"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := servertest.Start(t, storetest.New(t), nil)
			code := s.NewBrowser().Code(servertest.AuthorizationRequest())
			got := s.ExchangeCode(code)
			s.Advance(tc.wait)
			servertest.WantError(t, s.PostForm("/oauth2/token", servertest.CodeExchange(code, tc.change...)), 400, "invalid_grant")
			if alive := s.IsActive(got["access_token"]); alive != tc.alive {
				t.Errorf("the first tokens are active: %v, want %v", alive, tc.alive)
			}
		})
	}
}

// Any failed exchange uses up the code, so that a second attempt cannot omit the verifier.
func TestFailedExchangeRedeemsCode(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	b := s.NewBrowser()
	for name, change := range map[string][]string{
		"wrong verifier":          {"code_verifier", strings.Repeat("x", 43)},
		"missing verifier":        {"code_verifier", ""},
		"challenge as verifier":   {"code_verifier", servertest.CodeChallenge(servertest.CodeVerifier)},
		"another redirect URI":    {"redirect_uri", "https://client.example/other"},
		"redirect URI left out":   {"redirect_uri", ""},
		"redirect URI less query": {"redirect_uri", "https://client.example/callback"},
	} {
		code := b.Code(servertest.AuthorizationRequest())
		servertest.WantError(t, s.PostForm("/oauth2/token", servertest.CodeExchange(code, change...)), 400, "invalid_grant")
		if p := s.PostForm("/oauth2/token", servertest.CodeExchange(code)); p.Status != http.StatusBadRequest {
			t.Errorf("after %s the code still gives %d %s", name, p.Status, p.Body)
		}
	}
}

func TestCodeOfAnotherClientStaysValid(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	code := s.NewBrowser().Code(servertest.AuthorizationRequest())
	other := servertest.CodeExchange(code, "client_id", "post", "client_secret", "post-secret-post-secret-post-sec")
	servertest.WantError(t, s.PostForm("/oauth2/token", other), 400, "invalid_grant")
	s.ExchangeCode(code) // still valid for its own client
}

func TestCodeExpiresAfterOneMinute(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	code := s.NewBrowser().Code(servertest.AuthorizationRequest())
	s.Advance(time.Minute)
	servertest.WantError(t, s.PostForm("/oauth2/token", servertest.CodeExchange(code)), 400, "invalid_grant")
}

func TestPKCECannotBeAddedAtExchange(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	code := s.NewBrowser().Code(servertest.AuthorizationRequest("code_challenge", "", "code_challenge_method", ""))
	servertest.WantError(t, s.PostForm("/oauth2/token", servertest.CodeExchange(code)), 400, "invalid_grant")

	code = s.NewBrowser().Code(servertest.AuthorizationRequest("code_challenge", "", "code_challenge_method", ""))
	if p := s.PostForm("/oauth2/token", servertest.CodeExchange(code, "code_verifier", "")); p.Status != http.StatusOK {
		t.Errorf("a confidential client without PKCE: %d %s", p.Status, p.Body)
	}
}

func TestRefreshTokenRotation(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, nil)
		first := s.ExchangeCode(s.NewBrowser().Code(servertest.AuthorizationRequest()))
		p := s.Refresh(first["refresh_token"])
		if p.Status != http.StatusOK {
			t.Fatalf("refresh: %d %s", p.Status, p.Body)
		}
		second := p.JSON(t)
		if second["refresh_token"] == first["refresh_token"] || second["access_token"] == first["access_token"] {
			t.Error("refresh gave the same tokens again")
		}
		before, after := servertest.Claims(t, first["id_token"]), servertest.Claims(t, second["id_token"])
		if after["nonce"] != nil || after["sub"] != before["sub"] || after["auth_time"] != before["auth_time"] {
			t.Errorf("refreshed ID token = %v, first = %v", after, before)
		}

		// Within the grace window the previous token gets the same successor again.
		s.Advance(10 * time.Second)
		if p := s.Refresh(first["refresh_token"]); p.Status != http.StatusOK || p.JSON(t)["refresh_token"] != second["refresh_token"] {
			t.Errorf("a repeat within the grace window: %d %s", p.Status, p.Body)
		}
		if !s.IsActive(second["refresh_token"]) || s.IsActive(first["refresh_token"]) {
			t.Error("only the current refresh token may be active")
		}

		// After the grace period, a second use revokes the grant.
		s.Advance(time.Millisecond)
		servertest.WantError(t, s.Refresh(first["refresh_token"]), 400, "invalid_grant")
		servertest.WantError(t, s.Refresh(second["refresh_token"]), 400, "invalid_grant")
		if s.IsActive(second["access_token"]) || s.IsActive(first["access_token"]) {
			t.Error("access tokens live on after a refresh token came twice")
		}
	})
}

func TestStaleRefreshTokenRevokesGrant(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	first := s.ExchangeCode(s.NewBrowser().Code(servertest.AuthorizationRequest()))
	second := s.Refresh(first["refresh_token"]).JSON(t)
	third := s.Refresh(second["refresh_token"]).JSON(t)
	servertest.WantError(t, s.Refresh(first["refresh_token"]), 400, "invalid_grant")
	if s.IsActive(third["access_token"]) {
		t.Error("the grant lives on after an old generation was used, grace window or not")
	}
}

func TestRefreshMayDownscope(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	first := s.ExchangeCode(s.NewBrowser().Code(servertest.AuthorizationRequest("resource", "https://api.example")))
	servertest.WantError(t, s.Refresh(first["refresh_token"], "scope", "openid profile"), 400, "invalid_scope")
	servertest.WantError(t, s.Refresh(first["refresh_token"], "resource", "https://other.example"), 400, "invalid_target")

	p := s.Refresh(first["refresh_token"], "scope", "api")
	got := p.JSON(t)
	if p.Status != http.StatusOK || got["scope"] != "api" || got["id_token"] != nil {
		t.Fatalf("narrowed refresh: %d %s", p.Status, p.Body)
	}
	servertest.WantError(t, s.Userinfo(got["access_token"]), http.StatusUnauthorized, "invalid_token") // the audience is only the resource
	if again := s.Refresh(got["refresh_token"]).JSON(t); again["scope"] != first["scope"] {
		t.Errorf("the next refresh without scope gives %v, want all of %v", again["scope"], first["scope"])
	}
}

func TestRefreshTokenExpiry(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), map[string]string{"refresh_idle_lifetime": "10d", "refresh_absolute_lifetime": "25d"})
	got := s.ExchangeCode(s.NewBrowser().Code(servertest.AuthorizationRequest()))
	for day := 9; day <= 18; day += 9 {
		s.Advance(9 * 24 * time.Hour)
		p := s.Refresh(got["refresh_token"])
		if p.Status != http.StatusOK {
			t.Fatalf("refresh on day %d: %d %s", day, p.Status, p.Body)
		}
		got = p.JSON(t)
	}
	s.Advance(8 * 24 * time.Hour) // day 26: used often enough, but too old
	servertest.WantError(t, s.Refresh(got["refresh_token"]), 400, "invalid_grant")

	idle := s.ExchangeCode(s.NewBrowser().Code(servertest.AuthorizationRequest()))
	s.Advance(10 * 24 * time.Hour)
	servertest.WantError(t, s.Refresh(idle["refresh_token"]), 400, "invalid_grant")
}

func TestClientCredentials(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	p := s.PostForm("/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "scope": {"api openid"}, "resource": {"https://api.example"}})
	got := p.JSON(t)
	if p.Status != http.StatusOK || got["scope"] != "api" || got["refresh_token"] != nil || got["id_token"] != nil {
		t.Fatalf("client credentials: %d %s", p.Status, p.Body)
	}
	if c := servertest.Claims(t, got["access_token"]); c["sub"] != "web" || c["aud"].([]any)[0] != "https://api.example" {
		t.Errorf("access token = %v", c)
	}
	if !s.IsActive(got["access_token"]) {
		t.Error("the token is not active")
	}
	if info := s.Userinfo(got["access_token"]); info.Status != http.StatusUnauthorized {
		t.Errorf("userinfo without a person: %d", info.Status)
	}
	servertest.WantError(t, s.PostForm("/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "scope": {"admin"}}), 400, "invalid_scope")
	servertest.WantError(t, s.PostForm("/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "resource": {"https://else.example"}}), 400, "invalid_target")
	servertest.WantError(t, s.PostForm("/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {"app"}}), 400, "unauthorized_client")

	s.Advance(time.Microsecond)
	if err := s.Store.Clients.EndClientTokens(t.Context(), "web", s.Time()); err != nil {
		t.Fatal(err)
	}
	if s.IsActive(got["access_token"]) {
		t.Error("the token is active after the client's tokens were ended")
	}
}

func TestOpaqueAccessTokens(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	p := s.PostForm("/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {"post"}, "client_secret": {"post-secret-post-secret-post-sec"}})
	token := servertest.Text(p.JSON(t)["access_token"])
	if !strings.HasPrefix(token, "ost_at_") {
		t.Fatalf("access token %q is not opaque", token)
	}
	if !s.IsActive(token) {
		t.Error("an operator's client does not see the token as active")
	}
	s.Advance(10 * time.Minute)
	if s.IsActive(token) {
		t.Error("the token is active after its end")
	}
}

func TestAccessTokensAreSignedAsConfigured(t *testing.T) {
	t.Parallel()
	for _, alg := range []string{"ES256", "RS256", "PS256", "EdDSA"} {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			s := servertest.Start(t, storetest.New(t), map[string]string{"access_token_alg": alg})
			token := servertest.Text(s.PostForm("/oauth2/token", url.Values{"grant_type": {"client_credentials"}}).JSON(t)["access_token"])
			encoded, _, _ := strings.Cut(token, ".")
			header, err := base64.RawURLEncoding.DecodeString(encoded)
			if err != nil || !strings.Contains(string(header), `"alg":"`+alg+`"`) {
				t.Errorf("the header is %s (%v), want alg %s", header, err, alg)
			}
			if !s.IsActive(token) {
				t.Error("the token is not active")
			}
		})
	}
}

func TestUnsupportedGrantTypes(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
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
		p := s.PostForm("/oauth2/token", url.Values{"grant_type": {grantType}, "username": {"ada"}, "password": {servertest.Password}})
		t.Run("grant type "+grantType, func(t *testing.T) { servertest.WantError(t, p, 400, want) })
	}
}
