package tokens_test

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// Responses of the token endpoints must not be cached.
//
// Spec: RFC 6749 §5.1.
func TestTokenResponsesAreNotCached(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	good := s.PostForm("/oauth2/token", servertest.CodeExchange(s.NewBrowser().Code(servertest.AuthorizationRequest())))
	token := url.Values{"token": {servertest.Text(good.JSON(t)["access_token"])}}
	for name, p := range map[string]servertest.Response{
		"tokens":         good,
		"a refusal":      s.PostForm("/oauth2/token", url.Values{"grant_type": {"authorization_code"}, "code": {"x"}}),
		"no client":      s.PostForm("/oauth2/token", url.Values{"client_id": {"nobody"}}),
		"introspection":  s.PostForm("/oauth2/introspect", token),
		"userinfo":       s.Userinfo(token.Get("token")),
		"bad userinfo":   s.Userinfo("x"),
		"revocation":     s.PostForm("/oauth2/revoke", token),
		"bad revocation": s.PostForm("/oauth2/revoke", nil),
	} {
		if p.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d with Cache-Control %q", name, p.Status, p.Header.Get("Cache-Control"))
		}
		if p.Body != "" && p.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: Content-Type %q", name, p.Header.Get("Content-Type"))
		}
	}
}

// An ID token is signed with the algorithm that its client registered, and
// at_hash follows that algorithm (OpenID Connect Core section 3.1.3.6).
func TestIDTokensAreSignedAndHashedAsRegistered(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	half := func(sum []byte) string { return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2]) }
	b := s.NewBrowser()
	for _, alg := range []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA} {
		id := "signs-" + string(alg)
		s.ImportClient(`{"client_id": "` + id + `", "client_secret": "` + servertest.OtherSecret + `", "token_endpoint_auth_method": "client_secret_post",
			"redirect_uris": ["` + servertest.RedirectURI + `"], "grant_types": ["authorization_code", "refresh_token"], "scope": "openid offline_access",
			"id_token_signed_response_alg": "` + string(alg) + `", "skip_consent": true}`)
		as := []string{"client_id", id, "client_secret", servertest.OtherSecret}
		first := s.PostForm("/oauth2/token", servertest.CodeExchange(b.Code(servertest.AuthorizationRequest("client_id", id)), as...)).JSON(t)
		for name, got := range map[string]map[string]any{"first": first, "refreshed": s.Refresh(first["refresh_token"], as...).JSON(t)} {
			header, claims := servertest.VerifyJWT(t, s, got["id_token"], alg)
			if typ := header.ExtraHeaders[jose.HeaderType]; typ != "JWT" {
				t.Errorf("%s %s: typ %v", name, alg, typ)
			}
			access := []byte(servertest.Text(got["access_token"]))
			sum256, sum512 := sha256.Sum256(access), sha512.Sum512(access)
			want := half(sum256[:])
			if alg == jose.EdDSA {
				want = half(sum512[:])
			}
			if claims["at_hash"] != want {
				t.Errorf("%s %s: at_hash %v, want %s", name, alg, claims["at_hash"], want)
			}
			if claims["iss"] != s.URL || claims["aud"] != id || claims["exp"].(float64) != claims["iat"].(float64)+600 {
				t.Errorf("%s %s: %v", name, alg, claims)
			}
		}
	}
}

// Header and claims of an access token (RFC 9068 sections 2.1 to 2.2.3).
func TestAccessTokensFollowRFC9068(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	got := s.ExchangeCode(s.NewBrowser().Code(servertest.AuthorizationRequest("resource", "https://api.example")))
	header, claims := servertest.VerifyJWT(t, s, got["access_token"], jose.ES256)
	if typ := header.ExtraHeaders[jose.HeaderType]; typ != "at+jwt" {
		t.Errorf("typ %v, want at+jwt", typ)
	}
	id := claims["jti"]
	again, _ := s.Refresh(got["refresh_token"]).JSON(t)["access_token"].(string)
	if _, next := servertest.VerifyJWT(t, s, again, jose.ES256); id == nil || id == "" || next["jti"] == id {
		t.Errorf("jti %v, and then %v", id, next["jti"])
	}
	subject, now := verifiedSubject(t, s, got), float64(s.Time().Unix())
	delete(claims, "jti")
	delete(claims, "gid") // a private claim
	want := map[string]any{
		"iss": s.URL, "sub": subject, "client_id": "web", "scope": "openid offline_access api", "aud": []any{"https://api.example", s.URL},
		"iat": now, "exp": now + 600, "auth_time": now, "acr": "1", "amr": []any{"pwd"},
	}
	if diff := cmp.Diff(want, claims); diff != "" {
		t.Errorf("claims differ (-want +got):\n%s", diff)
	}

	// A token for client credentials has no claims of a user.
	own := s.PostForm("/oauth2/token", url.Values{"grant_type": {"client_credentials"}}).JSON(t)
	_, claims = servertest.VerifyJWT(t, s, own["access_token"], jose.ES256)
	if claims["sub"] != "web" || claims["auth_time"] != nil || claims["acr"] != nil || !slices.Equal(claims["aud"].([]any), []any{s.URL}) {
		t.Errorf("the client's own token: %v", claims)
	}
}

func verifiedSubject(t *testing.T, s *servertest.Server, tokens map[string]any) string {
	t.Helper()
	_, claims := servertest.VerifyJWT(t, s, tokens["id_token"], jose.ES256)
	return servertest.Text(claims["sub"])
}

// Without offline_access there is no refresh token, and without openid no ID
// token (OpenID Connect Core sections 3.1.2.1 and 11).
func TestScopesDecideIssuedTokens(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	b := s.NewBrowser()
	for scope, want := range map[string]struct {
		id, refresh bool
		granted     string
	}{
		"openid offline_access":     {true, true, "openid offline_access"},
		"openid api":                {true, false, "openid api"},
		"api offline_access":        {false, true, "api offline_access"},
		"api unheard-of api":        {false, false, "api"},
		"unheard-of":                {false, false, ""},
		"openid phone":              {true, false, "openid"}, // not the client's
		"offline_access openid api": {true, true, "offline_access openid api"},
	} {
		got := s.ExchangeCode(b.Code(servertest.AuthorizationRequest("scope", scope)))
		if id, refresh := got["id_token"] != nil, got["refresh_token"] != nil; id != want.id || refresh != want.refresh || got["scope"] != want.granted {
			t.Errorf("%q: ID token %v, refresh token %v, scope %q; want %+v", scope, id, refresh, got["scope"], want)
		}
	}
}

// The requested resources are the audience.
//
// Spec: RFC 8707 §2.
func TestResourcesBecomeTheAudience(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	b := s.NewBrowser()
	audience := func(token any) []any { return servertest.Claims(t, token)["aud"].([]any) }

	form := servertest.AuthorizationRequest()
	if got := audience(s.ExchangeCode(b.Code(form))["access_token"]); !slices.Equal(got, []any{s.URL}) {
		t.Errorf("audience %v without a resource, want ourselves", got)
	}
	form["resource"] = []string{"https://api.example", "https://other.example"}
	both := s.ExchangeCode(b.Code(form))
	if got := audience(both["access_token"]); !slices.Equal(got, []any{"https://api.example", "https://other.example", s.URL}) {
		t.Errorf("audience %v, want both resources and, for openid, ourselves", got)
	}
	less := s.Refresh(both["refresh_token"], "resource", "https://other.example").JSON(t)
	if got := audience(less["access_token"]); !slices.Equal(got, []any{"https://other.example", s.URL}) {
		t.Errorf("audience %v, want the one resource asked for and ourselves", got)
	}
	all := s.Refresh(less["refresh_token"]).JSON(t)
	if got := audience(all["access_token"]); len(got) != 3 {
		t.Errorf("audience %v afterwards, want all again", got)
	}
	data := s.Refresh(all["refresh_token"], "scope", "api", "resource", "https://other.example").JSON(t)
	if got := audience(data["access_token"]); !slices.Equal(got, []any{"https://other.example"}) {
		t.Errorf("audience %v without openid, want the resource alone", got)
	}
}

// A token for a resource and openid is valid for both; the userinfo endpoint rejects a token for
// the resource only.
//
// Spec: RFC 9068 §4.
func TestUserinfoRequiresItsAudience(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	b := s.NewBrowser()
	both := s.ExchangeCode(b.Code(servertest.AuthorizationRequest("resource", "https://api.example")))
	if p := s.Userinfo(both["access_token"]); p.Status != http.StatusOK {
		t.Errorf("a token for a resource and openid: %d %s", p.Status, p.Body)
	}
	data := s.Refresh(both["refresh_token"], "scope", "api").JSON(t)
	servertest.WantError(t, s.Userinfo(data["access_token"]), http.StatusUnauthorized, "invalid_token")
	ours := s.ExchangeCode(b.Code(servertest.AuthorizationRequest("scope", "api")))
	servertest.WantError(t, s.Userinfo(ours["access_token"]), http.StatusForbidden, "insufficient_scope")

	response := servertest.Claims(t, both["access_token"])
	response["aud"] = []string{"https://api.example"}
	foreign, err := s.App.Keys.SignClaims(t.Context(), jwks.ES256, "at+jwt", response)
	if err != nil {
		t.Fatal(err)
	}
	if !s.IsActive(foreign) {
		t.Fatal("the token is not even active")
	}
	servertest.WantError(t, s.Userinfo(foreign), http.StatusUnauthorized, "invalid_token")
}
