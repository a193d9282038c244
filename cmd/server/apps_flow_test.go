package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// A person whom nobody here has heard of signs in and agrees with the operator's
// apps, and all that these say arrives.
func TestAppsSignPeopleIn(t *testing.T) {
	eachApart(t, func(t *testing.T, s *apart) {
		t.Helper()
		b := s.browser()
		form := asking("login_hint", "jo@example", "acr_values", "gold", "ui_locales", "de en", "display", "page", "resource", "https://api.example")
		p := b.get("/oauth2/auth?" + form.Encode())
		challenge := s.login(p)

		got := s.ask(http.MethodGet, "/oauth2/auth/requests/login?login_challenge="+challenge, "").json(t)
		wantMembers(t, got, object{
			"challenge": challenge, "skip": false, "subject": "", "requested_scope": []any{"openid", "offline_access", "api"},
			"requested_access_token_audience": []any{"https://api.example"},
			"oidc_context": object{
				"acr_values": []any{"gold"}, "ui_locales": []any{"de", "en"}, "display": "page", "login_hint": "jo@example",
			},
		})
		c, _ := got["client"].(object)
		if c["client_id"] != "web" || c["client_secret"] != nil || c["skip_consent"] != true || c["owner"] != "" {
			t.Errorf("the client is %v", c)
		}
		again, err := url.Parse(text(got["request_url"]))
		if err != nil || !strings.HasPrefix(again.String(), s.url+"/oauth2/auth?") || again.Query().Get("state") != "a state" ||
			strings.Contains(again.String(), "ostiary_") {
			t.Errorf("request_url = %v", got["request_url"])
		}

		p = b.signIn(s, p, object{
			"subject": "jo@example", "acr": "gold", "amr": []string{"fido", "pin"}, "context": object{"tenant": 7},
			"identity_provider_session_id": "theirs", "unknown": true,
		})
		consent := s.consent(p)
		asked := s.ask(http.MethodGet, "/admin/oauth2/auth/requests/consent/?consent_challenge="+consent, "").json(t)
		wantMembers(t, asked, object{
			"challenge": consent, "skip": false, "subject": "jo@example", "login_challenge": challenge,
			"login_session_id": got["session_id"], "acr": "gold", "amr": []any{"fido", "pin"}, "context": object{"tenant": 7.0},
			"requested_scope": []any{"openid", "offline_access", "api"}, "request_url": got["request_url"],
		})

		p = b.agree(s, p, object{
			"grant_scope": []string{"openid", "offline_access", "never asked for"}, "grant_access_token_audience": []string{"https://api.example"},
			"handled_at": "2026-01-01T00:00:00Z",
			"session": object{
				"id_token":     object{"email": "jo@example", "iss": "https://evil", "sub": "somebody", "nonce": "x", "groups": []string{"a"}},
				"access_token": object{"tenant": 7, "sub": "within ext"},
			},
		})
		if got := p.location().Query().Get("state"); got != "a state" || !strings.HasPrefix(p.location().String(), "https://client.example/") {
			t.Errorf("answer goes to %s", p.location())
		}
		tokens := s.tokens(codeOf(t, p))
		if tokens["scope"] != "openid offline_access" {
			t.Errorf("scope = %v, want what was granted of what was asked for", tokens["scope"])
		}
		for range 2 { // what was said at consent survives a refresh
			wantMembers(t, claims(t, tokens["id_token"]), object{
				"iss": s.url, "sub": "jo@example", "acr": "gold", "amr": []any{"fido", "pin"}, "sid": got["session_id"],
				"email": "jo@example", "groups": []any{"a"}, "preferred_username": nil,
			})
			wantMembers(t, claims(t, tokens["access_token"]), object{
				"sub": "jo@example", "aud": []any{"https://api.example", s.url}, "ext": object{"tenant": 7.0, "sub": "within ext"},
			})
			wantMembers(t, s.userinfo(tokens["access_token"]).json(t), object{"sub": "jo@example", "email": "jo@example", "preferred_username": nil})
			said := s.call("/oauth2/introspect", url.Values{"token": {text(tokens["access_token"])}}).json(t)
			wantMembers(t, said, object{"active": true, "ext": object{"tenant": 7.0, "sub": "within ext"}, "username": nil})
			tokens = s.refresh(tokens["refresh_token"]).json(t)
		}
	})
}

// wantMembers checks those members of got that want names; nil is for none.
func wantMembers(tb testing.TB, got, want object) {
	tb.Helper()
	for name, value := range want {
		if diff := cmp.Diff(value, got[name]); diff != "" {
			tb.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestAnAppIsAskedEachTime(t *testing.T) {
	eachApart(t, func(t *testing.T, s *apart) {
		t.Helper()
		b := s.browser()
		first := b.get("/oauth2/auth?" + asking().Encode())
		p := b.signIn(s, first, object{"subject": "jo", "remember": true, "remember_for": 3600, "acr": "silver"})
		codeOf(t, b.agree(s, p, object{"grant_scope": allScopes, "remember": true}))

		s.pass(time.Minute)
		second := b.get("/oauth2/auth?" + asking().Encode())
		got := s.ask(http.MethodGet, "/oauth2/auth/requests/login?challenge="+s.login(second), "").json(t)
		wantMembers(t, got, object{"skip": true, "subject": "jo"})

		other := s.put("login/accept", s.login(second), object{"subject": "somebody else"})
		if to := s.to(other); !strings.HasPrefix(to, s.url+"/oauth2/auth?") || !strings.Contains(to, "prompt=login") {
			t.Errorf("for another subject the way is %s, want to sign in", to)
		}

		p = b.signIn(s, second, object{"subject": "jo", "acr": "gold"})
		asked := s.ask(http.MethodGet, "/oauth2/auth/requests/consent?consent_challenge="+s.consent(p), "").json(t)
		wantMembers(t, asked, object{"skip": true, "subject": "jo", "login_session_id": got["session_id"], "acr": "gold"})
		tokens := s.tokens(codeOf(t, b.agree(s, p, object{"grant_scope": allScopes, "session": object{"id_token": object{"new": 1}}})))
		wantMembers(t, claims(t, tokens["id_token"]), object{"sid": got["session_id"], "acr": "gold", "new": 1.0})

		for name, form := range map[string]url.Values{
			"prompt=login": asking("prompt", "login"), "max_age=0": asking("max_age", "0"), "select_account": asking("prompt", "select_account"),
			"another subject in the hint": asking("id_token_hint", text(s.hintOf(s.browser(), "another"))),
		} {
			p := b.get("/oauth2/auth?" + form.Encode())
			got := s.ask(http.MethodGet, "/oauth2/auth/requests/login?login_challenge="+s.login(p), "").json(t)
			if got["skip"] != false || got["subject"] != "" {
				t.Errorf("%s: skip %v as %v", name, got["skip"], got["subject"])
			}
		}
		p = b.signIn(s, b.get("/oauth2/auth?"+asking("prompt", "consent").Encode()), object{"subject": "jo"})
		asked = s.ask(http.MethodGet, "/oauth2/auth/requests/consent?consent_challenge="+s.consent(p), "").json(t)
		wantMembers(t, asked, object{"skip": false})

		s.pass(2 * time.Hour) // beyond remember_for
		got = s.ask(http.MethodGet, "/oauth2/auth/requests/login?login_challenge="+s.login(b.get("/oauth2/auth?"+asking().Encode())), "").json(t)
		wantMembers(t, got, object{"skip": false})
	})
}

// hintOf returns an ID token of a subject who signed in once.
func (s *apart) hintOf(b *browser, subject string) any {
	s.tb.Helper()
	return s.tokens(codeOf(s.tb, b.through(s, asking(), subject)))["id_token"]
}

func TestWhoIsNotRememberedIsAskedAgain(t *testing.T) {
	eachApart(t, func(t *testing.T, s *apart) {
		t.Helper()
		b := s.browser()
		tokens := s.tokens(codeOf(t, b.through(s, asking(), "jo")))
		sid := claims(t, tokens["id_token"])["sid"]

		p := b.get("/oauth2/auth?" + asking("prompt", "none").Encode())
		if got := p.location().Query().Get("error"); got != "login_required" {
			t.Errorf("prompt=none: %q, want login_required", got)
		}
		got := s.ask(http.MethodGet, "/oauth2/auth/requests/login?login_challenge="+s.login(b.get("/oauth2/auth?"+asking().Encode())), "").json(t)
		wantMembers(t, got, object{"skip": false, "subject": ""})

		// The session is there for all that: whoever signs in again keeps it, and signing
		// out ends it with its grants.
		again := s.tokens(codeOf(t, b.through(s, asking(), "jo")))
		wantMembers(t, claims(t, again["id_token"]), object{"sid": sid})
		other := s.tokens(codeOf(t, b.through(s, asking(), "kim")))
		if claims(t, other["id_token"])["sid"] == sid || s.active(again["access_token"]) || !s.active(other["access_token"]) {
			t.Error("another person took the session over")
		}
	})
}

// A client that wants no page is answered from what is remembered, and no app is
// asked.
func TestPromptNoneAsksNoApp(t *testing.T) {
	eachApart(t, func(t *testing.T, s *apart) {
		t.Helper()
		none := asking("client_id", "careful", "scope", "openid", "prompt", "none")
		once := asking("client_id", "careful", "scope", "openid")
		b := s.browser()
		if got := b.get("/oauth2/auth?" + none.Encode()).location().Query().Get("error"); got != "login_required" {
			t.Errorf("with nobody signed in: %q", got)
		}
		p := b.signIn(s, b.get("/oauth2/auth?"+once.Encode()), object{"subject": "jo", "remember": true, "force_subject_identifier": "as-jo"})
		codeOf(t, b.agree(s, p, object{"grant_scope": []string{"openid"}}))
		if got := b.get("/oauth2/auth?" + none.Encode()).location().Query().Get("error"); got != "consent_required" {
			t.Errorf("with no consent remembered: %q", got)
		}
		p = b.signIn(s, b.get("/oauth2/auth?"+once.Encode()), object{"subject": "jo", "force_subject_identifier": "as-jo"})
		codeOf(t, b.agree(s, p, object{
			"grant_scope": []string{"openid"}, "remember": true, "remember_for": 60, "session": object{"id_token": object{"tenant": "x"}},
		}))
		form := exchanging(codeOf(t, b.get("/oauth2/auth?"+none.Encode())))
		p = s.callBasic(form, "careful", "careful-secret-careful-secret-ca")
		wantMembers(t, claims(t, p.json(t)["id_token"]), object{"sub": "as-jo", "tenant": "x"})
		s.pass(2 * time.Minute)
		if got := b.get("/oauth2/auth?" + none.Encode()).location().Query().Get("error"); got != "consent_required" {
			t.Errorf("with the consent run out: %q", got)
		}
	})
}

func (s *apart) callBasic(form url.Values, id, secret string) reply {
	s.tb.Helper()
	r, err := http.NewRequestWithContext(s.tb.Context(), http.MethodPost, s.url+"/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		s.tb.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(id, secret)
	return send(s.tb, http.DefaultClient, r)
}

func TestAppsRefuse(t *testing.T) {
	eachApart(t, func(t *testing.T, s *apart) {
		t.Helper()
		for name, tc := range map[string]struct {
			body              object
			code, description string
		}{
			"with an error of theirs": {object{"error": "access_denied", "error_description": "No.", "error_hint": "Ask \"again\"", "status_code": 403}, "access_denied", "No. Ask 'again'"},
			"without a word":          {object{}, "request_denied", "The resource owner denied the request"},
		} {
			b := s.browser()
			p := b.get(s.to(s.put("login/reject", s.login(b.get("/oauth2/auth?"+asking().Encode())), tc.body)))
			wantRefusal(t, "login "+name, p, tc.code, tc.description)

			p = b.signIn(s, b.get("/oauth2/auth?"+asking().Encode()), object{"subject": "jo"})
			p = b.get(s.to(s.put("consent/reject", s.consent(p), tc.body)))
			wantRefusal(t, "consent "+name, p, tc.code, tc.description)
		}
	})
}

func wantRefusal(tb testing.TB, what string, p reply, code, description string) {
	tb.Helper()
	got := p.location().Query()
	if got.Get("error") != code || got.Get("error_description") != description || got.Get("state") != "a state" || got.Has("code") {
		tb.Errorf("%s: the client gets %v", what, got)
	}
}

func TestGrantingNoOpenIDGivesNoIDToken(t *testing.T) {
	t.Parallel()
	s := startApart(t, storetest.New(t), legacy())
	s.bring(legacyClient("legacy", ""))
	for kind, want := range map[string]string{"code": "", "id_token": "access_denied"} {
		b := s.browser()
		form := asking("client_id", "legacy", "response_type", kind)
		p := b.signIn(s, b.get("/oauth2/auth?"+form.Encode()), object{"subject": "jo"})
		p = b.agree(s, p, object{"grant_scope": []string{}})
		got := p.location().Query()
		if kind != "code" {
			var err error
			if got, err = url.ParseQuery(p.location().Fragment); err != nil {
				t.Fatal(err)
			}
		}
		if got.Get("error") != want || got.Has("id_token") {
			t.Errorf("%s: %v, want the error %q", kind, got, want)
		}
	}
}

// A request that was posted goes the way whole.
func TestAPostedRequestReachesTheApps(t *testing.T) {
	t.Parallel()
	s := startApart(t, storetest.New(t), nil)
	b := s.browser()
	p := b.get(b.post("/oauth2/auth", asking()).location().String())
	codeOf(t, b.agree(s, b.signIn(s, p, object{"subject": "jo"}), object{"grant_scope": allScopes}))
	if got := len(b.client.Jar.Cookies(mustParse(t, s.url))); got != 2 {
		t.Errorf("%d cookies are left, want those of the session alone", got)
	}
}

func mustParse(tb testing.TB, address string) *url.URL {
	tb.Helper()
	u, err := url.Parse(address)
	if err != nil {
		tb.Fatal(err)
	}
	return u
}

// One of the steps may stay with the pages.
func TestOneAppAlone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		alone := startApart(t, db, map[string]string{"consent_url": ""})
		b := alone.browser()
		form := asking("client_id", "careful", "scope", "openid")
		p := b.signIn(alone, b.get("/oauth2/auth?"+form.Encode()), object{"subject": "jo", "force_subject_identifier": "as-jo"})
		page := b.get(p.location().String())
		if !strings.Contains(page.body, "jo") || strings.Contains(page.body, "as=another") {
			t.Errorf("the consent page does not say who it is, or offers to sign in:\n%s", page.body)
		}
		codeOf(t, b.follow(p))
		if got := b.get("/login").status; got != http.StatusNotFound {
			t.Errorf("the page to sign in is there: %d", got)
		}
		if got := alone.ask(http.MethodGet, "/oauth2/auth/requests/consent?consent_challenge="+strings.Repeat("0", 31)+"2", "").status; got != http.StatusNotFound {
			t.Errorf("the API of the other app is there: %d", got)
		}
	})
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		alone := startApart(t, db, map[string]string{"login_url": ""})
		b := alone.browser()
		p := b.follow(b.get("/oauth2/auth?" + asking("prompt", "login").Encode()))
		asked := alone.ask(http.MethodGet, "/oauth2/auth/requests/consent?consent_challenge="+alone.consent(p), "").json(t)
		wantMembers(t, asked, object{"skip": false, "login_challenge": nil, "amr": []any{"pwd"}})
		codeOf(t, b.agree(alone, p, object{"grant_scope": allScopes}))
		p = b.get("/oauth2/auth?" + asking().Encode()) // signed in already
		codeOf(t, b.agree(alone, p, object{"grant_scope": allScopes}))
	})
}
