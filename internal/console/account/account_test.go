package account_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// each runs a test at a server of each engine.
func each(t *testing.T, settings map[string]string, test func(t *testing.T, s *servertest.Server)) {
	t.Helper()
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) { test(t, servertest.Start(t, db, settings)) })
}

// open opens a page, and signs in as ada if that is necessary.
func open(b *servertest.Browser, path string) servertest.Response {
	b.Server.TB.Helper()
	p := b.Follow(b.Get(path))
	if p.Status != http.StatusOK {
		b.Server.TB.Fatalf("GET %s: %d\n%s", path, p.Status, p.Body)
	}
	return p
}

// submit posts a form to a page of the console and returns the page that shows the result.
func submit(b *servertest.Browser, path string, fields ...string) servertest.Response {
	b.Server.TB.Helper()
	p := b.Post(path, form(fields...))
	if p.Status != http.StatusSeeOther {
		b.Server.TB.Fatalf("POST %s: %d\n%s", path, p.Status, p.Body)
	}
	return b.Get(p.Header.Get("Location"))
}

func form(fields ...string) url.Values {
	values := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		values.Set(fields[i], fields[i+1])
	}
	return values
}

// status returns the result of the last action on a page.
func status(p servertest.Response) string {
	found := regexp.MustCompile(`role="status">.*?<span>(.*?)</span>`).FindStringSubmatch(p.Body)
	if found == nil {
		return ""
	}
	return found[1]
}

// sessionIDs returns the sessions that the page can end.
func sessionIDs(p servertest.Response) (ids []string) {
	for _, found := range regexp.MustCompile(`name="end" value="([a-z0-9]+)"`).FindAllStringSubmatch(p.Body, -1) {
		ids = append(ids, found[1])
	}
	return ids
}

// refreshToken signs in at the client web and returns a refresh token.
func refreshToken(b *servertest.Browser) any {
	b.Server.TB.Helper()
	return b.Server.ExchangeCode(b.Code(servertest.AuthorizationRequest("prompt", "consent")))["refresh_token"]
}

func wantStatus(t *testing.T, what string, p servertest.Response, want int) {
	t.Helper()
	if p.Status != want {
		t.Errorf("%s: status %d, want %d\n%s", what, p.Status, want, p.Body)
	}
}

func wantText(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// A user who opens a page of the console signs in and arrives at the page.
func TestConsoleAsksForASignIn(t *testing.T) {
	each(t, nil, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		for _, path := range []string{"/account", "/account/sessions", "/account/applications", "/account/password"} {
			b := s.NewBrowser()
			if p := b.Get(path); p.Status != http.StatusSeeOther || p.Location().Path != "/login" {
				t.Fatalf("GET %s without a session: %d to %s", path, p.Status, p.Location())
			}
			p := open(b, path)
			if !strings.Contains(p.Body, "Ada Lovelace") || !strings.Contains(p.Body, `href="`+s.URL+path+`" aria-current="page"`) {
				t.Errorf("GET %s after the sign-in:\n%s", path, p.Body)
			}
			post := s.NewBrowser().Post(path, form("end_others", "on", "revoke", "web", "new_password", "another horse battery"))
			if path != "/account" && (post.Status != http.StatusSeeOther || post.Location().Path != "/login") {
				t.Errorf("POST %s without a session: %d to %s", path, post.Status, post.Location())
			}
		}
		if p := s.NewBrowser().Get("/.well-known/change-password"); p.Header.Get("Location") != s.URL+"/account/password" {
			t.Errorf("change-password: %d to %q", p.Status, p.Header.Get("Location"))
		}
	})
}

// Forms of other sites are rejected, at each page that has a form.
func TestConsoleRejectsFormsOfOtherSites(t *testing.T) {
	each(t, nil, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		b, other := s.NewBrowser(), s.NewBrowser()
		open(b, "/account")
		token := refreshToken(other)
		for path, fields := range map[string]url.Values{
			"/account/sessions":     form("end_others", "on"),
			"/account/applications": form("revoke", "web"),
			"/account/password":     form("current_password", servertest.Password, "new_password", "another horse battery"),
		} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+path, strings.NewReader(fields.Encode()))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Origin", "https://evil.example")
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			wantStatus(t, "POST "+path+" of another site", servertest.Send(t, b.Client, r), http.StatusForbidden)
		}
		wantStatus(t, "refresh after the rejected forms", s.Refresh(token), http.StatusOK)
		if code := s.NewBrowser().SignInWithPassword(servertest.Password); code != http.StatusSeeOther {
			t.Errorf("sign-in after the rejected forms: %d", code)
		}
	})
}

// An ended session has no access, and neither have the tokens that were issued in it.
func TestEndSessions(t *testing.T) {
	each(t, nil, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		own, one, two := s.NewBrowser(), s.NewBrowser(), s.NewBrowser()
		ownToken, oneToken := refreshToken(own), refreshToken(one)
		open(two, "/account")
		page := open(own, "/account/sessions")
		ids := sessionIDs(page)
		if len(ids) != 2 || strings.Count(page.Body, `class="session`) != 3 {
			t.Fatalf("sessions to end: %v\n%s", ids, page.Body)
		}
		for _, id := range ids {
			wantText(t, "status", status(submit(own, "/account/sessions", "end", id)), "The session has ended.")
		}
		if p := open(own, "/account/sessions"); status(p) != "" || !strings.Contains(p.Body, "Only this device is signed in.") {
			t.Errorf("after the last one: %q\n%s", status(p), p.Body)
		}
		for _, ended := range []*servertest.Browser{one, two} {
			if p := ended.Get("/account"); p.Location().Path != "/login" {
				t.Errorf("an ended session: %d to %s", p.Status, p.Location())
			}
		}
		servertest.WantError(t, s.Refresh(oneToken), http.StatusBadRequest, "invalid_grant")
		wantStatus(t, "refresh in the own session", s.Refresh(ownToken), http.StatusOK)

		oneToken = refreshToken(one)
		wantText(t, "status", status(submit(own, "/account/sessions", "end_others", "on")), "1 other session has ended.")
		servertest.WantError(t, s.Refresh(oneToken), http.StatusBadRequest, "invalid_grant")
		open(own, "/account")
	})
}

// The session of another user cannot be ended, and is not listed.
func TestSessionsOfOthersAreNotFound(t *testing.T) {
	each(t, nil, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		ada, bob := s.NewBrowser(), s.NewBrowser()
		open(ada, "/account")
		page := bob.Get(bob.Get("/account/sessions").Header.Get("Location"))
		bob.Get(bob.Get(bob.Post(page.FormAction(), form("request", page.HiddenField("request"), "username", "bob", "password", servertest.Password)).Header.Get("Location")).Header.Get("Location"))
		a, err := s.Store.Accounts.AccountByUsername(t.Context(), "ada")
		if err != nil {
			t.Fatal(err)
		}
		list, err := s.Store.Sessions.RecentSessions(t.Context(), a.Subject, nil, 10, s.Time())
		if err != nil || len(list) != 1 {
			t.Fatalf("sessions of ada: %v, %v", list, err)
		}
		wantStatus(t, "ending the session of ada", bob.Post("/account/sessions", form("end", list[0].ID)), http.StatusNotFound)
		wantStatus(t, "ending an unknown session", bob.Post("/account/sessions", form("end", "x")), http.StatusNotFound)
		wantText(t, "status", status(submit(bob, "/account/sessions", "end_others", "on")), "0 other sessions have ended.")
		wantStatus(t, "the session of ada", ada.Get("/account"), http.StatusOK)
	})
}

// Withdrawing an application asks once, and ends its grants and consents.
func TestRevokeApplication(t *testing.T) {
	each(t, nil, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		b, other := s.NewBrowser(), s.NewBrowser()
		if p := open(b, "/account/applications"); !strings.Contains(p.Body, "No application uses your account yet.") {
			t.Errorf("without an application:\n%s", p.Body)
		}
		token, otherToken := refreshToken(b), refreshToken(other)
		remembered := b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("client_id", "careful", "scope", "openid email").Encode())
		consent := b.Get(remembered.Header.Get("Location"))
		b.Follow(b.Post(consent.FormAction(), form("request", consent.HiddenField("request"), "decision", "accept", "remember", "on")))

		page := open(b, "/account/applications")
		if n := strings.Count(page.Body, `class="application"`); n != 2 || !strings.Contains(page.Body, "See your email address") {
			t.Fatalf("%d applications\n%s", n, page.Body)
		}
		asked := open(b, "/account/applications?revoke=web")
		if !strings.Contains(asked.Body, `id="confirm"`) || asked.FormAction() != s.URL+"/account/applications" {
			t.Fatalf("the question:\n%s", asked.Body)
		}
		wantStatus(t, "refresh after the question", s.Refresh(token), http.StatusOK)
		after := submit(b, "/account/applications", "revoke", "web")
		wantText(t, "status", status(after), "web can no longer use your account.")
		for _, token := range []any{token, otherToken} {
			servertest.WantError(t, s.Refresh(token), http.StatusBadRequest, "invalid_grant")
		}
		submit(b, "/account/applications", "revoke", "careful")
		if p := b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("client_id", "careful", "scope", "openid email").Encode()); p.Location().Path != "/consent" {
			t.Errorf("after withdrawing the consent: %d to %s", p.Status, p.Location())
		}
		wantStatus(t, "withdrawing again", b.Post("/account/applications", form("revoke", "web")), http.StatusNotFound)
		wantStatus(t, "withdrawing an unknown application", b.Get("/account/applications?revoke=unknown"), http.StatusNotFound)
	})
}

// A new password needs the current one. Other sessions end if the box is ticked; the own one stays,
// with another cookie.
func TestChangePassword(t *testing.T) {
	each(t, nil, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		b, other := s.NewBrowser(), s.NewBrowser()
		token, otherToken := refreshToken(b), refreshToken(other)
		page := open(b, "/account/password")
		if !regexp.MustCompile(`id="end-others"[^>]* checked`).MatchString(page.Body) {
			t.Errorf("the box is not ticked:\n%s", page.Body)
		}
		const renewed = "another horse battery"
		for name, tc := range map[string]struct {
			current, renewed, fault string
			status                  int
		}{
			"wrong":     {"wrong horse battery", renewed, "The current password is wrong.", http.StatusForbidden},
			"too short": {servertest.Password, "pony", "The password is too short", http.StatusBadRequest},
		} {
			p := b.Post("/account/password", form("current_password", tc.current, "new_password", tc.renewed, "end_others", "on"))
			wantStatus(t, name, p, tc.status)
			if !strings.Contains(p.Body, `role="alert"`) || !strings.Contains(p.Body, tc.fault) || strings.Contains(p.Body, tc.renewed) {
				t.Errorf("%s:\n%s", name, p.Body)
			}
		}
		cookie := b.Cookie("ostiary_session")
		after := submit(b, "/account/password", "current_password", servertest.Password, "new_password", renewed)
		wantText(t, "status", status(after), "Your new password is saved.")
		if b.Cookie("ostiary_session") == cookie {
			t.Error("the cookie of the session is the same")
		}
		open(other, "/account")
		submit(b, "/account/password", "current_password", renewed, "new_password", servertest.Password, "end_others", "on")
		if p := other.Get("/account"); p.Location().Path != "/login" {
			t.Errorf("the other session: %d to %s", p.Status, p.Location())
		}
		servertest.WantError(t, s.Refresh(otherToken), http.StatusBadRequest, "invalid_grant")
		wantStatus(t, "refresh in the own session", s.Refresh(token), http.StatusOK)
		if code := s.NewBrowser().SignInWithPassword(renewed); code != http.StatusForbidden {
			t.Errorf("sign-in with the previous password: %d", code)
		}
	})
}

// Guesses at the current password are limited like guesses at the sign-in page.
func TestCurrentPasswordIsThrottled(t *testing.T) {
	each(t, nil, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		b := s.NewBrowser()
		open(b, "/account/password")
		var p servertest.Response
		for range 40 {
			p = b.Post("/account/password", form("current_password", "wrong horse battery", "new_password", "another horse battery"))
			if p.Status != http.StatusForbidden {
				break
			}
		}
		if p.Status != http.StatusTooManyRequests || p.Header.Get("Retry-After") == "" {
			t.Errorf("after many wrong passwords: %d, Retry-After %q", p.Status, p.Header.Get("Retry-After"))
		}
	})
}

// A status is shown once, and only to the user of the session in which it arose.
func TestStatusOfAnotherSessionIsNotShown(t *testing.T) {
	each(t, nil, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		b := s.NewBrowser()
		open(b, "/account")
		b.Post("/account/sessions", form("end_others", "on"))
		u, err := url.Parse(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		stolen := b.Cookie("ostiary_status")
		other := s.NewBrowser()
		open(other, "/account")
		for _, value := range []string{stolen, "bad", "YQ.YQ", strings.Replace(stolen, ".", "x.", 1)} {
			other.Client.Jar.SetCookies(u, []*http.Cookie{{Name: "ostiary_status", Value: value}})
			if p := other.Get("/account"); status(p) != "" || p.Status != http.StatusOK {
				t.Errorf("cookie %q: %d, status %q", value, p.Status, status(p))
			}
		}
		if got := status(b.Get("/account/sessions")); got == "" {
			t.Error("the own status is not shown")
		}
	})
}

// The console is off where the operator's app signs users in, unless the setting says otherwise.
func TestAccountPagesSetting(t *testing.T) {
	t.Parallel()
	app := map[string]string{"login_url": "https://login.example/", "outbound_allow_private": "on"}
	for name, tc := range map[string]struct {
		settings     map[string]string
		account, own int // of /account and /account/password
	}{
		"by default":        {nil, http.StatusSeeOther, http.StatusSeeOther},
		"off":               {map[string]string{"account_pages": "off"}, http.StatusNotFound, http.StatusNotFound},
		"with a login app":  {app, http.StatusNotFound, http.StatusNotFound},
		"on with login app": {map[string]string{"login_url": app["login_url"], "account_pages": "on"}, http.StatusSeeOther, http.StatusNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := servertest.Start(t, storetest.New(t), tc.settings).NewBrowser()
			wantStatus(t, "/account", b.Get("/account"), tc.account)
			wantStatus(t, "/account/password", b.Get("/account/password"), tc.own)
		})
	}
}

// Sessions are shown with the browser and the network that they were last used from, in pages of
// the last used first.
func TestSessionList(t *testing.T) {
	each(t, nil, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		var b *servertest.Browser
		for range 27 {
			b = s.NewBrowser()
			open(b, "/account")
			s.Advance(time.Minute)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/account/sessions", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		s.Advance(10 * time.Minute)
		r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0")
		servertest.Send(t, b.Client, r)
		first := b.Get("/account/sessions")
		if !strings.Contains(first.Body, "Firefox on Linux") || !strings.Contains(first.Body, "127.0.0.1") {
			t.Errorf("the origin of the session is not shown:\n%s", first.Body)
		}
		older := first.Attribute("href", func(a map[string]string) bool { return strings.Contains(a["href"], "?after=") })
		next := b.Get(older)
		seen := map[string]bool{}
		for _, id := range append(sessionIDs(first), sessionIDs(next)...) {
			if seen[id] {
				t.Errorf("the session %s is listed twice", id)
			}
			seen[id] = true
		}
		if len(seen) != 26 {
			t.Errorf("%d other sessions are listed, want 26", len(seen))
		}
		wantStatus(t, "a malformed position", b.Get("/account/sessions?after=x.y"), http.StatusOK)
	})
}
