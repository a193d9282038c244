package authorize_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

func names(values url.Values) string {
	var list []string
	for name := range values {
		list = append(list, name)
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

// Each response type leads to its parameters and no others, in the requested response mode and
// never in the query.
//
// Spec: OAuth 2.0 Multiple Response Type Encoding Practices §3; OpenID Connect Core §3.2.2.5, §3.3.2.5.
func TestResponseTypes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, servertest.LegacySettings())
		s.ImportClient(servertest.LegacyClient("legacy", `, "id_token_signed_response_alg": "ES256"`))
		b := s.NewBrowser()
		subject := servertest.Text(servertest.Claims(t, s.ExchangeCode(b.Code(servertest.AuthorizationRequest()))["id_token"])["sub"])
		for kind, want := range map[string]string{
			"code":                "code iss session_state state",
			"id_token":            "id_token iss session_state state",
			"id_token token":      "access_token expires_in id_token iss session_state state token_type",
			"token id_token":      "access_token expires_in id_token iss session_state state token_type",
			"code id_token":       "code id_token iss session_state state",
			"code token":          "access_token code expires_in iss session_state state token_type",
			"token  code":         "access_token code expires_in iss session_state state token_type",
			"code id_token token": "access_token code expires_in id_token iss session_state state token_type",
			"token id_token code": "access_token code expires_in id_token iss session_state state token_type",
		} {
			for _, mode := range []string{"", "fragment", "form_post"} {
				form := servertest.AuthorizationRequest("client_id", "legacy", "scope", "openid profile api", "response_type", kind, "response_mode", mode)
				p := b.Authorize(form)
				where, got := servertest.AuthorizationResponse(t, p)
				wantWhere := map[string]string{"": "fragment", "fragment": "fragment", "form_post": "form"}[mode]
				if kind == "code" && mode == "" {
					wantWhere = "query"
				}
				if where != wantWhere || names(got) != want || got.Get("state") != "a state" || got.Get("iss") != s.URL {
					t.Errorf("%s, mode %q: %s in the %s, want %s in the %s", kind, mode, names(got), where, want, wantWhere)
				}
				if p.Header.Get("Cache-Control") != "no-store" {
					t.Errorf("%s, mode %q: Cache-Control %q", kind, mode, p.Header.Get("Cache-Control"))
				}
				if got.Has("id_token") {
					checkIDToken(t, s, kind, got, subject)
				}
				if got.Has("access_token") {
					if got.Get("token_type") != "Bearer" || got.Get("expires_in") != "600" || !s.IsActive(got.Get("access_token")) {
						t.Errorf("%s: %v", kind, got)
					}
				}
			}
		}
	})
}

// checkIDToken compares an ID token with the other parameters of the response.
func checkIDToken(t *testing.T, s *servertest.Server, kind string, got url.Values, subject string) {
	t.Helper()
	_, members := servertest.VerifyJWT(t, s, got.Get("id_token"), jose.ES256)
	now := float64(s.Time().Unix())
	for name, want := range map[string]any{
		"iss": s.URL, "sub": subject, "aud": "legacy", "nonce": "a nonce", "iat": now, "exp": now + 600, "auth_time": now,
		"acr": "1",
	} {
		if members[name] != want {
			t.Errorf("%s: %s is %v, want %v", kind, name, members[name], want)
		}
	}
	if members["sid"] == nil || members["amr"] == nil {
		t.Errorf("%s: sid %v, amr %v", kind, members["sid"], members["amr"])
	}
	alone := !got.Has("code") && !got.Has("access_token")
	if named := members["name"] == "Ada Lovelace" && members["preferred_username"] == "ada"; named != alone || members["email"] != nil {
		t.Errorf("%s: the claims of the scopes are there: %v", kind, members)
	}
	for name, value := range map[string]string{"c_hash": got.Get("code"), "at_hash": got.Get("access_token"), "s_hash": "a state"} {
		var want any
		if value != "" && !alone {
			want = servertest.HalfHash(jose.ES256, value)
		}
		if members[name] != want {
			t.Errorf("%s: %s is %v, want %v", kind, name, members[name], want)
		}
	}
}

// The hashes follow the algorithm of the ID token, and without a state there is
// none of it.
func TestHashesFollowIDTokenAlgorithm(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), servertest.LegacySettings())
	b := s.NewBrowser()
	for _, alg := range []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA} {
		id := "signs-" + string(alg)
		s.ImportClient(servertest.LegacyClient(id, `, "id_token_signed_response_alg": "`+string(alg)+`"`))
		_, got := servertest.AuthorizationResponse(t, b.Authorize(servertest.AuthorizationRequest("client_id", id, "response_type", "code id_token token", "state", "")))
		_, members := servertest.VerifyJWT(t, s, got.Get("id_token"), alg)
		if members["c_hash"] != servertest.HalfHash(alg, got.Get("code")) || members["at_hash"] != servertest.HalfHash(alg, got.Get("access_token")) {
			t.Errorf("%s: c_hash %v, at_hash %v", alg, members["c_hash"], members["at_hash"])
		}
		if members["s_hash"] != nil || got.Has("state") {
			t.Errorf("%s: a state where none came: %v, s_hash %v", alg, got["state"], members["s_hash"])
		}
	}
}

// Errors use the response mode of the response, and everything is checked before the user signs
// in.
func TestErrorsFollowResponseType(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), servertest.LegacySettings())
	s.ImportClient(servertest.LegacyClient("legacy", ""), `{"client_id": "hybrid", "client_secret": "`+servertest.OtherSecret+`", "redirect_uris": ["`+servertest.RedirectURI+`"],
		"grant_types": ["authorization_code", "implicit"], "response_types": ["code id_token"], "scope": "openid"}`,
		`{"client_id": "spa", "token_endpoint_auth_method": "none", "redirect_uris": ["`+servertest.RedirectURI+`"],
		"grant_types": ["authorization_code", "implicit"], "response_types": ["code", "id_token", "code token"], "scope": "openid"}`)
	b := s.NewBrowser()
	for name, tc := range map[string]struct {
		changes   []string
		error, in string
	}{
		"no response type":               {[]string{"response_type", ""}, "invalid_request", "query"},
		"no response type, by form":      {[]string{"response_type", "", "response_mode", "form_post"}, "invalid_request", "form"},
		"token alone":                    {[]string{"response_type", "token"}, "unsupported_response_type", "fragment"},
		"token alone, by form":           {[]string{"response_type", "token", "response_mode", "form_post"}, "unsupported_response_type", "form"},
		"none":                           {[]string{"response_type", "none"}, "unsupported_response_type", "query"},
		"a word twice":                   {[]string{"response_type", "code id_token id_token"}, "unsupported_response_type", "fragment"},
		"a word that nobody knows":       {[]string{"response_type", "code id_token magic"}, "unsupported_response_type", "fragment"},
		"in other case":                  {[]string{"response_type", "code ID_TOKEN"}, "unsupported_response_type", "query"},
		"tokens in the query":            {[]string{"response_type", "code id_token", "response_mode", "query"}, "invalid_request", "fragment"},
		"a token in the query":           {[]string{"response_type", "code token", "response_mode", "query"}, "invalid_request", "fragment"},
		"an unknown mode":                {[]string{"response_type", "id_token", "response_mode", "web_message"}, "invalid_request", "fragment"},
		"id_token without nonce":         {[]string{"response_type", "id_token", "nonce", ""}, "invalid_request", "fragment"},
		"id_token token without nonce":   {[]string{"response_type", "id_token token", "nonce", ""}, "invalid_request", "fragment"},
		"code id_token without nonce":    {[]string{"response_type", "code id_token", "nonce", ""}, "invalid_request", "fragment"},
		"all three without nonce":        {[]string{"response_type", "code id_token token", "nonce", ""}, "invalid_request", "fragment"},
		"code token without nonce":       {[]string{"response_type", "code token", "nonce", "", "prompt", "none"}, "login_required", "fragment"},
		"code without nonce":             {[]string{"response_type", "code", "nonce", "", "prompt", "none"}, "login_required", "query"},
		"id_token without openid":        {[]string{"response_type", "id_token", "scope", "profile"}, "invalid_scope", "fragment"},
		"code id_token without a scope":  {[]string{"response_type", "code id_token", "scope", ""}, "invalid_scope", "fragment"},
		"code token without openid":      {[]string{"response_type", "code token", "scope", "api", "prompt", "none"}, "login_required", "fragment"},
		"not registered":                 {[]string{"client_id", "hybrid", "response_type", "id_token"}, "unsupported_response_type", "fragment"},
		"part of what is registered":     {[]string{"client_id", "hybrid", "response_type", "code"}, "unsupported_response_type", "query"},
		"a public client without PKCE":   {[]string{"client_id", "spa", "response_type", "code token", "code_challenge", "", "code_challenge_method", ""}, "invalid_request", "fragment"},
		"the same without a code":        {[]string{"client_id", "spa", "response_type", "id_token", "code_challenge", "", "code_challenge_method", "", "prompt", "none"}, "login_required", "fragment"},
		"nobody is here, by form":        {[]string{"response_type", "id_token", "response_mode", "form_post", "prompt", "none"}, "login_required", "form"},
		"a code in a fragment is a wish": {[]string{"response_type", "code", "response_mode", "fragment", "prompt", "none"}, "login_required", "fragment"},
	} {
		form := servertest.AuthorizationRequest(append([]string{"client_id", "legacy"}, tc.changes...)...)
		where, got := servertest.AuthorizationResponse(t, b.Get("/oauth2/auth?"+form.Encode()))
		if where != tc.in || got.Get("error") != tc.error || got.Get("state") != "a state" || got.Get("iss") != s.URL {
			t.Errorf("%s: %v in the %s, want %s in the %s", name, got, where, tc.error, tc.in)
		}
		if got := names(got); got != "error error_description iss state" {
			t.Errorf("%s: the error holds %s", name, got)
		}
	}
}

// The code of a hybrid flow is redeemed once and bound to its verifier. Its ID token has the
// same claims. A second use revokes the tokens of the authorization response, too.
func TestHybridCodeIsRedeemedOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, servertest.LegacySettings())
		s.ImportClient(servertest.LegacyClient("legacy", `, "id_token_signed_response_alg": "ES256"`))
		b := s.NewBrowser()
		as := []string{"client_id", "legacy", "client_secret", servertest.OtherSecret}
		_, got := servertest.AuthorizationResponse(t, b.Authorize(servertest.AuthorizationRequest("client_id", "legacy", "response_type", "code id_token token")))
		front := servertest.Claims(t, got.Get("id_token"))
		s.Advance(3 * time.Second) // beyond a double submit

		p := s.PostForm("/oauth2/token", servertest.CodeExchange(got.Get("code"), as...))
		if p.Status != http.StatusOK {
			t.Fatalf("exchange: %d %s", p.Status, p.Body)
		}
		given := p.JSON(t)
		back := servertest.Claims(t, given["id_token"])
		for _, name := range []string{"iss", "sub", "nonce", "auth_time", "sid"} {
			if back[name] != front[name] || back[name] == nil {
				t.Errorf("%s is %v at the token endpoint and was %v", name, back[name], front[name])
			}
		}
		if given["refresh_token"] == nil || back["at_hash"] != servertest.HalfHash(jose.ES256, servertest.Text(given["access_token"])) {
			t.Errorf("tokens %v, at_hash %v", given, back["at_hash"])
		}
		if !s.IsActive(got.Get("access_token")) || s.Userinfo(got.Get("access_token")).Status != http.StatusOK {
			t.Error("the access token of the answer is of no use")
		}
		s.Advance(3 * time.Second)
		servertest.WantError(t, s.PostForm("/oauth2/token", servertest.CodeExchange(got.Get("code"), as...)), 400, "invalid_grant")
		if s.IsActive(got.Get("access_token")) || s.IsActive(given["access_token"]) {
			t.Error("the code came twice, and what it came with is still active")
		}

		_, got = servertest.AuthorizationResponse(t, b.Authorize(servertest.AuthorizationRequest("client_id", "legacy", "response_type", "code token")))
		servertest.WantError(t, s.PostForm("/oauth2/token", servertest.CodeExchange(got.Get("code"), append(as, "code_verifier", "")...)), 400, "invalid_grant")
		servertest.WantError(t, s.PostForm("/oauth2/token", servertest.CodeExchange(got.Get("code"), as...)), 400, "invalid_grant")
	})
}
