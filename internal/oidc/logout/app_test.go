package logout_test

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

const (
	logoutApp  = "https://apps.example/logout"
	errorPage  = "https://apps.example/error?lang=en"
	signedOut  = "https://apps.example/bye"
	clientsBye = "https://client.example/bye"
)

// startWithLogoutApp starts a server with all custom apps of the operator. Its client web has the
// post-logout redirect URI clientsBye.
func startWithLogoutApp(tb testing.TB, db *store.Store, settings map[string]string) *servertest.AppServer {
	tb.Helper()
	all := map[string]string{"logout_url": logoutApp}
	maps.Copy(all, settings)
	s := servertest.StartWithApps(tb, db, all)
	c, err := s.Store.Clients.Client(tb.Context(), "web")
	if err != nil {
		tb.Fatal(err)
	}
	c.PostLogoutRedirectURIs = []string{clientsBye}
	if err := s.Store.Clients.UpdateClient(tb.Context(), c); err != nil {
		tb.Fatal(err)
	}
	s.App.Clients.Forget("web")
	return s
}

func logout(s *servertest.AppServer, p servertest.Response) string {
	s.TB.Helper()
	return s.Challenge(p, logoutApp+"?logout_challenge=")
}

// bye sends a request about a logout request to the admin API.
func bye(s *servertest.AppServer, method, path, challenge string) servertest.Response {
	s.TB.Helper()
	return s.CallAdmin(method, "/admin/oauth2/auth/requests/logout"+path+"?logout_challenge="+challenge, "")
}

func TestLogoutApp(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startWithLogoutApp(t, db, nil)
		b := s.NewBrowser()
		p := b.SignInByApp(s, b.Get("/oauth2/auth?"+servertest.AuthorizationRequest().Encode()), servertest.Object{"subject": "jo", "identity_provider_session_id": "theirs"})
		tokens := s.ExchangeCode(servertest.CodeOf(t, b.ConsentByApp(s, p, servertest.Object{"grant_scope": servertest.AllScopes})))
		sid := servertest.Claims(t, tokens["id_token"])["sid"]

		// A valid hint does not skip the logout app, which decides about the confirmation.
		request := url.Values{"id_token_hint": {servertest.Text(tokens["id_token"])}, "post_logout_redirect_uri": {clientsBye}, "state": {"a b"}}
		z := logout(s, b.Get("/oauth2/sessions/logout?"+request.Encode()))
		got := bye(s, http.MethodGet, "", z).JSON(t)
		servertest.WantMembers(t, got, servertest.Object{
			"challenge": z, "subject": "jo", "sid": sid, "rp_initiated": true, "identity_provider_session_id": "theirs",
			"requested_at": s.Time().UTC().Truncate(time.Second).Format(time.RFC3339),
			"expires_at":   s.Time().Add(15 * time.Minute).UTC().Truncate(time.Second).Format(time.RFC3339),
		})
		if c, _ := got["client"].(servertest.Object); c["client_id"] != "web" || c["client_secret"] != nil {
			t.Errorf("the client is %v", c)
		}
		again := servertest.Text(got["request_url"])
		if strings.Contains(again, "id_token_hint") || servertest.ParseURL(t, again).Query().Get("state") != "a b" {
			t.Errorf("request_url = %s", again)
		}
		if refused := bye(s, http.MethodPut, "/reject", z); refused.Status != http.StatusNoContent || refused.Body != "" {
			t.Errorf("rejecting: %d %s", refused.Status, refused.Body)
		}
		for name, p := range map[string]servertest.Response{
			"reading": bye(s, http.MethodGet, "", z), "accepting": bye(s, http.MethodPut, "/accept", z), "rejecting": bye(s, http.MethodPut, "/reject", z),
		} {
			if p.Status != http.StatusGone || p.JSON(t)["redirect_to"] != again {
				t.Errorf("%s a completed request: %d %s", name, p.Status, p.Body)
			}
		}
		if !s.IsActive(tokens["access_token"]) {
			t.Error("a rejected logout request ended the session")
		}

		z = logout(s, b.Get(again))
		back := s.RedirectTo(bye(s, http.MethodPut, "/accept", z))
		if !s.IsActive(tokens["access_token"]) {
			t.Error("the session ended before the browser returned")
		}
		if got := b.Get(back).Location().String(); got != clientsBye+"?state=a+b" {
			t.Errorf("the browser is redirected to %s", got)
		}
		if s.IsActive(tokens["access_token"]) {
			t.Error("the session is still active")
		}
		if p := b.Get(back); p.Status != http.StatusBadRequest || !strings.Contains(p.Body, "expired_request") {
			t.Errorf("a repeated return: %d", p.Status)
		}
		if got := b.Get(again).Location().String(); got != clientsBye+"?state=a+b" {
			t.Errorf("without a session the browser is redirected to %s", got)
		}
	})
}

func TestLogoutAppAnswerIsBoundToSession(t *testing.T) {
	t.Parallel()
	s := startWithLogoutApp(t, storetest.New(t), nil)
	mine, theirs := s.NewBrowser(), s.NewBrowser()
	my := s.ExchangeCode(servertest.CodeOf(t, mine.AuthorizeByApps(s, servertest.AuthorizationRequest(), "jo")))
	their := s.ExchangeCode(servertest.CodeOf(t, theirs.AuthorizeByApps(s, servertest.AuthorizationRequest(), "kim")))

	// A verifier is not valid in another browser: that browser starts a new logout request.
	back := s.RedirectTo(bye(s, http.MethodPut, "/accept", logout(s, mine.Get("/oauth2/sessions/logout"))))
	z := logout(s, theirs.Get(back))
	servertest.WantMembers(t, bye(s, http.MethodGet, "", z).JSON(t), servertest.Object{"subject": "kim", "rp_initiated": false, "client": nil})
	if !s.IsActive(my["access_token"]) || !s.IsActive(their["access_token"]) {
		t.Error("a link of another user ended a session")
	}
	for name, verifier := range map[string]string{
		"another step": strings.Repeat("0", 31) + "1" + strings.Repeat("0", 32), "garbage": "x", "unknown": strings.Repeat("0", 31) + "3" + strings.Repeat("0", 32),
	} {
		if p := mine.Get("/oauth2/sessions/logout?logout_verifier=" + verifier); p.Status != http.StatusBadRequest {
			t.Errorf("%s: %d", name, p.Status)
		}
	}
	for name, tc := range map[string]struct {
		query string
		want  int
	}{
		"none": {"", 400}, "of no request": {"logout_challenge=" + strings.Repeat("0", 31) + "3", 404},
		"of another step": {"logout_challenge=" + z[:31] + "1", 404}, "by its short name": {"challenge=" + z, 200},
	} {
		if got := s.CallAdmin(http.MethodGet, "/oauth2/auth/requests/logout?"+tc.query, "").Status; got != tc.want {
			t.Errorf("a challenge %s: %d, want %d", name, got, tc.want)
		}
	}
	// A body is allowed, because the older SDK sends one.
	if p := s.CallAdmin(http.MethodPut, "/oauth2/auth/requests/logout/accept/?challenge="+z, "{}"); p.Status != http.StatusOK {
		t.Errorf("accepting with a body: %d %s", p.Status, p.Body)
	}
	s.Advance(16 * time.Minute)
	if p := bye(s, http.MethodPut, "/accept", logout(s, theirs.Get("/oauth2/sessions/logout"))); p.Status != http.StatusOK {
		t.Errorf("a new sign-out: %d", p.Status)
	}
	if p := bye(s, http.MethodGet, "", z); p.Status != http.StatusNotFound {
		t.Errorf("an old challenge: %d", p.Status)
	}
}

// Without a valid redirect URI of a client, the browser is redirected to the URLs of the operator.
func TestPostLogoutURLOfOperator(t *testing.T) {
	t.Parallel()
	s := startWithLogoutApp(t, storetest.New(t), map[string]string{"logout_url": "", "post_logout_url": signedOut, "error_url": errorPage})
	b := s.NewBrowser()
	tokens := s.ExchangeCode(servertest.CodeOf(t, b.AuthorizeByApps(s, servertest.AuthorizationRequest(), "jo")))
	hint := "/oauth2/sessions/logout?id_token_hint=" + servertest.Text(tokens["id_token"])
	for name, tc := range map[string]struct{ path, want string }{
		"a redirect URI of the client": {hint + "&post_logout_redirect_uri=" + url.QueryEscape(clientsBye), clientsBye},
		"no redirect URI":              {hint, signedOut},
		"an unknown client":            {"/oauth2/auth?client_id=gone", errorPage + "&error=invalid_client&error_description="},
		"an unknown address":           {"/oauth2/auth?" + servertest.AuthorizationRequest("redirect_uri", "https://evil.example").Encode(), errorPage + "&error=invalid_request&error_description="},
		"a repeated parameter":         {"/oauth2/auth?client_id=web&client_id=web", errorPage + "&error=invalid_request&error_description="},
		"a bad sign-out":               {"/oauth2/sessions/logout?client_id=gone", errorPage + "&error=invalid_request&error_description="},
		"an expired request":           {"/oauth2/auth?continue=" + strings.Repeat("0", 31), errorPage + "&error=expired_request&error_description="},
		"an error of a client":         {"/oauth2/auth?" + servertest.AuthorizationRequest("scope", "\"").Encode(), "https://client.example/callback?keep=1&error=invalid_scope"},
	} {
		if got := b.Get(tc.path).Header.Get("Location"); !strings.HasPrefix(got, tc.want) {
			t.Errorf("%s: sent to %q, want %q", name, got, tc.want)
		}
	}
	if p := b.Get("/nothing"); p.Status != http.StatusNotFound {
		t.Errorf("an unknown path: %d", p.Status)
	}
}

// An ID token hint with a subject identifier of the login app replaces the confirmation.
func TestHintWithForcedSubject(t *testing.T) {
	t.Parallel()
	s := startWithLogoutApp(t, storetest.New(t), map[string]string{"logout_url": ""})
	b := s.NewBrowser()
	p := b.SignInByApp(s, b.Get("/oauth2/auth?"+servertest.AuthorizationRequest().Encode()), servertest.Object{"subject": "jo", "force_subject_identifier": "as-jo"})
	tokens := s.ExchangeCode(servertest.CodeOf(t, b.ConsentByApp(s, p, servertest.Object{"grant_scope": servertest.AllScopes})))
	p = b.Get("/oauth2/sessions/logout?id_token_hint=" + servertest.Text(tokens["id_token"]))
	if !strings.Contains(p.Body, "signed out") || s.IsActive(tokens["access_token"]) {
		t.Errorf("answer %d, active %v:\n%s", p.Status, s.IsActive(tokens["access_token"]), p.Body)
	}
}

// The server stores each logout request for the app, so it limits their rate.
func TestLogoutRateLimit(t *testing.T) {
	t.Parallel()
	s := startWithLogoutApp(t, storetest.New(t), nil)
	b := s.NewBrowser()
	servertest.CodeOf(t, b.AuthorizeByApps(s, servertest.AuthorizationRequest(), "jo"))
	for i := range 300 {
		if p := b.Get("/oauth2/sessions/logout"); p.Status != http.StatusSeeOther {
			t.Fatalf("sign-out %d: %d", i, p.Status)
		}
	}
	if p := b.Get("/oauth2/sessions/logout"); p.Status != http.StatusTooManyRequests || p.Header.Get("Retry-After") == "" {
		t.Errorf("one more: %d", p.Status)
	}
}
