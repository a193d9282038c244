package main

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

const (
	deviceApp     = "https://apps.example/device"
	deviceSuccess = "https://apps.example/device/success"
)

// startAllApart is a server whose people also enter the codes of their devices at an
// app of the operator's.
func startAllApart(tb testing.TB, db *store.Store, settings map[string]string) *apart {
	tb.Helper()
	all := map[string]string{"device_url": deviceApp, "device_success_url": deviceSuccess}
	maps.Copy(all, settings)
	s := startApart(tb, db, all)
	s.bring(`{"client_id": "tv", "client_name": "Living room", "client_secret": "` + tvSecret + `", "token_endpoint_auth_method": "client_secret_post",
		"grant_types": ["` + deviceGrant + `", "refresh_token"], "scope": "openid offline_access api", "audience": ["https://api.example"],
		"id_token_signed_response_alg": "ES256"}`)
	return s
}

// deviceChallenge returns the challenge that the browser brings to the device app, and the
// code that came with the address.
func (s *apart) deviceChallenge(p reply) (challenge, code string) {
	s.tb.Helper()
	to, ok := strings.CutPrefix(p.header.Get("Location"), deviceApp+"?")
	said, err := url.ParseQuery(to)
	if !ok || err != nil || len(said.Get("device_challenge")) != 32 {
		s.tb.Fatalf("not at the device app: %d to %q\n%s", p.status, p.header.Get("Location"), p.body)
	}
	return said.Get("device_challenge"), said.Get("user_code")
}

// tell asks the administrators' API about a device, or answers it.
func (s *apart) tell(method, path, query, body string) reply {
	s.tb.Helper()
	return s.ask(method, "/admin/oauth2/auth/requests/device"+path+"?"+query, body)
}

func (s *apart) acceptCode(challenge, code string) reply {
	s.tb.Helper()
	return s.tell(http.MethodPut, "/accept", "device_challenge="+challenge, `{"user_code": "`+code+`"}`)
}

func TestAppsAllowADevice(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startAllApart(t, db, nil)
		d := s.device(tv("scope", "openid offline_access", "resource", "https://api.example"))
		b := s.browser()
		challenge, code := s.deviceChallenge(b.get(d.address))
		if code != d.code {
			t.Errorf("the app is told the code %q, want %q", code, d.code)
		}
		if _, code := s.deviceChallenge(b.get("/oauth2/device/verify")); code != "" {
			t.Errorf("without a code the app is told %q", code)
		}

		wantMembers(t, s.tell(http.MethodGet, "", "device_challenge="+challenge, "").json(t), object{
			"challenge": challenge, "client": nil, "requested_scope": []any{}, "requested_access_token_audience": []any{},
			"request_url": s.url + "/oauth2/device/verify",
		})
		said := s.tell(http.MethodGet, "/", "challenge="+challenge+"&user_code="+d.code, "").json(t)
		wantMembers(t, said, object{"requested_scope": []any{"openid", "offline_access"}, "requested_access_token_audience": []any{"https://api.example"}})
		if c, _ := said["client"].(object); c["client_name"] != "Living room" || c["client_secret"] != nil {
			t.Errorf("the client is %v", c)
		}
		wantError(t, d.poll(), 400, "authorization_pending")

		// Nobody goes on before the app has answered, nor in another browser.
		if p := b.get("/oauth2/auth?continue=" + challenge[:31]); p.status != http.StatusBadRequest || !strings.Contains(p.body, "expired_request") {
			t.Errorf("before the app has answered: %d to %s\n%s", p.status, p.location(), p.body)
		}
		back := s.to(s.acceptCode(challenge, strings.ToLower(d.code)))
		if at := mustParse(t, back); at.Path != "/oauth2/device/verify" || at.Query().Get("client_id") != "tv" {
			t.Errorf("redirect_to = %s", back)
		}
		for name, p := range map[string]reply{
			"reading": s.tell(http.MethodGet, "", "device_challenge="+challenge, ""), "accepting": s.acceptCode(challenge, d.code),
			"rejecting": s.tell(http.MethodPut, "/reject", "device_challenge="+challenge, ""),
		} {
			if p.status != http.StatusGone || p.json(t)["redirect_to"] != s.url+"/oauth2/device/verify" {
				t.Errorf("%s what was answered: %d %s", name, p.status, p.body)
			}
		}
		if p := s.browser().get(back); p.status != http.StatusBadRequest {
			t.Errorf("in another browser: %d", p.status)
		}
		// Whose browser began may have sent somebody else to the app: they come back with
		// the verifier, and to another browser.
		if p := b.get("/oauth2/auth?continue=" + challenge[:31]); p.status != http.StatusBadRequest || !strings.Contains(p.body, "expired_request") {
			t.Errorf("without the verifier: %d to %s\n%s", p.status, p.location(), p.body)
		}

		p := b.get(b.get(back).location().String())
		if again := b.get(back); again.status != http.StatusBadRequest || again.location().Path != "" {
			t.Errorf("coming back again: %d to %s", again.status, again.location())
		}
		asked := s.ask(http.MethodGet, "/oauth2/auth/requests/login?login_challenge="+s.login(p), "").json(t)
		wantMembers(t, asked, object{"requested_scope": []any{"openid", "offline_access"}, "request_url": s.url + "/oauth2/device/verify"})
		p = b.signIn(s, p, object{"subject": "jo"})
		p = b.agree(s, p, object{
			"grant_scope": allScopes, "grant_access_token_audience": []string{"https://api.example"},
			"session": object{"id_token": object{"room": "living"}, "access_token": object{"tenant": 7}},
		})
		if got := p.location().String(); got != deviceSuccess {
			t.Errorf("afterwards they are at %s", got)
		}
		tokens := d.poll().json(t)
		wantMembers(t, claims(t, tokens["id_token"]), object{"sub": "jo", "room": "living", "aud": "tv"})
		wantMembers(t, claims(t, tokens["access_token"]), object{"aud": []any{"https://api.example", s.url}, "ext": object{"tenant": 7.0}})
	})
}

func TestAppsRefuseADevice(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startAllApart(t, db, nil)
		entered := func(d *waiting) (*browser, reply) {
			b := s.browser()
			challenge, _ := s.deviceChallenge(b.get(d.address))
			return b, b.get(b.get(s.to(s.acceptCode(challenge, d.code))).location().String())
		}
		for name, refuse := range map[string]func(d *waiting){
			"when the code is entered": func(d *waiting) {
				challenge, code := s.deviceChallenge(s.browser().get(d.address))
				if p := s.tell(http.MethodPut, "/reject", "device_challenge="+challenge+"&user_code="+code, ""); p.status != http.StatusNoContent {
					t.Errorf("rejecting: %d %s", p.status, p.body)
				}
			},
			"when they sign in": func(d *waiting) {
				b, p := entered(d)
				p = b.get(s.to(s.put("login/reject", s.login(p), object{"error": "interaction_required"})))
				if !strings.Contains(p.body, "interaction_required") {
					t.Errorf("the person reads %d\n%s", p.status, p.body)
				}
			},
			"when they agree": func(d *waiting) {
				b, p := entered(d)
				p = b.signIn(s, p, object{"subject": "jo"})
				p = b.get(s.to(s.put("consent/reject", s.consent(p), object{"error": "access_denied"})))
				if !strings.Contains(p.body, "Device not connected") {
					t.Errorf("the person reads %d\n%s", p.status, p.body)
				}
			},
		} {
			d := s.device(tv("scope", "openid"))
			refuse(d)
			p := d.poll()
			if got := p.json(t)["error"]; got != "access_denied" {
				t.Errorf("%s: the device hears %v", name, got)
			}
		}

		// An app that says no without a code leaves the device alone.
		d := s.device(tv("scope", "openid"))
		challenge, _ := s.deviceChallenge(s.browser().get("/device"))
		if p := s.tell(http.MethodPut, "/reject", "device_challenge="+challenge, ""); p.status != http.StatusNoContent {
			t.Errorf("rejecting: %d %s", p.status, p.body)
		}
		wantError(t, d.poll(), 400, "authorization_pending")
	})
}

func TestAppsGuessAtCodesInVain(t *testing.T) {
	t.Parallel()
	s := startAllApart(t, storetest.New(t), nil)
	d := s.device(tv("scope", "openid"))
	challenge, _ := s.deviceChallenge(s.browser().get("/device"))
	for _, code := range []string{"", "x", "AEIO-UAEI", d.device} {
		wantError(t, s.acceptCode(challenge, code), 400, "invalid_request")
	}
	for range 5 {
		wantError(t, s.acceptCode(challenge, "BBBB-BBBB"), 400, "invalid_request")
	}
	p := s.acceptCode(challenge, d.code)
	wantError(t, p, 429, "request_forbidden")
	if p.header.Get("Retry-After") == "" {
		t.Error("nothing says for how long")
	}
	for name, tc := range map[string]struct {
		query string
		want  int
	}{
		"none": {"", 400}, "of nobody": {"device_challenge=" + strings.Repeat("0", 31) + "4", 404},
		"of another step": {"device_challenge=" + challenge[:31] + "1", 404},
	} {
		if got := s.tell(http.MethodGet, "", tc.query, "").status; got != tc.want {
			t.Errorf("a challenge %s: %d, want %d", name, got, tc.want)
		}
	}
	login := s.login(s.browser().get("/oauth2/auth?" + asking().Encode()))
	if got := s.acceptCode(login[:31]+"4", d.code).status; got != http.StatusNotFound {
		t.Errorf("the challenge of a sign-in: %d", got)
	}
	if p := s.acceptCode(challenge[:31]+"4", `x", "user_code": "y`); p.status != http.StatusBadRequest {
		t.Errorf("a member twice: %d", p.status)
	}
	b := s.browser()
	challenge, _ = s.deviceChallenge(b.get("/device"))
	back := s.to(s.acceptCode(challenge, d.code))
	s.pass(10 * time.Minute)
	if p := b.get(back); p.status != http.StatusBadRequest {
		t.Errorf("a device that has expired: %d to %s", p.status, p.location())
	}
}
