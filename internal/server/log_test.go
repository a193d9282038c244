package server_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// No credential, good or bad, in its place or out of it, gets into the log, at any
// level (promise 5), or into the records of refusals.
func TestHostileLogHoldsNoCredential(t *testing.T) {
	t.Parallel()
	var book servertest.LogBuffer
	log := slog.NewTextHandler(&book, &slog.HandlerOptions{Level: slog.LevelDebug})
	s := servertest.StartWithLog(t, storetest.New(t), map[string]string{"rate_limits": "off", "sign_up": "on", "legacy_response_types": "on"}, log)
	s.ImportClient(servertest.LegacyClient("legacy", ""))
	b := s.NewBrowser()
	form := func(values ...string) url.Values {
		f := url.Values{}
		for i := 0; i < len(values); i += 2 {
			f.Set(values[i], values[i+1])
		}
		return f
	}

	// Successful requests.
	code := b.Code(servertest.AuthorizationRequest())
	got := s.ExchangeCode(code)
	next := s.Refresh(got["refresh_token"]).JSON(t)
	s.Userinfo(next["access_token"])
	s.IsActive(next["access_token"])
	s.IsActive(next["refresh_token"])
	_, front := servertest.AuthorizationResponse(t, b.Authorize(servertest.AuthorizationRequest("client_id", "legacy", "response_type", "code id_token token")))
	signer := servertest.AddPrivateKeyJWTClient(s)
	asserted := servertest.PrivateKeyJWTForm(s, signer)
	s.PostForm("/oauth2/token", asserted)
	opaque := s.PostForm("/oauth2/token", form("grant_type", "client_credentials", "client_id", "post", "client_secret", servertest.PostSecret)).JSON(t)
	registered := servertest.Register(t, s)
	s.Call(t, http.MethodGet, registered.Path, registered.Token, "")
	setup := session.NewCookie()
	if err := s.Store.SetupLinks.InsertSetupLink(t.Context(), session.Hash(setup), s.Time().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	b.Get("/setup?token=" + setup)
	const chosen = "the administrator's password"
	b.Post("/setup", form("token", setup, "username", "root", "password", chosen, "repeat", chosen))

	newcomer, another := s.NewBrowser(), "an0ther-passw0rd-0f-grace"
	page := newcomer.Get(newcomer.Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "create").Encode()).Header.Get("Location"))
	newcomer.Post(page.FormAction(), form("request", page.HiddenField("request"), "username", "grace", "password", chosen, "repeat", another))
	newcomer.Post(page.FormAction(), form("request", page.HiddenField("request"), "username", "grace", "password", another, "repeat", another))

	// Failing requests, with credentials in the correct parameters and in others.
	const wrong, misplaced = "wr0ng-passw0rd-0f-ada", "m1splaced-credential"
	page = b.Get(b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "login").Encode()).Header.Get("Location"))
	b.Post(page.FormAction(), form("request", page.HiddenField("request"), "username", misplaced, "password", wrong))
	b.Get("/login?request=" + misplaced + "&password=" + misplaced)
	b.Get("/setup?token=" + misplaced)
	b.Get("/signup?request=" + misplaced + "&password=" + misplaced)
	b.Post("/signup", form("request", page.HiddenField("request"), "username", misplaced, "email", misplaced, "password", wrong, "repeat", misplaced))
	b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("client_id", misplaced).Encode())
	b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("redirect_uri", "https://ada:"+misplaced+"@client.example/?code="+misplaced+"#"+misplaced).Encode())
	b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("id_token_hint", misplaced, "prompt", misplaced).Encode())
	b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("claims", misplaced, "max_age", misplaced, "scope", misplaced).Encode())
	b.Get("/oauth2/sessions/logout?id_token_hint=" + servertest.Text(got["id_token"]) + "&client_id=" + misplaced)
	b.Get("/" + misplaced)
	b.Get("/oauth2/token?code=" + misplaced + ";" + misplaced)
	s.PostForm("/oauth2/token", servertest.CodeExchange(code))
	s.PostForm("/oauth2/token", servertest.CodeExchange(misplaced, "code_verifier", misplaced))
	s.PostForm("/oauth2/token", form("grant_type", misplaced, "refresh_token", misplaced))
	s.PostForm("/oauth2/token", form("grant_type", "client_credentials", "client_id", "post", "client_secret", wrong))
	s.PostForm("/oauth2/token", form("grant_type", "client_credentials", "client_id", misplaced, "client_secret", misplaced))
	s.PostForm("/oauth2/token", asserted)
	s.PostForm("/oauth2/token", form("client_assertion", misplaced, "client_assertion_type", misplaced, "client_id", "asserting"))
	s.PostForm("/oauth2/introspect", form("token", misplaced, "token_type_hint", misplaced))
	s.PostForm("/oauth2/revoke", form("token", misplaced))
	s.Userinfo(misplaced)
	s.Call(t, http.MethodGet, registered.Path, misplaced, "")
	s.Call(t, http.MethodPost, "/connect/register", misplaced, `{"client_secret":"`+misplaced+`","redirect_uris":["`+misplaced+`"],"jwks":"`+misplaced+`"}`)
	s.Refresh(got["refresh_token"])
	s.Advance(time.Minute)
	s.Refresh(got["refresh_token"])
	s.PostForm("/oauth2/revoke", form("token", servertest.Text(next["refresh_token"])))

	// Credentials in headers and in URLs.
	sendMisplaced(t, s, misplaced)
	s.PostForm("/oauth2/token", servertest.CodeExchange(misplaced, "redirect_uri", "https://ada:"+misplaced+"@client.example/?code="+misplaced+"#"+misplaced))
	s.PostForm("/oauth2/token", form("grant_type", "client_credentials", "scope", misplaced))
	s.PostForm("/oauth2/token", form("grant_type", "client_credentials", "resource", "https://ada:"+misplaced+"@api.example/"))
	s.PostForm("/oauth2/token", form("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion", misplaced))
	s.PostForm("/oauth2/token", form("grant_type", "urn:ietf:params:oauth:grant-type:device_code", "device_code", misplaced))
	s.PostForm("/oauth2/device/auth", form("scope", misplaced))
	b.Get("/device?user_code=" + misplaced)
	b.Post("/device", form("user_code", misplaced))
	b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("response_type", misplaced, "response_mode", misplaced).Encode())
	b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("request", misplaced).Encode())
	b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("request_uri", "https://ada:"+misplaced+"@client.example/"+misplaced).Encode())
	b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("resource", misplaced).Encode())
	b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("code_challenge", misplaced).Encode())
	b.Get("/oauth2/auth?continue=" + misplaced)
	b.Get("/oauth2/auth?login_verifier=" + misplaced)
	b.Get("/oauth2/sessions/logout?client_id=web&post_logout_redirect_uri=" + url.QueryEscape("https://ada:"+misplaced+"@client.example/?x="+misplaced))
	b.Authorize(servertest.AuthorizationRequest("scope", "openid "+misplaced, "claims", `{"userinfo":{"`+misplaced+`":null}}`))
	s.Userinfo(got["access_token"])
	s.IsActive(got["access_token"])

	logged := book.String() + storedRefusals(t, s)
	for _, said := range []string{"route=/oauth2/token", "msg=\"signed in\"", "msg=\"sign-in refused\"", "msg=\"signed up\"", "msg=\"sign-up refused\"", "status=401", `"rule":"redirect_uri_mismatch"`, `"rule":"scopes_dropped"`} {
		if !strings.Contains(logged, said) {
			t.Fatalf("the log lacks %s: nothing was searched\n%s", said, logged)
		}
	}
	secrets := map[string]string{
		"password": servertest.Password, "chosen password": chosen, "newcomer's password": another, "newcomer's session": newcomer.Cookie("ostiary_session"),
		"wrong password": wrong, "misplaced": misplaced, "system secret": servertest.SystemSecret,
		"answer's code": front.Get("code"), "answer's access token": front.Get("access_token"), "answer's ID token": front.Get("id_token"),
		"code": code, "verifier": servertest.CodeVerifier, "access token": servertest.Text(got["access_token"]), "refresh token": servertest.Text(got["refresh_token"]),
		"next refresh token": servertest.Text(next["refresh_token"]), "ID token": servertest.Text(got["id_token"]), "opaque token": servertest.Text(opaque["access_token"]),
		"client secret": "web-secret-web-secret-web-secret-", "posted secret": servertest.PostSecret, "registration token": registered.Token,
		"session": b.Cookie("ostiary_session"), "set-up token": setup, "assertion": asserted.Get("client_assertion"),
	}
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range b.Client.Jar.Cookies(u) {
		secrets["cookie "+cookie.Name] = cookie.Value
	}
	for name, secret := range secrets {
		if tail := secret[max(0, len(secret)-20):]; tail == "" || strings.Contains(logged, tail) {
			at := max(0, strings.Index(logged, tail)-200)
			t.Errorf("the log holds the %s:\n...%s", name, logged[at:min(len(logged), at+400)])
		}
	}
}

// sendMisplaced sends a credential in each header that can carry one by design or by mistake.
func sendMisplaced(t *testing.T, s *servertest.Server, misplaced string) {
	t.Helper()
	for _, path := range []string{"/oauth2/token", "/oauth2/introspect", "/oauth2/revoke", "/userinfo", "/login", "/device", "/connect/register"} {
		for name, value := range map[string]string{
			"Authorization": "Bearer " + misplaced, "Cookie": "__Host-ostiary_session=" + misplaced + "; ostiary_session=" + misplaced,
			"Origin": "https://ada:" + misplaced + "@evil.example", "Referer": "https://evil.example/?code=" + misplaced,
			"X-Request-Id": misplaced, "X-Forwarded-For": misplaced, "Content-Type": misplaced + "/x", "User-Agent": misplaced,
			"Sec-Fetch-Site": misplaced, "Sec-Fetch-Dest": misplaced, "DPoP": misplaced,
		} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+path, strings.NewReader("username="+misplaced+"&code="+misplaced))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set(name, value)
			servertest.Send(t, http.DefaultClient, r)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth(misplaced, misplaced)
		servertest.Send(t, http.DefaultClient, r)
	}
}

// storedRefusals returns the records of refusals in the database, as JSON.
func storedRefusals(t *testing.T, s *servertest.Server) string {
	t.Helper()
	s.App.Refusals.Flush(t.Context(), time.Minute)
	list, err := s.Store.Refusals.ListRefusals(t.Context(), refusal.Filter{}, "", 10_000)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, r := range list {
		line, err := json.Marshal(map[string]any{"rule": r.Rule, "record": r})
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(line, '\n'))
	}
	return b.String()
}
