package tokens_test

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// everyKind returns one active credential of each kind.
func everyKind(t *testing.T, s *servertest.Server, b *servertest.Browser) map[string]string {
	t.Helper()
	got := s.ExchangeCode(b.Code(servertest.AuthorizationRequest()))
	opaque := s.PostForm("/oauth2/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {"post"}, "client_secret": {servertest.PostSecret},
	}).JSON(t)
	own := s.PostForm("/oauth2/token", url.Values{"grant_type": {"client_credentials"}}).JSON(t)
	page := b.Get("/oauth2/sessions/logout")
	kinds := map[string]string{
		"code":                 b.Code(servertest.AuthorizationRequest()),
		"refresh token":        servertest.Text(got["refresh_token"]),
		"access token":         servertest.Text(got["access_token"]),
		"ID token":             servertest.Text(got["id_token"]),
		"opaque access token":  servertest.Text(opaque["access_token"]),
		"client's own token":   servertest.Text(own["access_token"]),
		"sign-out ticket":      page.HiddenField("ticket"),
		"registration token":   servertest.Register(t, s).Token,
		"session cookie":       b.Cookie("ostiary_session"),
		"client secret":        "web-secret-web-secret-web-secret-",
		"signed userinfo":      signedUserinfo(t, s),
		"authorization header": "Bearer " + servertest.Text(got["access_token"]),
	}
	for kind, token := range kinds {
		if token == "" {
			t.Fatalf("there is no %s", kind)
		}
	}
	return kinds
}

// signedUserinfo returns a signed userinfo response, a JWT of this server like an ID token.
func signedUserinfo(t *testing.T, s *servertest.Server) string {
	t.Helper()
	const entry = `[{"client_id": "signed", "client_secret": "` + servertest.PostSecret + `", "redirect_uris": ["` + servertest.RedirectURI + `"],
		"token_endpoint_auth_method": "client_secret_post", "scope": "openid", "skip_consent": true,
		"userinfo_signed_response_alg": "ES256"}]`
	if _, _, err := s.ImportClients([]byte(entry)); err != nil {
		t.Fatal(err)
	}
	s.Advance(time.Minute)
	code := s.NewBrowser().Code(servertest.AuthorizationRequest("client_id", "signed", "scope", "openid"))
	got := s.PostForm("/oauth2/token", servertest.CodeExchange(code, "client_id", "signed", "client_secret", servertest.PostSecret)).JSON(t)
	return s.Userinfo(got["access_token"]).Body
}

// No token is accepted in place of another type.
//
// Spec: RFC 8725 §3.11.
func TestHostileTokenTypesAreNotInterchangeable(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), map[string]string{"rate_limits": "off"})
	b := s.NewBrowser()
	kinds := everyKind(t, s, b)
	registration := servertest.Register(t, s).Path
	const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	post := func(changes url.Values) url.Values {
		form := url.Values{"client_id": {"web"}}
		maps.Copy(form, changes)
		return form
	}

	for kind, token := range kinds {
		refused := func(use string, right string, p servertest.Response, ok bool) {
			t.Helper()
			if kind != right && !ok {
				t.Errorf("%s as %s: %d %s", kind, use, p.Status, p.Body)
			}
		}
		p := s.PostForm("/oauth2/token", servertest.CodeExchange(token))
		refused("code", "code", p, p.Status == 400 && p.JSON(t)["error"] == "invalid_grant")
		p = s.Refresh(token)
		refused("refresh token", "refresh token", p, p.Status == 400 && p.JSON(t)["error"] == "invalid_grant")
		p = s.PostForm("/oauth2/token", post(url.Values{
			"grant_type": {"client_credentials"}, "client_assertion": {token}, "client_assertion_type": {assertionType},
		}))
		refused("client assertion", "", p, p.Status == 401 && p.JSON(t)["error"] == "invalid_client")
		p = s.PostForm("/oauth2/token", post(url.Values{"grant_type": {"client_credentials"}, "client_secret": {token}}))
		refused("client secret", "client secret", p, p.Status == 401 && p.JSON(t)["error"] == "invalid_client")
		p = s.Call(t, http.MethodGet, registration, token, "")
		refused("registration token", "", p, p.Status == 401)
		p = b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "none", "id_token_hint", token).Encode())
		refused("hint at sign-in", "ID token", p, p.Location().Query().Get("error") == "invalid_request")
		p = b.Get("/oauth2/sessions/logout?" + url.Values{"id_token_hint": {token}}.Encode())
		refused("hint at sign-out", "ID token", p, p.Status == 400)
		if kind != "ID token" {
			p = b.Post("/oauth2/sessions/logout", url.Values{"ticket": {token}})
			refused("sign-out ticket", "sign-out ticket", p, p.Status == 400)
		}

		accessToken := strings.HasSuffix(kind, "access token") || kind == "client's own token"
		if p = s.Userinfo(token); kind != "access token" && p.Status != 401 {
			t.Errorf("%s at userinfo: %d %s", kind, p.Status, p.Body)
		}
		if !accessToken && kind != "refresh token" && s.IsActive(token) {
			t.Errorf("%s is active", kind)
		}
	}
	if p := b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "none").Encode()); p.Location().Query().Get("error") != "login_required" {
		t.Error("the right hint, or the right ticket, did not sign out: nothing was tried")
	}
}

// Userinfo accepts a token once, in the header or the body, and never in the query.
func TestHostileAccessTokenPlacement(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	token := servertest.Text(s.ExchangeCode(s.NewBrowser().Code(servertest.AuthorizationRequest()))["access_token"])
	ask := func(method, query, header, body string) servertest.Response {
		r, err := http.NewRequestWithContext(t.Context(), method, s.URL+"/userinfo"+query, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if header != "" {
			r.Header.Set("Authorization", header)
		}
		if body != "" {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		return servertest.Send(t, http.DefaultClient, r)
	}
	for name, tc := range map[string]struct {
		method, query, header, body string
		want                        int
	}{
		"in the header":                   {"GET", "", "Bearer " + token, "", 200},
		"in the header, in small letters": {"GET", "", "bearer " + token, "", 200},
		"in the header of a POST":         {"POST", "", "Bearer " + token, "", 200},
		"in the body":                     {"POST", "", "", "access_token=" + token, 200},
		"in the query":                    {"GET", "?access_token=" + token, "", "", 400},
		"in query and header":             {"GET", "?access_token=" + token, "Bearer " + token, "", 400},
		"in header and body":              {"POST", "", "Bearer " + token, "access_token=" + token, 400},
		"twice in the body":               {"POST", "", "", "access_token=" + token + "&access_token=" + token, 400},
		"under another scheme":            {"GET", "", "Token " + token, "", 401},
		"in the body of a GET":            {"GET", "", "", "access_token=" + token, 401},
		"nowhere":                         {"GET", "", "", "", 401},
	} {
		p := ask(tc.method, tc.query, tc.header, tc.body)
		if p.Status != tc.want {
			t.Errorf("%s: %d %s, want %d", name, p.Status, p.Body, tc.want)
		}
		if p.Status == 401 && !strings.HasPrefix(p.Header.Get("WWW-Authenticate"), "Bearer ") {
			t.Errorf("%s: 401 with WWW-Authenticate %q", name, p.Header.Get("WWW-Authenticate"))
		}
	}
}
