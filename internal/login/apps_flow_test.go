package login_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// A user without an account signs in and consents in custom apps, and everything that the
// apps answer reaches the tokens.
func TestAppSignsUserIn(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		b := s.NewBrowser()
		form := servertest.AuthorizationRequest("login_hint", "jo@example", "acr_values", "gold", "ui_locales", "de en", "display", "page", "resource", "https://api.example")
		p := b.Get("/oauth2/auth?" + form.Encode())
		challenge := s.LoginChallenge(p)

		got := s.CallAdmin(http.MethodGet, "/oauth2/auth/requests/login?login_challenge="+challenge, "").JSON(t)
		servertest.WantMembers(t, got, servertest.Object{
			"challenge": challenge, "skip": false, "subject": "", "requested_scope": []any{"openid", "offline_access", "api"},
			"requested_access_token_audience": []any{"https://api.example"},
			"oidc_context": servertest.Object{
				"acr_values": []any{"gold"}, "ui_locales": []any{"de", "en"}, "display": "page", "login_hint": "jo@example",
			},
		})
		c, _ := got["client"].(servertest.Object)
		if c["client_id"] != "web" || c["client_secret"] != nil || c["skip_consent"] != true || c["owner"] != "" {
			t.Errorf("the client is %v", c)
		}
		again, err := url.Parse(servertest.Text(got["request_url"]))
		if err != nil || !strings.HasPrefix(again.String(), s.URL+"/oauth2/auth?") || again.Query().Get("state") != "a state" ||
			strings.Contains(again.String(), "ostiary_") {
			t.Errorf("request_url = %v", got["request_url"])
		}

		p = b.SignInByApp(s, p, servertest.Object{
			"subject": "jo@example", "acr": "gold", "amr": []string{"fido", "pin"}, "context": servertest.Object{"tenant": 7},
			"identity_provider_session_id": "theirs", "unknown": true,
		})
		consent := s.ConsentChallenge(p)
		pending := s.CallAdmin(http.MethodGet, "/admin/oauth2/auth/requests/consent/?consent_challenge="+consent, "").JSON(t)
		servertest.WantMembers(t, pending, servertest.Object{
			"challenge": consent, "skip": false, "subject": "jo@example", "login_challenge": challenge,
			"login_session_id": got["session_id"], "acr": "gold", "amr": []any{"fido", "pin"}, "context": servertest.Object{"tenant": 7.0},
			"requested_scope": []any{"openid", "offline_access", "api"}, "request_url": got["request_url"],
		})

		p = b.ConsentByApp(s, p, servertest.Object{
			"grant_scope": []string{"openid", "offline_access", "never asked for"}, "grant_access_token_audience": []string{"https://api.example"},
			"handled_at": "2026-01-01T00:00:00Z",
			"session": servertest.Object{
				"id_token":     servertest.Object{"email": "jo@example", "iss": "https://evil", "sub": "somebody", "nonce": "x", "groups": []string{"a"}},
				"access_token": servertest.Object{"tenant": 7, "sub": "within ext"},
			},
		})
		if got := p.Location().Query().Get("state"); got != "a state" || !strings.HasPrefix(p.Location().String(), "https://client.example/") {
			t.Errorf("answer goes to %s", p.Location())
		}
		tokens := s.ExchangeCode(servertest.CodeOf(t, p))
		if tokens["scope"] != "openid offline_access" {
			t.Errorf("scope = %v, want what was granted of what was asked for", tokens["scope"])
		}
		for range 2 { // a refresh keeps the answer of the consent app
			servertest.WantMembers(t, servertest.Claims(t, tokens["id_token"]), servertest.Object{
				"iss": s.URL, "sub": "jo@example", "acr": "gold", "amr": []any{"fido", "pin"}, "sid": got["session_id"],
				"email": "jo@example", "groups": []any{"a"}, "preferred_username": nil,
			})
			servertest.WantMembers(t, servertest.Claims(t, tokens["access_token"]), servertest.Object{
				"sub": "jo@example", "aud": []any{"https://api.example", s.URL}, "ext": servertest.Object{"tenant": 7.0, "sub": "within ext"},
			})
			servertest.WantMembers(t, s.Userinfo(tokens["access_token"]).JSON(t), servertest.Object{"sub": "jo@example", "email": "jo@example", "preferred_username": nil})
			introspected := s.PostForm("/oauth2/introspect", url.Values{"token": {servertest.Text(tokens["access_token"])}}).JSON(t)
			servertest.WantMembers(t, introspected, servertest.Object{"active": true, "ext": servertest.Object{"tenant": 7.0, "sub": "within ext"}, "username": nil})
			tokens = s.Refresh(tokens["refresh_token"]).JSON(t)
		}
	})
}

func TestAppGetsEachRequest(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		b := s.NewBrowser()
		first := b.Get("/oauth2/auth?" + servertest.AuthorizationRequest().Encode())
		p := b.SignInByApp(s, first, servertest.Object{"subject": "jo", "remember": true, "remember_for": 3600, "acr": "silver"})
		servertest.CodeOf(t, b.ConsentByApp(s, p, servertest.Object{"grant_scope": servertest.AllScopes, "remember": true}))

		s.Advance(time.Minute)
		second := b.Get("/oauth2/auth?" + servertest.AuthorizationRequest().Encode())
		got := s.CallAdmin(http.MethodGet, "/oauth2/auth/requests/login?challenge="+s.LoginChallenge(second), "").JSON(t)
		servertest.WantMembers(t, got, servertest.Object{"skip": true, "subject": "jo"})

		other := s.AnswerChallenge("login/accept", s.LoginChallenge(second), servertest.Object{"subject": "somebody else"})
		if to := s.RedirectTo(other); !strings.HasPrefix(to, s.URL+"/oauth2/auth?") || !strings.Contains(to, "prompt=login") {
			t.Errorf("for another subject the way is %s, want to sign in", to)
		}

		p = b.SignInByApp(s, second, servertest.Object{"subject": "jo", "acr": "gold"})
		pending := s.CallAdmin(http.MethodGet, "/oauth2/auth/requests/consent?consent_challenge="+s.ConsentChallenge(p), "").JSON(t)
		servertest.WantMembers(t, pending, servertest.Object{"skip": true, "subject": "jo", "login_session_id": got["session_id"], "acr": "gold"})
		tokens := s.ExchangeCode(servertest.CodeOf(t, b.ConsentByApp(s, p, servertest.Object{"grant_scope": servertest.AllScopes, "session": servertest.Object{"id_token": servertest.Object{"new": 1}}})))
		servertest.WantMembers(t, servertest.Claims(t, tokens["id_token"]), servertest.Object{"sid": got["session_id"], "acr": "gold", "new": 1.0})

		for name, form := range map[string]url.Values{
			"prompt=login": servertest.AuthorizationRequest("prompt", "login"), "max_age=0": servertest.AuthorizationRequest("max_age", "0"), "select_account": servertest.AuthorizationRequest("prompt", "select_account"),
			"another subject in the hint": servertest.AuthorizationRequest("id_token_hint", servertest.Text(hintOf(s, s.NewBrowser(), "another"))),
		} {
			p := b.Get("/oauth2/auth?" + form.Encode())
			got := s.CallAdmin(http.MethodGet, "/oauth2/auth/requests/login?login_challenge="+s.LoginChallenge(p), "").JSON(t)
			if got["skip"] != false || got["subject"] != "" {
				t.Errorf("%s: skip %v as %v", name, got["skip"], got["subject"])
			}
		}
		p = b.SignInByApp(s, b.Get("/oauth2/auth?"+servertest.AuthorizationRequest("prompt", "consent").Encode()), servertest.Object{"subject": "jo"})
		pending = s.CallAdmin(http.MethodGet, "/oauth2/auth/requests/consent?consent_challenge="+s.ConsentChallenge(p), "").JSON(t)
		servertest.WantMembers(t, pending, servertest.Object{"skip": false})

		s.Advance(2 * time.Hour) // beyond remember_for
		got = s.CallAdmin(http.MethodGet, "/oauth2/auth/requests/login?login_challenge="+s.LoginChallenge(b.Get("/oauth2/auth?"+servertest.AuthorizationRequest().Encode())), "").JSON(t)
		servertest.WantMembers(t, got, servertest.Object{"skip": false})
	})
}

// hintOf returns an ID token of a subject who signed in once.
func hintOf(s *servertest.AppServer, b *servertest.Browser, subject string) any {
	s.TB.Helper()
	return s.ExchangeCode(servertest.CodeOf(s.TB, b.AuthorizeByApps(s, servertest.AuthorizationRequest(), subject)))["id_token"]
}

func TestSignInWithoutRememberIsNotKept(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		b := s.NewBrowser()
		tokens := s.ExchangeCode(servertest.CodeOf(t, b.AuthorizeByApps(s, servertest.AuthorizationRequest(), "jo")))
		sid := servertest.Claims(t, tokens["id_token"])["sid"]

		p := b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "none").Encode())
		if got := p.Location().Query().Get("error"); got != "login_required" {
			t.Errorf("prompt=none: %q, want login_required", got)
		}
		got := s.CallAdmin(http.MethodGet, "/oauth2/auth/requests/login?login_challenge="+s.LoginChallenge(b.Get("/oauth2/auth?"+servertest.AuthorizationRequest().Encode())), "").JSON(t)
		servertest.WantMembers(t, got, servertest.Object{"skip": false, "subject": ""})

		// The session exists: a further sign-in keeps it, and logout ends it with its grants.
		again := s.ExchangeCode(servertest.CodeOf(t, b.AuthorizeByApps(s, servertest.AuthorizationRequest(), "jo")))
		servertest.WantMembers(t, servertest.Claims(t, again["id_token"]), servertest.Object{"sid": sid})
		other := s.ExchangeCode(servertest.CodeOf(t, b.AuthorizeByApps(s, servertest.AuthorizationRequest(), "kim")))
		if servertest.Claims(t, other["id_token"])["sid"] == sid || s.IsActive(again["access_token"]) || !s.IsActive(other["access_token"]) {
			t.Error("another person took the session over")
		}
	})
}

// The response to prompt=none uses the remembered session and consent, without an app.
func TestPromptNoneSkipsApps(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		none := servertest.AuthorizationRequest("client_id", "careful", "scope", "openid", "prompt", "none")
		once := servertest.AuthorizationRequest("client_id", "careful", "scope", "openid")
		b := s.NewBrowser()
		if got := b.Get("/oauth2/auth?" + none.Encode()).Location().Query().Get("error"); got != "login_required" {
			t.Errorf("with nobody signed in: %q", got)
		}
		p := b.SignInByApp(s, b.Get("/oauth2/auth?"+once.Encode()), servertest.Object{"subject": "jo", "remember": true, "force_subject_identifier": "as-jo"})
		servertest.CodeOf(t, b.ConsentByApp(s, p, servertest.Object{"grant_scope": []string{"openid"}}))
		if got := b.Get("/oauth2/auth?" + none.Encode()).Location().Query().Get("error"); got != "consent_required" {
			t.Errorf("with no consent remembered: %q", got)
		}
		p = b.SignInByApp(s, b.Get("/oauth2/auth?"+once.Encode()), servertest.Object{"subject": "jo", "force_subject_identifier": "as-jo"})
		servertest.CodeOf(t, b.ConsentByApp(s, p, servertest.Object{
			"grant_scope": []string{"openid"}, "remember": true, "remember_for": 60, "session": servertest.Object{"id_token": servertest.Object{"tenant": "x"}},
		}))
		form := servertest.CodeExchange(servertest.CodeOf(t, b.Get("/oauth2/auth?"+none.Encode())))
		p = callBasic(s, form, "careful", "careful-secret-careful-secret-ca")
		servertest.WantMembers(t, servertest.Claims(t, p.JSON(t)["id_token"]), servertest.Object{"sub": "as-jo", "tenant": "x"})
		s.Advance(2 * time.Minute)
		if got := b.Get("/oauth2/auth?" + none.Encode()).Location().Query().Get("error"); got != "consent_required" {
			t.Errorf("with the consent run out: %q", got)
		}
	})
}

func callBasic(s *servertest.AppServer, form url.Values, id, secret string) servertest.Response {
	s.TB.Helper()
	r, err := http.NewRequestWithContext(s.TB.Context(), http.MethodPost, s.URL+"/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		s.TB.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(id, secret)
	return servertest.Send(s.TB, http.DefaultClient, r)
}

func TestAppRejectsRequest(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		for name, tc := range map[string]struct {
			body              servertest.Object
			code, description string
		}{
			"with an error of theirs": {servertest.Object{"error": "access_denied", "error_description": "No.", "error_hint": "Ask \"again\"", "status_code": 403}, "access_denied", "No. Ask 'again'"},
			"without a word":          {servertest.Object{}, "request_denied", "The resource owner denied the request"},
		} {
			b := s.NewBrowser()
			p := b.Get(s.RedirectTo(s.AnswerChallenge("login/reject", s.LoginChallenge(b.Get("/oauth2/auth?"+servertest.AuthorizationRequest().Encode())), tc.body)))
			wantRefusal(t, "login "+name, p, tc.code, tc.description)

			p = b.SignInByApp(s, b.Get("/oauth2/auth?"+servertest.AuthorizationRequest().Encode()), servertest.Object{"subject": "jo"})
			p = b.Get(s.RedirectTo(s.AnswerChallenge("consent/reject", s.ConsentChallenge(p), tc.body)))
			wantRefusal(t, "consent "+name, p, tc.code, tc.description)
		}
	})
}

func wantRefusal(tb testing.TB, what string, p servertest.Response, code, description string) {
	tb.Helper()
	got := p.Location().Query()
	if got.Get("error") != code || got.Get("error_description") != description || got.Get("state") != "a state" || got.Has("code") {
		tb.Errorf("%s: the client gets %v", what, got)
	}
}

func TestNoIDTokenUnlessOpenIDIsGranted(t *testing.T) {
	t.Parallel()
	s := servertest.StartWithApps(t, storetest.New(t), servertest.LegacySettings())
	s.ImportClient(servertest.LegacyClient("legacy", ""))
	for kind, want := range map[string]string{"code": "", "id_token": "access_denied"} {
		b := s.NewBrowser()
		form := servertest.AuthorizationRequest("client_id", "legacy", "response_type", kind)
		p := b.SignInByApp(s, b.Get("/oauth2/auth?"+form.Encode()), servertest.Object{"subject": "jo"})
		p = b.ConsentByApp(s, p, servertest.Object{"grant_scope": []string{}})
		got := p.Location().Query()
		if kind != "code" {
			var err error
			if got, err = url.ParseQuery(p.Location().Fragment); err != nil {
				t.Fatal(err)
			}
		}
		if got.Get("error") != want || got.Has("id_token") {
			t.Errorf("%s: %v, want the error %q", kind, got, want)
		}
	}
}

// A request that was posted goes the way whole.
func TestPostedAuthorizationRequestReachesApps(t *testing.T) {
	t.Parallel()
	s := servertest.StartWithApps(t, storetest.New(t), nil)
	b := s.NewBrowser()
	p := b.Get(b.Post("/oauth2/auth", servertest.AuthorizationRequest()).Location().String())
	servertest.CodeOf(t, b.ConsentByApp(s, b.SignInByApp(s, p, servertest.Object{"subject": "jo"}), servertest.Object{"grant_scope": servertest.AllScopes}))
	if got := len(b.Client.Jar.Cookies(servertest.ParseURL(t, s.URL))); got != 2 {
		t.Errorf("%d cookies are left, want those of the session alone", got)
	}
}

// One of the steps may stay with the pages.
func TestLoginAppOrConsentAppAlone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		alone := servertest.StartWithApps(t, db, map[string]string{"consent_url": ""})
		b := alone.NewBrowser()
		form := servertest.AuthorizationRequest("client_id", "careful", "scope", "openid")
		p := b.SignInByApp(alone, b.Get("/oauth2/auth?"+form.Encode()), servertest.Object{"subject": "jo", "force_subject_identifier": "as-jo"})
		page := b.Get(p.Location().String())
		if !strings.Contains(page.Body, "jo") || strings.Contains(page.Body, "as=another") {
			t.Errorf("the consent page does not say who it is, or offers to sign in:\n%s", page.Body)
		}
		servertest.CodeOf(t, b.Follow(p))
		if got := b.Get("/login").Status; got != http.StatusNotFound {
			t.Errorf("the page to sign in is there: %d", got)
		}
		if got := alone.CallAdmin(http.MethodGet, "/oauth2/auth/requests/consent?consent_challenge="+strings.Repeat("0", 31)+"2", "").Status; got != http.StatusNotFound {
			t.Errorf("the API of the other app is there: %d", got)
		}
	})
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		alone := servertest.StartWithApps(t, db, map[string]string{"login_url": ""})
		b := alone.NewBrowser()
		p := b.Follow(b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "login").Encode()))
		pending := alone.CallAdmin(http.MethodGet, "/oauth2/auth/requests/consent?consent_challenge="+alone.ConsentChallenge(p), "").JSON(t)
		servertest.WantMembers(t, pending, servertest.Object{"skip": false, "login_challenge": nil, "amr": []any{"pwd"}})
		servertest.CodeOf(t, b.ConsentByApp(alone, p, servertest.Object{"grant_scope": servertest.AllScopes}))
		p = b.Get("/oauth2/auth?" + servertest.AuthorizationRequest().Encode()) // signed in already
		servertest.CodeOf(t, b.ConsentByApp(alone, p, servertest.Object{"grant_scope": servertest.AllScopes}))
	})
}
