package main

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// Whoever is sent somebody else's way back does not get on with it, and spends
// nothing of theirs.
func TestAVerifierIsGoodInOneBrowserAlone(t *testing.T) {
	eachApart(t, func(t *testing.T, s *apart) {
		t.Helper()
		b, other := s.browser(), s.browser()
		other.get("/oauth2/auth?" + asking().Encode())
		back := s.to(s.put("login/accept", s.login(b.get("/oauth2/auth?"+asking().Encode())), object{"subject": "jo"}))
		for range 2 {
			p := other.get(back)
			if p.status != http.StatusBadRequest || !strings.Contains(p.body, "expired_request") || len(p.header.Values("Set-Cookie")) > 0 {
				t.Fatalf("another browser gets %d to %q, %v", p.status, p.header.Get("Location"), p.header.Values("Set-Cookie"))
			}
		}
		p := b.get(back)
		back = s.to(s.put("consent/accept", s.consent(p), object{"grant_scope": allScopes}))
		if p := other.get(back); p.status != http.StatusBadRequest {
			t.Errorf("another browser gets %d to %q", p.status, p.header.Get("Location"))
		}
		codeOf(t, b.get(back))
	})
}

func TestAVerifierIsSpentOnce(t *testing.T) {
	eachApart(t, func(t *testing.T, s *apart) {
		t.Helper()
		for _, remembered := range []bool{false, true} {
			b := s.browser()
			if remembered { // so that the login app lets them skip
				p := b.signIn(s, b.get("/oauth2/auth?"+asking().Encode()), object{"subject": "jo", "remember": true})
				codeOf(t, b.agree(s, p, object{"grant_scope": allScopes}))
			}
			back := s.to(s.put("login/accept", s.login(b.get("/oauth2/auth?"+asking().Encode())), object{"subject": "jo", "remember": true}))
			p := b.get(back)
			refused := func(what, back string) {
				t.Helper()
				if p := b.get(back); p.status != http.StatusBadRequest || len(p.header.Values("Set-Cookie")) > 0 {
					t.Errorf("%s: %d to %q", what, p.status, p.header.Get("Location"))
				}
			}
			refused("login verifier again", back)
			consented := s.to(s.put("consent/accept", s.consent(p), object{"grant_scope": allScopes}))
			refused("login verifier after consent", back)
			refused("without the verifier", s.url+"/oauth2/auth?continue="+s.consent(p)[:31])
			refused("a login verifier in place of one of consent", strings.Replace(back, "login_", "consent_", 1))
			refused("one made up", consented[:len(consented)-32]+strings.Repeat("0", 32))
			codeOf(t, b.get(consented))
			refused("consent verifier again", consented)
		}
	})
}

// Signing out does not leave a way to be signed in again.
func TestAVerifierDoesNotOutliveItsSession(t *testing.T) {
	eachApart(t, func(t *testing.T, s *apart) {
		t.Helper()
		b := s.browser()
		back := s.to(s.put("login/accept", s.login(b.get("/oauth2/auth?"+asking().Encode())), object{"subject": "jo"}))
		consent := s.consent(b.get(back))
		accepted := s.to(s.put("consent/accept", consent, object{"grant_scope": allScopes}))
		if _, err := s.store.EndSessionsOf(t.Context(), "jo", s.time()); err != nil {
			t.Fatal(err)
		}
		if p := b.get(back); p.status != http.StatusBadRequest {
			t.Errorf("login verifier: %d to %q", p.status, p.header.Get("Location"))
		}
		s.login(b.get(accepted)) // begins anew
	})
}

func TestOneOfManyComesBack(t *testing.T) {
	eachApart(t, func(t *testing.T, s *apart) {
		t.Helper()
		b := s.browser()
		back := s.to(s.put("login/accept", s.login(b.get("/oauth2/auth?"+asking().Encode())), object{"subject": "jo"}))
		var group sync.WaitGroup
		var mu sync.Mutex
		through := 0
		for range 8 {
			group.Go(func() {
				if b.get(back).status == http.StatusSeeOther {
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
	eachApart(t, func(t *testing.T, s *apart) {
		t.Helper()
		b := s.browser()
		one := b.get("/oauth2/auth?" + asking().Encode())
		two := b.get("/oauth2/auth?" + asking().Encode())
		one = b.signIn(s, one, object{"subject": "jo"})
		two = b.signIn(s, two, object{"subject": "jo"})
		two = b.agree(s, two, object{"grant_scope": allScopes})
		one = b.agree(s, one, object{"grant_scope": []string{"openid"}})
		first, second := s.tokens(codeOf(t, one)), s.tokens(codeOf(t, two))
		if first["scope"] != "openid" || second["scope"] != "openid offline_access api" {
			t.Errorf("scopes are %v and %v", first["scope"], second["scope"])
		}
	})
}

func TestAnsweredAndUnknownChallenges(t *testing.T) {
	eachApart(t, func(t *testing.T, s *apart) {
		t.Helper()
		const requests = "/admin/oauth2/auth/requests/"
		b := s.browser()
		login := s.login(b.get("/oauth2/auth?" + asking().Encode()))
		consent := login[:31] + "2"
		early := s.put("consent/accept", consent, object{"grant_scope": allScopes})
		if early.status != http.StatusNotFound {
			t.Errorf("a consent before anybody signed in: %d %s", early.status, early.body)
		}
		back := s.to(s.put("login/accept", login, object{"subject": "jo"}))
		gone := func(what string, p reply) {
			t.Helper()
			if to := text(p.json(t)["redirect_to"]); p.status != http.StatusGone || !strings.HasPrefix(to, s.url+"/oauth2/auth?") || strings.Contains(to, "verifier") {
				t.Errorf("%s: %d %s, want 410 and where to begin anew", what, p.status, p.body)
			}
		}
		gone("GET login", s.ask(http.MethodGet, requests+"login?login_challenge="+login, ""))
		gone("accept login again", s.put("login/accept", login, object{"subject": "kim"}))
		gone("reject login afterwards", s.put("login/reject", login, object{}))
		p := b.get(back)
		s.to(s.put("consent/reject", s.consent(p), object{}))
		gone("GET consent", s.ask(http.MethodGet, requests+"consent?consent_challenge="+consent, ""))
		gone("accept consent afterwards", s.put("consent/accept", consent, object{"grant_scope": allScopes}))

		for _, unknown := range []string{"nothing", strings.Repeat("0", 31) + "1", strings.ToUpper(login), consent, login + "0", strings.Repeat("z", 32)} {
			if p := s.ask(http.MethodGet, requests+"login?login_challenge="+unknown, ""); p.status != http.StatusNotFound || p.json(t)["status_code"] != 404.0 {
				t.Errorf("challenge %q: %d %s", unknown, p.status, p.body)
			}
			if p := s.put("login/accept", unknown, object{"subject": "jo"}); p.status != http.StatusNotFound {
				t.Errorf("accept %q: %d %s", unknown, p.status, p.body)
			}
		}
		wantError(t, s.ask(http.MethodGet, requests+"login", ""), http.StatusBadRequest, "invalid_request")

		login = s.login(b.get("/oauth2/auth?" + asking().Encode()))
		s.pass(requestLifetime + time.Second)
		if p := s.put("login/accept", login, object{"subject": "jo"}); p.status != http.StatusNotFound {
			t.Errorf("after its time: %d %s", p.status, p.body)
		}
	})
}

func TestWhatAppsMayNotSay(t *testing.T) {
	t.Parallel()
	s := startApart(t, storetest.New(t), nil)
	b := s.browser()
	login := s.login(b.get("/oauth2/auth?" + asking().Encode()))
	accept := "/admin/oauth2/auth/requests/login/accept?login_challenge=" + login
	long := strings.Repeat("x", 256)
	for _, body := range []string{
		``, `{`, `[]`, `"x"`, `{"subject":"a","subject":"b"}`, `{"subject":1}`, `{}`, `{"subject":""}`, `{"subject":"a\u0000"}`,
		`{"subject":"` + long + `"}`, `{"subject":"a\u0007"}`, `{"subject":"a","remember_for":-1}`, `{"subject":"a","remember":"yes"}`,
		`{"subject":"a","amr":["p w"]}`, `{"subject":"a","amr":[""]}`, `{"subject":"a","acr":"` + long + `"}`,
		`{"subject":"a","force_subject_identifier":"` + long + `"}`, `{"subject":"a","context":"` + strings.Repeat("x", 9000) + `"}`,
	} {
		wantError(t, s.ask(http.MethodPut, accept, body), http.StatusBadRequest, "invalid_request")
	}
	if p := s.ask(http.MethodPut, accept, `{"subject":"`+strings.Repeat("x", 70_000)+`"}`); p.status != http.StatusRequestEntityTooLarge {
		t.Errorf("a long body: %d", p.status)
	}
	if p := s.ask(http.MethodPost, accept, `{"subject":"a"}`); p.status != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", p.status)
	}
	p := b.get(s.to(s.put("login/accept", login, object{"subject": "jo", "remember_for": 1 << 62})))
	consent := "/admin/oauth2/auth/requests/consent/accept?consent_challenge=" + s.consent(p)
	for _, body := range []string{
		`{"grant_scope":"openid"}`, `{"session":{"id_token":[]}}`, `{"session":{"access_token":"x"}}`, `{"session":[]}`, `{"remember_for":-1}`,
		`{"session":{"id_token":{"x":"` + strings.Repeat("x", 9000) + `"}}}`,
	} {
		wantError(t, s.ask(http.MethodPut, consent, body), http.StatusBadRequest, "invalid_request")
	}
	s.to(s.ask(http.MethodPut, consent, `{"grant_scope":null,"session":null,"handled_at":null}`))
}

// People whom a login app brings can be kept out like any others, and what was
// given to them ends.
func TestWhoAnAppBringsCanBeKeptOut(t *testing.T) {
	eachApart(t, func(t *testing.T, s *apart) {
		t.Helper()
		b := s.browser()
		tokens := s.tokens(codeOf(t, b.through(s, asking(), "jo")))
		waiting := s.to(s.put("login/accept", s.login(b.get("/oauth2/auth?"+asking().Encode())), object{"subject": "jo"}))
		s.pass(time.Second)
		if err := s.store.SetDisabled(t.Context(), "jo", true, s.time()); err != nil {
			t.Fatal(err)
		}
		if s.active(tokens["access_token"]) || s.refresh(tokens["refresh_token"]).status == http.StatusOK {
			t.Error("what was given before is good")
		}
		wantRefusal(t, "an answer from before", b.get(waiting), "access_denied", "This account may not sign in")
		p := s.put("login/accept", s.login(b.get("/oauth2/auth?"+asking().Encode())), object{"subject": "jo"})
		wantError(t, p, http.StatusForbidden, "request_forbidden")

		if err := s.store.SetDisabled(t.Context(), "jo", false, s.time()); err != nil {
			t.Fatal(err)
		}
		s.pass(time.Second)
		tokens = s.tokens(codeOf(t, b.through(s, asking(), "jo")))
		if err := s.store.DeleteAccount(t.Context(), "jo", s.time()); err != nil {
			t.Fatal(err)
		}
		s.pass(time.Second)
		again := s.tokens(codeOf(t, b.through(s, asking(), "jo")))
		if s.active(tokens["access_token"]) || !s.active(again["access_token"]) {
			t.Error("with the subject, what was given before came back")
		}
	})
}

// The names of those whom an app brings and of those who have an account here do
// not meet.
func TestASubjectTakesNobodysName(t *testing.T) {
	eachApart(t, func(t *testing.T, s *apart) {
		t.Helper()
		tokens := s.tokens(codeOf(t, s.browser().through(s, asking(), "ada")))
		if got := claims(t, tokens["id_token"])["sub"]; got != "ada" {
			t.Errorf("sub = %v", got)
		}
		ada, err := s.store.AccountByUsername(t.Context(), "ada")
		if err != nil || ada.Subject == "ada" {
			t.Errorf("the account of ada is %v, %v", ada, err)
		}
		brought, err := s.store.Account(t.Context(), "ada")
		if err != nil || !brought.IsExternal() || brought.Name() != "" || brought.PasswordHash != "" {
			t.Errorf("the account of the subject is %+v, %v", brought, err)
		}
		// One that is here already is used as it is.
		tokens = s.tokens(codeOf(t, s.browser().through(s, asking(), ada.Subject)))
		wantMembers(t, s.call("/oauth2/introspect", asForm("token", text(tokens["access_token"]))).json(t), object{"username": "ada"})
	})
}

// A login app may prolong the session that a person goes on in.
func TestAnAppExtendsASession(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startApart(t, db, nil)
		b := s.browser()
		p := b.signIn(s, b.get("/oauth2/auth?"+asking().Encode()), object{"subject": "jo", "remember": true, "remember_for": 3600})
		codeOf(t, b.agree(s, p, object{"grant_scope": allScopes}))
		skip := func() any {
			t.Helper()
			p = b.get("/oauth2/auth?" + asking().Encode())
			return s.ask(http.MethodGet, "/oauth2/auth/requests/login?login_challenge="+s.login(p), "").json(t)["skip"]
		}
		s.pass(50 * time.Minute)
		if skip() != true {
			t.Fatal("the session is over before its time")
		}
		b.signIn(s, p, object{"subject": "jo", "remember_for": 7200, "extend_session_lifespan": true})
		s.pass(100 * time.Minute)
		if skip() != true {
			t.Fatal("the session was not extended")
		}
		b.signIn(s, p, object{"subject": "jo", "remember_for": 7200}) // which extends nothing
		s.pass(30 * time.Minute)
		if skip() != false {
			t.Error("the session was extended unasked")
		}
	})
}

// A client hears of a sign-out by the name that it knows the person by.
func TestAForcedSubjectIsAlsoThatOfASignOut(t *testing.T) {
	eachApart(t, func(t *testing.T, s *apart) {
		t.Helper()
		s.bring(`{"client_id": "told", "client_secret": "told-secret-told-secret-told-sec", "redirect_uris": ["` + testCallback + `"],
			"scope": "openid", "backchannel_logout_uri": "https://told.example/out"}`)
		b := s.browser()
		p := b.signIn(s, b.get("/oauth2/auth?"+asking("client_id", "told", "scope", "openid").Encode()),
			object{"subject": "jo", "force_subject_identifier": "as-jo"})
		codeOf(t, b.agree(s, p, object{"grant_scope": []string{"openid"}}))
		if _, err := s.store.EndSessionsOf(t.Context(), "jo", s.time()); err != nil {
			t.Fatal(err)
		}
		list, err := s.store.ListNotices(t.Context(), store.NoticeFilter{ClientID: "told"}, "", 10)
		if err != nil || len(list) != 1 || list[0].KnownAs != "as-jo" || list[0].Subject != "jo" {
			t.Errorf("the notices are %+v, %v", list, err)
		}
	})
}

// A lost database is no verdict on what an app or a person brings.
func TestALostDatabaseIsNoVerdictOnApps(t *testing.T) {
	eachApart(t, func(t *testing.T, s *apart) {
		t.Helper()
		b := s.browser()
		login := s.login(b.get("/oauth2/auth?" + asking().Encode()))
		back := s.to(s.put("login/accept", login, object{"subject": "jo"}))
		s.store.Close()
		for what, p := range map[string]reply{
			"GET":             s.ask(http.MethodGet, "/oauth2/auth/requests/login?login_challenge="+login, ""),
			"accept":          s.put("login/accept", login, object{"subject": "jo"}),
			"reject":          s.put("login/reject", login, object{}),
			"GET consent":     s.ask(http.MethodGet, "/oauth2/auth/requests/consent?consent_challenge="+login[:31]+"2", ""),
			"accept consent":  s.put("consent/accept", login[:31]+"2", object{}),
			"back":            b.get(back),
			"back once more":  b.get(strings.Replace(back, "login_verifier="+login, "consent_verifier="+login[:31]+"2", 1)),
			"a new beginning": b.get("/oauth2/auth?" + asking().Encode()),
		} {
			if p.status != http.StatusServiceUnavailable || p.header.Get("Retry-After") == "" || strings.Contains(p.body, "sql") {
				t.Errorf("%s: %d\n%s", what, p.status, p.body)
			}
		}
	})
}
