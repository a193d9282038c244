package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// logbook keeps what is logged.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// No credential, good or bad, in its place or out of it, gets into the log, at any
// level (promise 5), or into the records of refusals.
func TestHostileTheLogHoldsNoCredential(t *testing.T) {
	t.Parallel()
	var book logbook
	log := slog.NewTextHandler(&book, &slog.HandlerOptions{Level: slog.LevelDebug})
	s := startLogging(t, storetest.New(t), map[string]string{"rate_limits": "off", "sign_up": "on", "legacy_response_types": "on"}, log)
	s.bring(legacyClient("legacy", ""))
	b := s.browser()
	form := func(values ...string) url.Values {
		f := url.Values{}
		for i := 0; i < len(values); i += 2 {
			f.Set(values[i], values[i+1])
		}
		return f
	}

	// What goes well.
	code := b.code(asking())
	got := s.tokens(code)
	next := s.refresh(got["refresh_token"]).json(t)
	s.userinfo(next["access_token"])
	s.active(next["access_token"])
	s.active(next["refresh_token"])
	_, front := answered(t, b.authorize(asking("client_id", "legacy", "response_type", "code id_token token")))
	signer := s.addAssertingClient()
	asserted := s.assertion(signer)
	s.call("/oauth2/token", asserted)
	opaque := s.call("/oauth2/token", form("grant_type", "client_credentials", "client_id", "post", "client_secret", postSecret)).json(t)
	registered := s.register(t)
	s.send(t, http.MethodGet, registered.path, registered.token, "")
	setup := session.NewCookie()
	if err := s.store.InsertSetupLink(t.Context(), session.Hash(setup), s.time().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	b.get("/setup?token=" + setup)
	const chosen = "the administrator's password"
	b.post("/setup", form("token", setup, "username", "root", "password", chosen, "repeat", chosen))

	newcomer, another := s.browser(), "an0ther-passw0rd-0f-grace"
	page := newcomer.get(newcomer.get("/oauth2/auth?" + asking("prompt", "create").Encode()).header.Get("Location"))
	newcomer.post(page.action(), form("request", page.field("request"), "username", "grace", "password", chosen, "repeat", another))
	newcomer.post(page.action(), form("request", page.field("request"), "username", "grace", "password", another, "repeat", another))

	// What does not, with credentials where they belong and where they do not.
	const wrong, misplaced = "wr0ng-passw0rd-0f-ada", "m1splaced-credential"
	page = b.get(b.get("/oauth2/auth?" + asking("prompt", "login").Encode()).header.Get("Location"))
	b.post(page.action(), form("request", page.field("request"), "username", misplaced, "password", wrong))
	b.get("/login?request=" + misplaced + "&password=" + misplaced)
	b.get("/setup?token=" + misplaced)
	b.get("/signup?request=" + misplaced + "&password=" + misplaced)
	b.post("/signup", form("request", page.field("request"), "username", misplaced, "email", misplaced, "password", wrong, "repeat", misplaced))
	b.get("/oauth2/auth?" + asking("client_id", misplaced).Encode())
	b.get("/oauth2/auth?" + asking("redirect_uri", "https://ada:"+misplaced+"@client.example/?code="+misplaced+"#"+misplaced).Encode())
	b.get("/oauth2/auth?" + asking("id_token_hint", misplaced, "prompt", misplaced).Encode())
	b.get("/oauth2/auth?" + asking("claims", misplaced, "max_age", misplaced, "scope", misplaced).Encode())
	b.get("/oauth2/sessions/logout?id_token_hint=" + text(got["id_token"]) + "&client_id=" + misplaced)
	b.get("/" + misplaced)
	b.get("/oauth2/token?code=" + misplaced + ";" + misplaced)
	s.call("/oauth2/token", exchanging(code))
	s.call("/oauth2/token", exchanging(misplaced, "code_verifier", misplaced))
	s.call("/oauth2/token", form("grant_type", misplaced, "refresh_token", misplaced))
	s.call("/oauth2/token", form("grant_type", "client_credentials", "client_id", "post", "client_secret", wrong))
	s.call("/oauth2/token", form("grant_type", "client_credentials", "client_id", misplaced, "client_secret", misplaced))
	s.call("/oauth2/token", asserted)
	s.call("/oauth2/token", form("client_assertion", misplaced, "client_assertion_type", misplaced, "client_id", "asserting"))
	s.call("/oauth2/introspect", form("token", misplaced, "token_type_hint", misplaced))
	s.call("/oauth2/revoke", form("token", misplaced))
	s.userinfo(misplaced)
	s.send(t, http.MethodGet, registered.path, misplaced, "")
	s.send(t, http.MethodPost, "/connect/register", misplaced, `{"client_secret":"`+misplaced+`","redirect_uris":["`+misplaced+`"],"jwks":"`+misplaced+`"}`)
	s.refresh(got["refresh_token"])
	s.pass(time.Minute)
	s.refresh(got["refresh_token"])
	s.call("/oauth2/revoke", form("token", text(next["refresh_token"])))

	// In headers, and in addresses of every kind.
	s.sendMisplaced(t, misplaced)
	s.call("/oauth2/token", exchanging(misplaced, "redirect_uri", "https://ada:"+misplaced+"@client.example/?code="+misplaced+"#"+misplaced))
	s.call("/oauth2/token", form("grant_type", "client_credentials", "scope", misplaced))
	s.call("/oauth2/token", form("grant_type", "client_credentials", "resource", "https://ada:"+misplaced+"@api.example/"))
	s.call("/oauth2/token", form("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion", misplaced))
	s.call("/oauth2/token", form("grant_type", "urn:ietf:params:oauth:grant-type:device_code", "device_code", misplaced))
	s.call("/oauth2/device/auth", form("scope", misplaced))
	b.get("/device?user_code=" + misplaced)
	b.post("/device", form("user_code", misplaced))
	b.get("/oauth2/auth?" + asking("response_type", misplaced, "response_mode", misplaced).Encode())
	b.get("/oauth2/auth?" + asking("request", misplaced).Encode())
	b.get("/oauth2/auth?" + asking("request_uri", "https://ada:"+misplaced+"@client.example/"+misplaced).Encode())
	b.get("/oauth2/auth?" + asking("resource", misplaced).Encode())
	b.get("/oauth2/auth?" + asking("code_challenge", misplaced).Encode())
	b.get("/oauth2/auth?continue=" + misplaced)
	b.get("/oauth2/auth?login_verifier=" + misplaced)
	b.get("/oauth2/sessions/logout?client_id=web&post_logout_redirect_uri=" + url.QueryEscape("https://ada:"+misplaced+"@client.example/?x="+misplaced))
	b.authorize(asking("scope", "openid "+misplaced, "claims", `{"userinfo":{"`+misplaced+`":null}}`))
	s.userinfo(got["access_token"])
	s.active(got["access_token"])

	logged := book.String() + s.recorded(t)
	for _, said := range []string{"route=/oauth2/token", "msg=\"signed in\"", "msg=\"sign-in refused\"", "msg=\"signed up\"", "msg=\"sign-up refused\"", "status=401", `"rule":"redirect_uri_mismatch"`, `"rule":"scopes_dropped"`} {
		if !strings.Contains(logged, said) {
			t.Fatalf("the log lacks %s: nothing was searched\n%s", said, logged)
		}
	}
	secrets := map[string]string{
		"password": testPassword, "chosen password": chosen, "newcomer's password": another, "newcomer's session": newcomer.cookie("ostiary_session"),
		"wrong password": wrong, "misplaced": misplaced, "system secret": testSecret,
		"answer's code": front.Get("code"), "answer's access token": front.Get("access_token"), "answer's ID token": front.Get("id_token"),
		"code": code, "verifier": testVerifier, "access token": text(got["access_token"]), "refresh token": text(got["refresh_token"]),
		"next refresh token": text(next["refresh_token"]), "ID token": text(got["id_token"]), "opaque token": text(opaque["access_token"]),
		"client secret": "web-secret-web-secret-web-secret-", "posted secret": postSecret, "registration token": registered.token,
		"session": b.cookie("ostiary_session"), "set-up token": setup, "assertion": asserted.Get("client_assertion"),
	}
	u, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range b.client.Jar.Cookies(u) {
		secrets["cookie "+cookie.Name] = cookie.Value
	}
	for name, secret := range secrets {
		if tail := secret[max(0, len(secret)-20):]; tail == "" || strings.Contains(logged, tail) {
			at := max(0, strings.Index(logged, tail)-200)
			t.Errorf("the log holds the %s:\n...%s", name, logged[at:min(len(logged), at+400)])
		}
	}
}

// sendMisplaced sends a credential in each header that may hold one or where one might
// end up.
func (s *server) sendMisplaced(t *testing.T, misplaced string) {
	t.Helper()
	for _, path := range []string{"/oauth2/token", "/oauth2/introspect", "/oauth2/revoke", "/userinfo", "/login", "/device", "/connect/register"} {
		for name, value := range map[string]string{
			"Authorization": "Bearer " + misplaced, "Cookie": "__Host-ostiary_session=" + misplaced + "; ostiary_session=" + misplaced,
			"Origin": "https://ada:" + misplaced + "@evil.example", "Referer": "https://evil.example/?code=" + misplaced,
			"X-Request-Id": misplaced, "X-Forwarded-For": misplaced, "Content-Type": misplaced + "/x", "User-Agent": misplaced,
			"Sec-Fetch-Site": misplaced, "Sec-Fetch-Dest": misplaced, "DPoP": misplaced,
		} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+path, strings.NewReader("username="+misplaced+"&code="+misplaced))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set(name, value)
			send(t, http.DefaultClient, r)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth(misplaced, misplaced)
		send(t, http.DefaultClient, r)
	}
}

// recorded returns the records of refusals in the database, as JSON.
func (s *server) recorded(t *testing.T) string {
	t.Helper()
	s.refusals.Flush(t.Context(), time.Minute)
	list, err := s.store.ListRefusals(t.Context(), refusal.Filter{}, "", 10_000)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, r := range list {
		line, err := json.Marshal(viewRefusal(r))
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(line, '\n'))
	}
	return b.String()
}
