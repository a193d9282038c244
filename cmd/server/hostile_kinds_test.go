package main

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/store/storetest"
)

const postSecret = "post-secret-post-secret-post-sec"

// everyKind returns one living credential of each kind, and what belongs to them.
func everyKind(t *testing.T, s *server, b *browser) map[string]string {
	t.Helper()
	got := s.tokens(b.code(asking()))
	opaque := s.call("/oauth2/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {"post"}, "client_secret": {postSecret},
	}).json(t)
	own := s.call("/oauth2/token", url.Values{"grant_type": {"client_credentials"}}).json(t)
	page := b.get("/oauth2/sessions/logout")
	kinds := map[string]string{
		"code":                 b.code(asking()),
		"refresh token":        text(got["refresh_token"]),
		"access token":         text(got["access_token"]),
		"ID token":             text(got["id_token"]),
		"opaque access token":  text(opaque["access_token"]),
		"client's own token":   text(own["access_token"]),
		"sign-out ticket":      page.field("ticket"),
		"registration token":   s.register(t).token,
		"session cookie":       b.cookie("ostiary_session"),
		"client secret":        "web-secret-web-secret-web-secret-",
		"signed userinfo":      s.signedUserinfo(t),
		"authorization header": "Bearer " + text(got["access_token"]),
	}
	for kind, token := range kinds {
		if token == "" {
			t.Fatalf("there is no %s", kind)
		}
	}
	return kinds
}

// cookie returns the value of the browser's cookie of that name.
func (b *browser) cookie(name string) string {
	u, err := url.Parse(b.s.url)
	if err != nil {
		b.s.tb.Fatal(err)
	}
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// signedUserinfo returns the answer for a client that has it signed: like an ID
// token it is a JWT of ours for that client.
func (s *server) signedUserinfo(t *testing.T) string {
	t.Helper()
	const entry = `[{"client_id": "signed", "client_secret": "` + postSecret + `", "redirect_uris": ["` + testCallback + `"],
		"token_endpoint_auth_method": "client_secret_post", "scope": "openid", "skip_consent": true,
		"userinfo_signed_response_alg": "ES256"}]`
	if _, _, err := importClients(t.Context(), s.config, s.store, s.hasher, []byte(entry)); err != nil {
		t.Fatal(err)
	}
	s.pass(time.Minute)
	code := s.browser().code(asking("client_id", "signed", "scope", "openid"))
	got := s.call("/oauth2/token", exchanging(code, "client_id", "signed", "client_secret", postSecret)).json(t)
	return s.userinfo(got["access_token"]).body
}

// Nothing that is handed out passes for anything else (RFC 8725 section 3.11).
func TestHostileNoKindPassesForAnother(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), map[string]string{"rate_limits": "off"})
	b := s.browser()
	kinds := everyKind(t, s, b)
	registration := s.register(t).path
	const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	post := func(changes url.Values) url.Values {
		form := url.Values{"client_id": {"web"}}
		maps.Copy(form, changes)
		return form
	}

	for kind, token := range kinds {
		refused := func(use string, right string, p reply, ok bool) {
			t.Helper()
			if kind != right && !ok {
				t.Errorf("%s as %s: %d %s", kind, use, p.status, p.body)
			}
		}
		p := s.call("/oauth2/token", exchanging(token))
		refused("code", "code", p, p.status == 400 && p.json(t)["error"] == "invalid_grant")
		p = s.refresh(token)
		refused("refresh token", "refresh token", p, p.status == 400 && p.json(t)["error"] == "invalid_grant")
		p = s.call("/oauth2/token", post(url.Values{
			"grant_type": {"client_credentials"}, "client_assertion": {token}, "client_assertion_type": {assertionType},
		}))
		refused("client assertion", "", p, p.status == 401 && p.json(t)["error"] == "invalid_client")
		p = s.call("/oauth2/token", post(url.Values{"grant_type": {"client_credentials"}, "client_secret": {token}}))
		refused("client secret", "client secret", p, p.status == 401 && p.json(t)["error"] == "invalid_client")
		p = s.send(t, http.MethodGet, registration, token, "")
		refused("registration token", "", p, p.status == 401)
		p = b.get("/oauth2/auth?" + asking("prompt", "none", "id_token_hint", token).Encode())
		refused("hint at sign-in", "ID token", p, p.location().Query().Get("error") == "invalid_request")
		p = b.get("/oauth2/sessions/logout?" + url.Values{"id_token_hint": {token}}.Encode())
		refused("hint at sign-out", "ID token", p, p.status == 400)
		if kind != "ID token" {
			p = b.post("/oauth2/sessions/logout", url.Values{"ticket": {token}})
			refused("sign-out ticket", "sign-out ticket", p, p.status == 400)
		}

		accessToken := strings.HasSuffix(kind, "access token") || kind == "client's own token"
		if p = s.userinfo(token); kind != "access token" && p.status != 401 {
			t.Errorf("%s at userinfo: %d %s", kind, p.status, p.body)
		}
		if !accessToken && kind != "refresh token" && s.active(token) {
			t.Errorf("%s is active", kind)
		}
	}
	if p := b.get("/oauth2/auth?" + asking("prompt", "none").Encode()); p.location().Query().Get("error") != "login_required" {
		t.Error("the right hint, or the right ticket, did not sign out: nothing was tried")
	}
}

// Userinfo accepts a token once, in the header or the body, and never in the query.
func TestHostileWhereAnAccessTokenMayBe(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), nil)
	token := text(s.tokens(s.browser().code(asking()))["access_token"])
	ask := func(method, query, header, body string) reply {
		r, err := http.NewRequestWithContext(t.Context(), method, s.url+"/userinfo"+query, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if header != "" {
			r.Header.Set("Authorization", header)
		}
		if body != "" {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		return send(t, http.DefaultClient, r)
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
		"under another scheme":            {"GET", "", "DPoP " + token, "", 401},
		"in the body of a GET":            {"GET", "", "", "access_token=" + token, 401},
		"nowhere":                         {"GET", "", "", "", 401},
	} {
		p := ask(tc.method, tc.query, tc.header, tc.body)
		if p.status != tc.want {
			t.Errorf("%s: %d %s, want %d", name, p.status, p.body, tc.want)
		}
		if p.status == 401 && !strings.HasPrefix(p.header.Get("WWW-Authenticate"), "Bearer ") {
			t.Errorf("%s: 401 with WWW-Authenticate %q", name, p.header.Get("WWW-Authenticate"))
		}
	}
}
