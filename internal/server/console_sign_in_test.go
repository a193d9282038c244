package server_test

import (
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// callbackOf signs ada in for the console, and returns the address of the redirect to it, which the
// browser has not followed.
func callbackOf(b *servertest.Browser, secret []byte) string {
	b.Server.TB.Helper()
	p := answerSignIn(b, b.Get("/console"), secret)
	for range 6 {
		if p.Location().Path == "/console/callback" {
			return p.Location().String()
		}
		p = b.Get(p.Location().String())
	}
	b.Server.TB.Fatalf("the sign-in ends with %d\n%s", p.Status, p.Body)
	return ""
}

// A sign-in to the console leaves no grant and no token that can be used, and calls no token hook.
func TestConsoleSignInLeavesNoToken(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		var called atomic.Int32
		hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			called.Add(1)
			w.WriteHeader(http.StatusInternalServerError)
		}))
		t.Cleanup(hook.Close)
		s := startConsole(t, db, "token_hook_url", hook.URL)
		setAdminRole(s, account.Owner)
		b := s.NewBrowser()
		if p := signInToConsole(b, "/console", addApp(s)); p.Status != http.StatusOK || b.Get("/console").Status != http.StatusOK {
			t.Fatalf("sign-in: %d\n%s", p.Status, p.Body)
		}
		if called.Load() != 0 {
			t.Error("the hook was called for the console")
		}
		grants, err := s.Store.Grants.ListGrantsWithoutConsent(t.Context(), accountOf(s, "ada").Subject, "", grant.Locator{}, 10, s.Time())
		if err != nil || len(grants) != 0 {
			t.Errorf("%d grants are left, %v", len(grants), err)
		}

		// The client is public. A code that its owner redeems at the token endpoint gives no usable token.
		verifier := strings.Repeat("v", 43)
		form := servertest.AuthorizationRequest("client_id", client.ConsoleID, "redirect_uri", s.URL+"/console/callback", "scope", "openid", "code_challenge", servertest.CodeChallenge(verifier))
		p := b.Get("/oauth2/auth?" + form.Encode())
		code := p.Location().Query().Get("code")
		answer := s.PostForm("/oauth2/token", url.Values{
			"grant_type": {"authorization_code"}, "client_id": {client.ConsoleID}, "code": {code}, "code_verifier": {verifier}, "redirect_uri": {s.URL + "/console/callback"},
		})
		if answer.Status != http.StatusOK {
			t.Fatalf("redeemed: %d %s", answer.Status, answer.Body)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/userinfo", http.NoBody)
		servertest.Must(t, err)
		r.Header.Set("Authorization", "Bearer "+servertest.Text(answer.JSON(t)["access_token"]))
		if p = servertest.Send(t, s.NewBrowser().Client, r); p.Status != http.StatusUnauthorized {
			t.Errorf("userinfo with the token: %d %s", p.Status, p.Body)
		}
		// The session at the issuer goes on, and the console with it.
		if p = b.Get("/console"); p.Status != http.StatusOK {
			t.Errorf("the console afterwards: %d", p.Status)
		}
	})
}

// A callback signs in only the browser that began, with the code of its own request and of this issuer.
func TestConsoleCallbackIsBoundToItsBrowser(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startConsole(t, db)
		setAdminRole(s, account.Owner)
		secret := addApp(s)
		attacker, victim := s.NewBrowser(), s.NewBrowser()
		of := func(address string) url.Values {
			u, err := url.Parse(address)
			servertest.Must(t, err)
			return u.Query()
		}
		// The attacker keeps the response to a sign-in of its own, and sends it to a browser that has begun one.
		foreign := of(callbackOf(attacker, secret))
		began := of(victim.Get("/console").Location().String())
		with := func(name, value string) url.Values {
			form := maps.Clone(foreign)
			form.Set("state", began.Get("state"))
			form.Set(name, value)
			return form
		}
		for name, form := range map[string]url.Values{
			"the code and state of another browser": foreign,
			"no state":                              with("state", ""),
			"another issuer":                        with("iss", "https://evil.example"),
			"no issuer":                             with("iss", ""),
			"the code of another browser":           with("code", foreign.Get("code")),
			"no code":                               with("code", ""),
			"the code of no one":                    with("code", "x"),
		} {
			victim.Get("/console") // a failure ends the sign-in that has begun
			if form.Get("state") == began.Get("state") {
				form.Set("state", of(victim.Get("/console").Location().String()).Get("state"))
			}
			if p := victim.Get("/console/callback?" + form.Encode()); p.Status < 400 || p.Status >= 500 || victim.Cookie("ostiary_console") != "" {
				t.Errorf("%s: %d, the cookie is %q", name, p.Status, victim.Cookie("ostiary_console"))
			}
		}
		// Its code was used up, so it is signed in nowhere.
		if p := attacker.Get("/console/callback?" + foreign.Encode()); p.Status != http.StatusBadRequest || attacker.Cookie("ostiary_console") != "" {
			t.Errorf("the code afterwards: %d", p.Status)
		}
	})
}

// Of two tabs that begin, the second signs in, and the first says how to go on.
func TestConsoleSignInInTwoTabs(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startConsole(t, db)
		setAdminRole(s, account.Owner)
		secret, b := addApp(s), s.NewBrowser()
		first := callbackOf(b, secret)
		second := b.Get("/console/audit")
		if p := b.Get(first); p.Status != http.StatusBadRequest || !hasElement(p, "again") {
			t.Errorf("the first tab: %d\n%s", p.Status, p.Body)
		}
		if p := b.Follow(b.Get(second.Location().String())); p.Status != http.StatusOK || !hasElement(p, "continue") {
			t.Errorf("the second tab: %d\n%s", p.Status, p.Body)
		}
		if p := b.Get("/console"); p.Status != http.StatusOK {
			t.Errorf("the console: %d", p.Status)
		}
	})
}

// Signing out ends the cookie of the console at the server; a new sign-in replaces it; and no value
// that a browser brought along becomes a sign-in.
func TestConsoleCookieCannotBeReplayed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startConsole(t, db)
		setAdminRole(s, account.Owner)
		secret, b, thief := addApp(s), s.NewBrowser(), s.NewBrowser()
		root, err := url.Parse(s.URL)
		servertest.Must(t, err)
		set := func(b *servertest.Browser, name, value string) {
			b.Client.Jar.SetCookies(root, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
		}
		set(b, "ostiary_console", "planted")
		signInToConsole(b, "/console", secret)
		kept := b.Cookie("ostiary_console")
		if kept == "planted" || kept == "" || b.Get("/console").Status != http.StatusOK {
			t.Fatalf("the cookie after the sign-in is %q", kept)
		}
		// The value of one cookie is none of another.
		for _, name := range []string{"ostiary_console_signin", "ostiary_console_status"} {
			set(thief, name, kept)
		}
		if p := thief.Get("/console"); p.Location().Path != "/oauth2/auth" {
			t.Errorf("the value as another cookie: %d", p.Status)
		}
		set(thief, "ostiary_console", thief.Cookie("ostiary_console_signin"))
		if p := thief.Get("/console"); p.Location().Path != "/oauth2/auth" {
			t.Errorf("the value of another cookie: %d", p.Status)
		}

		link := b.Get("/console").Attribute("href", func(a map[string]string) bool { return a["id"] == "sign-out" })
		p, form := b.Get(link), url.Values{}
		for _, field := range regexp.MustCompile(`type="hidden" name="([^"]*)" value="([^"]*)"`).FindAllStringSubmatch(p.Body, -1) {
			form.Set(field[1], field[2])
		}
		if p = b.Post(p.FormAction(), form); p.Status >= http.StatusBadRequest {
			t.Fatalf("signing out: %d\n%s", p.Status, p.Body)
		}
		set(b, "ostiary_console", kept)
		if p = b.Get("/console"); p.Location().Path != "/oauth2/auth" {
			t.Errorf("the cookie after signing out: %d", p.Status)
		}
		if p = b.Post("/console/keys", url.Values{"rotate": {"on"}}); signInPage(p).Path != "/oauth2/auth" {
			t.Errorf("a form after signing out: %d to %s", p.Status, p.Location())
		}
	})
}

// The console is at the issuer plus /console, behind a proxy that keeps the path of the issuer and one
// that removes it. Its links and cookies do not depend on the host of the request.
func TestConsoleUnderPath(t *testing.T) {
	t.Parallel()
	eachIssuerPath(t, map[string]string{"console": "public"}, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		setAdminRole(s, account.Owner)
		secret, b := addApp(s), s.NewBrowser()
		p := signInToConsole(b, s.URL+"/console/audit?action=x&actor=y", secret)
		next := p.Attribute("href", func(a map[string]string) bool { return a["id"] == "continue" })
		if want := s.URL + "/console/audit?action=x&actor=y"; next != want {
			t.Fatalf("after the sign-in: %d to %q, want %q\n%s", p.Status, next, want, p.Body)
		}
		p = b.Get(next)
		if p.Status != http.StatusOK || !hasElement(p, "action") {
			t.Fatalf("the page: %d to %s", p.Status, p.Location())
		}
		for _, link := range linksOf(p) {
			if link != "" && !strings.HasPrefix(link, s.URL+"/") && !strings.HasPrefix(link, s.Config.Path()+"/") && !strings.HasPrefix(link, "#") {
				t.Errorf("the page leads to %q, which is not below %s", link, s.URL)
			}
			if strings.HasPrefix(link, s.Config.Path()+"/console/static/") && b.Get(s.Config.Origin()+link).Status != http.StatusOK {
				t.Errorf("%s is not there", link)
			}
		}
		if p = b.Post("/console/language", url.Values{"language": {"de"}, "return": {"/console/audit?action=x"}}); p.Location().String() != s.URL+"/console/audit?action=x" {
			t.Errorf("the language chooser leads to %s", p.Location())
		}
		for _, host := range []string{"evil.example", "localhost", "127.0.0.1"} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/console", http.NoBody)
			servertest.Must(t, err)
			r.Host = host
			r.Header.Set("X-Forwarded-Host", host)
			r.Header.Set("Forwarded", "host="+host)
			p = servertest.Send(t, s.NewBrowser().Client, r)
			if to := p.Location(); !strings.HasPrefix(to.String(), s.URL+"/oauth2/auth?") || to.Query().Get("redirect_uri") != s.URL+"/console/callback" {
				t.Errorf("with the host %s: %d to %s", host, p.Status, to)
			}
		}
	})
}

// Without authentication of the API the console on the same listener requires a sign-in, and its forms
// those of its own origin.
func TestConsoleOnAdminListener(t *testing.T) {
	t.Parallel()
	for origin, settings := range map[string]map[string]string{
		"http://127.0.0.1:4445": {"admin_auth": "none", "admin_listen": "127.0.0.1:4445"}, "https://console.example": {"admin_auth": "token", "admin_listen": ":4445", "console_url": "https://console.example"},
	} {
		t.Run(origin, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.Store) {
				t.Helper()
				testAdminListener(t, db, origin, settings)
			})
		})
	}
}

func testAdminListener(t *testing.T, db *store.Store, root string, settings map[string]string) {
	t.Helper()
	s := servertest.StartOnLocalhost(t, db, settings, slog.DiscardHandler)
	setAdminRole(s, account.Owner)
	handler, secret, b := s.App.Admin(), addApp(s), s.NewBrowser()
	var cookies []*http.Cookie
	call := func(method, target, body string, header http.Header) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), method, root+target, strings.NewReader(body))
		r.Header = header
		if body != "" {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		for _, c := range cookies {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		cookies = append(w.Result().Cookies(), cookies...)
		return w
	}
	w := call(http.MethodGet, "/console", "", http.Header{})
	if w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), s.URL+"/oauth2/auth?") {
		t.Fatalf("without a sign-in: %d to %s", w.Code, w.Header().Get("Location"))
	}
	if w = call(http.MethodGet, "/clients", "", http.Header{}); (w.Code == http.StatusOK) != (settings["admin_auth"] == "none") {
		t.Fatalf("the API: %d", w.Code)
	}
	p := answerSignIn(b, servertest.Response{Status: http.StatusSeeOther, Header: call(http.MethodGet, "/console", "", http.Header{}).Header()}, secret)
	for range 6 {
		if strings.HasPrefix(p.Location().String(), root+"/console/callback?") {
			break
		}
		p = b.Get(p.Location().String())
	}
	if w = call(http.MethodGet, p.Location().RequestURI(), "", http.Header{}); w.Code != http.StatusOK {
		t.Fatalf("the callback: %d\n%s", w.Code, w.Body)
	}
	if strict := w.Header().Get("Strict-Transport-Security") != ""; strict != strings.HasPrefix(root, "https") {
		t.Errorf("Strict-Transport-Security: %t", strict)
	}
	prefix, attributes := "ostiary_console=", "; Path=/; HttpOnly; SameSite=Strict"
	if strings.HasPrefix(root, "https") {
		prefix, attributes = "__Host-ostiary_console=", "; Path=/; HttpOnly; Secure; SameSite=Strict"
	}
	if i := slices.IndexFunc(w.Header().Values("Set-Cookie"), func(c string) bool { return strings.HasPrefix(c, prefix) && strings.HasSuffix(c, attributes) }); i < 0 {
		t.Errorf("the cookies are %q, want %s with %s", w.Header().Values("Set-Cookie"), prefix, attributes)
	}
	if w = call(http.MethodGet, "/console", "", http.Header{}); w.Code != http.StatusOK {
		t.Fatalf("the console: %d to %s", w.Code, w.Header().Get("Location"))
	}
	for origin, want := range map[string]int{root: http.StatusSeeOther, s.URL: http.StatusForbidden, "http://127.0.0.1:4446": http.StatusForbidden, "null": http.StatusForbidden} {
		if w = call(http.MethodPost, "/console/keys", "rotate=on", http.Header{"Origin": {origin}}); w.Code != want {
			t.Errorf("a form of %s: %d, want %d", origin, w.Code, want)
		}
	}
}
