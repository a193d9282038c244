package login_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// A user who follows the return URL of another user cannot continue, and does not redeem
// the verifier.
func TestVerifierIsBoundToBrowser(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		b, other := s.NewBrowser(), s.NewBrowser()
		other.Get("/oauth2/auth?" + servertest.AuthorizationRequest().Encode())
		back := s.RedirectTo(s.AnswerChallenge("login/accept", s.LoginChallenge(b.Get("/oauth2/auth?"+servertest.AuthorizationRequest().Encode())), servertest.Object{"subject": "jo"}))
		for range 2 {
			p := other.Get(back)
			if p.Status != http.StatusBadRequest || !strings.Contains(p.Body, "expired_request") || len(p.Header.Values("Set-Cookie")) > 0 {
				t.Fatalf("another browser gets %d to %q, %v", p.Status, p.Header.Get("Location"), p.Header.Values("Set-Cookie"))
			}
		}
		p := b.Get(back)
		back = s.RedirectTo(s.AnswerChallenge("consent/accept", s.ConsentChallenge(p), servertest.Object{"grant_scope": servertest.AllScopes}))
		if p := other.Get(back); p.Status != http.StatusBadRequest {
			t.Errorf("another browser gets %d to %q", p.Status, p.Header.Get("Location"))
		}
		servertest.CodeOf(t, b.Get(back))
	})
}

func TestVerifierIsRedeemedOnce(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		for _, remembered := range []bool{false, true} {
			b := s.NewBrowser()
			if remembered { // so that the login app lets them skip
				p := b.SignInByApp(s, b.Get("/oauth2/auth?"+servertest.AuthorizationRequest().Encode()), servertest.Object{"subject": "jo", "remember": true})
				servertest.CodeOf(t, b.ConsentByApp(s, p, servertest.Object{"grant_scope": servertest.AllScopes}))
			}
			back := s.RedirectTo(s.AnswerChallenge("login/accept", s.LoginChallenge(b.Get("/oauth2/auth?"+servertest.AuthorizationRequest().Encode())), servertest.Object{"subject": "jo", "remember": true}))
			p := b.Get(back)
			refused := func(what, back string) {
				t.Helper()
				if p := b.Get(back); p.Status != http.StatusBadRequest || len(p.Header.Values("Set-Cookie")) > 0 {
					t.Errorf("%s: %d to %q", what, p.Status, p.Header.Get("Location"))
				}
			}
			refused("login verifier again", back)
			consented := s.RedirectTo(s.AnswerChallenge("consent/accept", s.ConsentChallenge(p), servertest.Object{"grant_scope": servertest.AllScopes}))
			refused("login verifier after consent", back)
			refused("without the verifier", s.URL+"/oauth2/auth?continue="+s.ConsentChallenge(p)[:31])
			refused("a login verifier in place of one of consent", strings.Replace(back, "login_", "consent_", 1))
			refused("one made up", consented[:len(consented)-32]+strings.Repeat("0", 32))
			servertest.CodeOf(t, b.Get(consented))
			refused("consent verifier again", consented)
		}
	})
}

// Signing out does not leave a way to be signed in again.
func TestVerifierEndsWithSession(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		b := s.NewBrowser()
		back := s.RedirectTo(s.AnswerChallenge("login/accept", s.LoginChallenge(b.Get("/oauth2/auth?"+servertest.AuthorizationRequest().Encode())), servertest.Object{"subject": "jo"}))
		consent := s.ConsentChallenge(b.Get(back))
		accepted := s.RedirectTo(s.AnswerChallenge("consent/accept", consent, servertest.Object{"grant_scope": servertest.AllScopes}))
		if _, err := s.Store.Sessions.EndSessionsOf(t.Context(), "jo", s.Time()); err != nil {
			t.Fatal(err)
		}
		if p := b.Get(back); p.Status != http.StatusBadRequest {
			t.Errorf("login verifier: %d to %q", p.Status, p.Header.Get("Location"))
		}
		s.LoginChallenge(b.Get(accepted)) // begins again
	})
}

func TestConcurrentVerifiersOneSucceeds(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		b := s.NewBrowser()
		back := s.RedirectTo(s.AnswerChallenge("login/accept", s.LoginChallenge(b.Get("/oauth2/auth?"+servertest.AuthorizationRequest().Encode())), servertest.Object{"subject": "jo"}))
		var group sync.WaitGroup
		var mu sync.Mutex
		through := 0
		for range 8 {
			group.Go(func() {
				if b.Get(back).Status == http.StatusSeeOther {
					mu.Lock()
					through++
					mu.Unlock()
				}
			})
		}
		group.Wait()
		if through != 1 {
			t.Errorf("%d of 8 came through, want 1", through)
		}
	})
}

// Tabs of one client do not disturb each other.
func TestAppsInTwoTabs(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		b := s.NewBrowser()
		one := b.Get("/oauth2/auth?" + servertest.AuthorizationRequest().Encode())
		two := b.Get("/oauth2/auth?" + servertest.AuthorizationRequest().Encode())
		one = b.SignInByApp(s, one, servertest.Object{"subject": "jo"})
		two = b.SignInByApp(s, two, servertest.Object{"subject": "jo"})
		two = b.ConsentByApp(s, two, servertest.Object{"grant_scope": servertest.AllScopes})
		one = b.ConsentByApp(s, one, servertest.Object{"grant_scope": []string{"openid"}})
		first, second := s.ExchangeCode(servertest.CodeOf(t, one)), s.ExchangeCode(servertest.CodeOf(t, two))
		if first["scope"] != "openid" || second["scope"] != "openid offline_access api" {
			t.Errorf("scopes are %v and %v", first["scope"], second["scope"])
		}
	})
}

func TestAnsweredAndUnknownChallenges(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		const requests = "/admin/oauth2/auth/requests/"
		b := s.NewBrowser()
		login := s.LoginChallenge(b.Get("/oauth2/auth?" + servertest.AuthorizationRequest().Encode()))
		consent := login[:31] + "2"
		early := s.AnswerChallenge("consent/accept", consent, servertest.Object{"grant_scope": servertest.AllScopes})
		if early.Status != http.StatusNotFound {
			t.Errorf("a consent before anybody signed in: %d %s", early.Status, early.Body)
		}
		back := s.RedirectTo(s.AnswerChallenge("login/accept", login, servertest.Object{"subject": "jo"}))
		gone := func(what string, p servertest.Response) {
			t.Helper()
			if to := servertest.Text(p.JSON(t)["redirect_to"]); p.Status != http.StatusGone || !strings.HasPrefix(to, s.URL+"/oauth2/auth?") || strings.Contains(to, "verifier") {
				t.Errorf("%s: %d %s, want 410 and where to begin anew", what, p.Status, p.Body)
			}
		}
		gone("GET login", s.CallAdmin(http.MethodGet, requests+"login?login_challenge="+login, ""))
		gone("accept login again", s.AnswerChallenge("login/accept", login, servertest.Object{"subject": "kim"}))
		gone("reject login afterwards", s.AnswerChallenge("login/reject", login, servertest.Object{}))
		p := b.Get(back)
		s.RedirectTo(s.AnswerChallenge("consent/reject", s.ConsentChallenge(p), servertest.Object{}))
		gone("GET consent", s.CallAdmin(http.MethodGet, requests+"consent?consent_challenge="+consent, ""))
		gone("accept consent afterwards", s.AnswerChallenge("consent/accept", consent, servertest.Object{"grant_scope": servertest.AllScopes}))

		for _, unknown := range []string{"nothing", strings.Repeat("0", 31) + "1", strings.ToUpper(login), consent, login + "0", strings.Repeat("z", 32)} {
			if p := s.CallAdmin(http.MethodGet, requests+"login?login_challenge="+unknown, ""); p.Status != http.StatusNotFound || p.JSON(t)["status_code"] != 404.0 {
				t.Errorf("challenge %q: %d %s", unknown, p.Status, p.Body)
			}
			if p := s.AnswerChallenge("login/accept", unknown, servertest.Object{"subject": "jo"}); p.Status != http.StatusNotFound {
				t.Errorf("accept %q: %d %s", unknown, p.Status, p.Body)
			}
		}
		servertest.WantError(t, s.CallAdmin(http.MethodGet, requests+"login", ""), http.StatusBadRequest, "invalid_request")

		login = s.LoginChallenge(b.Get("/oauth2/auth?" + servertest.AuthorizationRequest().Encode()))
		s.Advance(30*time.Minute + time.Second)
		if p := s.AnswerChallenge("login/accept", login, servertest.Object{"subject": "jo"}); p.Status != http.StatusNotFound {
			t.Errorf("after its time: %d %s", p.Status, p.Body)
		}
	})
}

func TestInvalidAppAnswersAreRejected(t *testing.T) {
	t.Parallel()
	s := servertest.StartWithApps(t, storetest.New(t), nil)
	b := s.NewBrowser()
	login := s.LoginChallenge(b.Get("/oauth2/auth?" + servertest.AuthorizationRequest().Encode()))
	accept := "/admin/oauth2/auth/requests/login/accept?login_challenge=" + login
	long := strings.Repeat("x", 256)
	for _, body := range []string{
		``, `{`, `[]`, `"x"`, `{"subject":"a","subject":"b"}`, `{"subject":1}`, `{}`, `{"subject":""}`, `{"subject":"a\u0000"}`,
		`{"subject":"` + long + `"}`, `{"subject":"a\u0007"}`, `{"subject":"a","remember_for":-1}`, `{"subject":"a","remember":"yes"}`,
		`{"subject":"a","amr":["p w"]}`, `{"subject":"a","amr":[""]}`, `{"subject":"a","acr":"` + long + `"}`,
		`{"subject":"a","force_subject_identifier":"` + long + `"}`, `{"subject":"a","context":"` + strings.Repeat("x", 9000) + `"}`,
	} {
		servertest.WantError(t, s.CallAdmin(http.MethodPut, accept, body), http.StatusBadRequest, "invalid_request")
	}
	if p := s.CallAdmin(http.MethodPut, accept, `{"subject":"`+strings.Repeat("x", 70_000)+`"}`); p.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("a long body: %d", p.Status)
	}
	if p := s.CallAdmin(http.MethodPost, accept, `{"subject":"a"}`); p.Status != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", p.Status)
	}
	p := b.Get(s.RedirectTo(s.AnswerChallenge("login/accept", login, servertest.Object{"subject": "jo", "remember_for": 1 << 62})))
	consent := "/admin/oauth2/auth/requests/consent/accept?consent_challenge=" + s.ConsentChallenge(p)
	for _, body := range []string{
		`{"grant_scope":"openid"}`, `{"session":{"id_token":[]}}`, `{"session":{"access_token":"x"}}`, `{"session":[]}`, `{"remember_for":-1}`,
		`{"session":{"id_token":{"x":"` + strings.Repeat("x", 9000) + `"}}}`,
	} {
		servertest.WantError(t, s.CallAdmin(http.MethodPut, consent, body), http.StatusBadRequest, "invalid_request")
	}
	s.RedirectTo(s.CallAdmin(http.MethodPut, consent, `{"grant_scope":null,"session":null,"handled_at":null}`))
}

// Users of a login app can be disabled like all others, which ends their tokens.
func TestAppUserCanBeDisabled(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		b := s.NewBrowser()
		tokens := s.ExchangeCode(servertest.CodeOf(t, b.AuthorizeByApps(s, servertest.AuthorizationRequest(), "jo")))
		waiting := s.RedirectTo(s.AnswerChallenge("login/accept", s.LoginChallenge(b.Get("/oauth2/auth?"+servertest.AuthorizationRequest().Encode())), servertest.Object{"subject": "jo"}))
		s.Advance(time.Second)
		if err := s.Store.Accounts.SetDisabled(t.Context(), "jo", true, s.Time()); err != nil {
			t.Fatal(err)
		}
		if s.IsActive(tokens["access_token"]) || s.Refresh(tokens["refresh_token"]).Status == http.StatusOK {
			t.Error("what was given before is good")
		}
		wantRefusal(t, "an answer from before", b.Get(waiting), "access_denied", "This account may not sign in")
		p := s.AnswerChallenge("login/accept", s.LoginChallenge(b.Get("/oauth2/auth?"+servertest.AuthorizationRequest().Encode())), servertest.Object{"subject": "jo"})
		servertest.WantError(t, p, http.StatusForbidden, "request_forbidden")

		if err := s.Store.Accounts.SetDisabled(t.Context(), "jo", false, s.Time()); err != nil {
			t.Fatal(err)
		}
		s.Advance(time.Second)
		tokens = s.ExchangeCode(servertest.CodeOf(t, b.AuthorizeByApps(s, servertest.AuthorizationRequest(), "jo")))
		if err := s.Store.Accounts.DeleteAccount(t.Context(), "jo", s.Time()); err != nil {
			t.Fatal(err)
		}
		s.Advance(time.Second)
		again := s.ExchangeCode(servertest.CodeOf(t, b.AuthorizeByApps(s, servertest.AuthorizationRequest(), "jo")))
		if s.IsActive(tokens["access_token"]) || !s.IsActive(again["access_token"]) {
			t.Error("with the subject, what was given before came back")
		}
	})
}

// The subjects of a login app and the usernames of accounts are separate.
func TestAppSubjectIsNotAUsername(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		tokens := s.ExchangeCode(servertest.CodeOf(t, s.NewBrowser().AuthorizeByApps(s, servertest.AuthorizationRequest(), "ada")))
		if got := servertest.Claims(t, tokens["id_token"])["sub"]; got != "ada" {
			t.Errorf("sub = %v", got)
		}
		ada, err := s.Store.Accounts.AccountByUsername(t.Context(), "ada")
		if err != nil || ada.Subject == "ada" {
			t.Errorf("the account of ada is %v, %v", ada, err)
		}
		added, err := s.Store.Accounts.Account(t.Context(), "ada")
		if err != nil || !added.IsExternal() || added.Name() != "" || added.Password != nil {
			t.Errorf("the account of the subject is %+v, %v", added, err)
		}
		// An existing subject is used unchanged.
		tokens = s.ExchangeCode(servertest.CodeOf(t, s.NewBrowser().AuthorizeByApps(s, servertest.AuthorizationRequest(), ada.Subject)))
		servertest.WantMembers(t, s.PostForm("/oauth2/introspect", servertest.Form("token", servertest.Text(tokens["access_token"]))).JSON(t), servertest.Object{"username": "ada"})
	})
}

// A login app may extend the session in which the user continues.
func TestAppExtendsSession(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.StartWithApps(t, db, nil)
		b := s.NewBrowser()
		p := b.SignInByApp(s, b.Get("/oauth2/auth?"+servertest.AuthorizationRequest().Encode()), servertest.Object{"subject": "jo", "remember": true, "remember_for": 3600})
		servertest.CodeOf(t, b.ConsentByApp(s, p, servertest.Object{"grant_scope": servertest.AllScopes}))
		skip := func() any {
			t.Helper()
			p = b.Get("/oauth2/auth?" + servertest.AuthorizationRequest().Encode())
			return s.CallAdmin(http.MethodGet, "/oauth2/auth/requests/login?login_challenge="+s.LoginChallenge(p), "").JSON(t)["skip"]
		}
		s.Advance(50 * time.Minute)
		if skip() != true {
			t.Fatal("the session is over before its time")
		}
		b.SignInByApp(s, p, servertest.Object{"subject": "jo", "remember_for": 7200, "extend_session_lifespan": true})
		s.Advance(100 * time.Minute)
		if skip() != true {
			t.Fatal("the session was not extended")
		}
		b.SignInByApp(s, p, servertest.Object{"subject": "jo", "remember_for": 7200}) // which extends nothing
		s.Advance(30 * time.Minute)
		if skip() != false {
			t.Error("the session was extended unasked")
		}
	})
}

// The logout token has the subject that the login app chose for the client.
func TestForcedSubjectIsInLogoutToken(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		s.ImportClient(`{"client_id": "told", "client_secret": "told-secret-told-secret-told-sec", "redirect_uris": ["` + servertest.RedirectURI + `"],
			"scope": "openid", "backchannel_logout_uri": "https://told.example/out"}`)
		b := s.NewBrowser()
		p := b.SignInByApp(s, b.Get("/oauth2/auth?"+servertest.AuthorizationRequest("client_id", "told", "scope", "openid").Encode()),
			servertest.Object{"subject": "jo", "force_subject_identifier": "as-jo"})
		servertest.CodeOf(t, b.ConsentByApp(s, p, servertest.Object{"grant_scope": []string{"openid"}}))
		if _, err := s.Store.Sessions.EndSessionsOf(t.Context(), "jo", s.Time()); err != nil {
			t.Fatal(err)
		}
		list, err := s.Store.Outbox.ListNotices(t.Context(), store.NoticeFilter{ClientID: "told"}, "", 10)
		if err != nil || len(list) != 1 || list[0].ForcedSubject != "as-jo" || list[0].Subject != "jo" {
			t.Errorf("the notices are %+v, %v", list, err)
		}
	})
}

// A database outage is not reported as an invalid challenge or verifier.
func TestLostDatabaseIsUnavailableToApps(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		b := s.NewBrowser()
		login := s.LoginChallenge(b.Get("/oauth2/auth?" + servertest.AuthorizationRequest().Encode()))
		back := s.RedirectTo(s.AnswerChallenge("login/accept", login, servertest.Object{"subject": "jo"}))
		s.Store.Close()
		for what, p := range map[string]servertest.Response{
			"GET":             s.CallAdmin(http.MethodGet, "/oauth2/auth/requests/login?login_challenge="+login, ""),
			"accept":          s.AnswerChallenge("login/accept", login, servertest.Object{"subject": "jo"}),
			"reject":          s.AnswerChallenge("login/reject", login, servertest.Object{}),
			"GET consent":     s.CallAdmin(http.MethodGet, "/oauth2/auth/requests/consent?consent_challenge="+login[:31]+"2", ""),
			"accept consent":  s.AnswerChallenge("consent/accept", login[:31]+"2", servertest.Object{}),
			"back":            b.Get(back),
			"back once more":  b.Get(strings.Replace(back, "login_verifier="+login, "consent_verifier="+login[:31]+"2", 1)),
			"a new beginning": b.Get("/oauth2/auth?" + servertest.AuthorizationRequest().Encode()),
		} {
			if p.Status != http.StatusServiceUnavailable || p.Header.Get("Retry-After") == "" || strings.Contains(p.Body, "sql") {
				t.Errorf("%s: %d\n%s", what, p.Status, p.Body)
			}
		}
	})
}
