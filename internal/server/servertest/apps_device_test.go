package servertest

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
func startAllApart(tb testing.TB, db *store.Store, settings map[string]string) *AppServer {
	tb.Helper()
	all := map[string]string{"device_url": deviceApp, "device_success_url": deviceSuccess}
	maps.Copy(all, settings)
	s := StartWithApps(tb, db, all)
	s.ImportClient(`{"client_id": "tv", "client_name": "Living room", "client_secret": "` + DeviceClientSecret + `", "token_endpoint_auth_method": "client_secret_post",
		"grant_types": ["` + DeviceGrant + `", "refresh_token"], "scope": "openid offline_access api", "audience": ["https://api.example"],
		"id_token_signed_response_alg": "ES256"}`)
	return s
}

// deviceChallenge returns the challenge that the browser brings to the device app, and the
// code that came with the address.
func (s *AppServer) deviceChallenge(p Response) (challenge, code string) {
	s.TB.Helper()
	to, ok := strings.CutPrefix(p.Header.Get("Location"), deviceApp+"?")
	said, err := url.ParseQuery(to)
	if !ok || err != nil || len(said.Get("device_challenge")) != 32 {
		s.TB.Fatalf("not at the device app: %d to %q\n%s", p.Status, p.Header.Get("Location"), p.Body)
	}
	return said.Get("device_challenge"), said.Get("user_code")
}

// tell asks the administrators' API about a device, or answers it.
func (s *AppServer) tell(method, path, query, body string) Response {
	s.TB.Helper()
	return s.CallAdmin(method, "/admin/oauth2/auth/requests/device"+path+"?"+query, body)
}

func (s *AppServer) acceptCode(challenge, code string) Response {
	s.TB.Helper()
	return s.tell(http.MethodPut, "/accept", "device_challenge="+challenge, `{"user_code": "`+code+`"}`)
}

func TestAppsAllowADevice(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startAllApart(t, db, nil)
		d := s.AuthorizeDevice(DeviceClientForm("scope", "openid offline_access", "resource", "https://api.example"))
		b := s.NewBrowser()
		challenge, code := s.deviceChallenge(b.Get(d.VerificationURI))
		if code != d.UserCode {
			t.Errorf("the app is told the code %q, want %q", code, d.UserCode)
		}
		if _, code := s.deviceChallenge(b.Get("/oauth2/device/verify")); code != "" {
			t.Errorf("without a code the app is told %q", code)
		}

		WantMembers(t, s.tell(http.MethodGet, "", "device_challenge="+challenge, "").JSON(t), Object{
			"challenge": challenge, "client": nil, "requested_scope": []any{}, "requested_access_token_audience": []any{},
			"request_url": s.URL + "/oauth2/device/verify",
		})
		said := s.tell(http.MethodGet, "/", "challenge="+challenge+"&user_code="+d.UserCode, "").JSON(t)
		WantMembers(t, said, Object{"requested_scope": []any{"openid", "offline_access"}, "requested_access_token_audience": []any{"https://api.example"}})
		if c, _ := said["client"].(Object); c["client_name"] != "Living room" || c["client_secret"] != nil {
			t.Errorf("the client is %v", c)
		}
		WantError(t, d.Poll(), 400, "authorization_pending")

		// Nobody goes on before the app has answered, nor in another browser.
		if p := b.Get("/oauth2/auth?continue=" + challenge[:31]); p.Status != http.StatusBadRequest || !strings.Contains(p.Body, "expired_request") {
			t.Errorf("before the app has answered: %d to %s\n%s", p.Status, p.Location(), p.Body)
		}
		back := s.RedirectTo(s.acceptCode(challenge, strings.ToLower(d.UserCode)))
		if at := ParseURL(t, back); at.Path != "/oauth2/device/verify" || at.Query().Get("client_id") != "tv" {
			t.Errorf("redirect_to = %s", back)
		}
		for name, p := range map[string]Response{
			"reading": s.tell(http.MethodGet, "", "device_challenge="+challenge, ""), "accepting": s.acceptCode(challenge, d.UserCode),
			"rejecting": s.tell(http.MethodPut, "/reject", "device_challenge="+challenge, ""),
		} {
			if p.Status != http.StatusGone || p.JSON(t)["redirect_to"] != s.URL+"/oauth2/device/verify" {
				t.Errorf("%s what was answered: %d %s", name, p.Status, p.Body)
			}
		}
		if p := s.NewBrowser().Get(back); p.Status != http.StatusBadRequest {
			t.Errorf("in another browser: %d", p.Status)
		}
		// Whose browser began may have sent somebody else to the app: they come back with
		// the verifier, and to another browser.
		if p := b.Get("/oauth2/auth?continue=" + challenge[:31]); p.Status != http.StatusBadRequest || !strings.Contains(p.Body, "expired_request") {
			t.Errorf("without the verifier: %d to %s\n%s", p.Status, p.Location(), p.Body)
		}

		p := b.Get(b.Get(back).Location().String())
		if again := b.Get(back); again.Status != http.StatusBadRequest || again.Location().Path != "" {
			t.Errorf("coming back again: %d to %s", again.Status, again.Location())
		}
		asked := s.CallAdmin(http.MethodGet, "/oauth2/auth/requests/login?login_challenge="+s.LoginChallenge(p), "").JSON(t)
		WantMembers(t, asked, Object{"requested_scope": []any{"openid", "offline_access"}, "request_url": s.URL + "/oauth2/device/verify"})
		p = b.SignInByApp(s, p, Object{"subject": "jo"})
		p = b.ConsentByApp(s, p, Object{
			"grant_scope": AllScopes, "grant_access_token_audience": []string{"https://api.example"},
			"session": Object{"id_token": Object{"room": "living"}, "access_token": Object{"tenant": 7}},
		})
		if got := p.Location().String(); got != deviceSuccess {
			t.Errorf("afterwards they are at %s", got)
		}
		tokens := d.Poll().JSON(t)
		WantMembers(t, Claims(t, tokens["id_token"]), Object{"sub": "jo", "room": "living", "aud": "tv"})
		WantMembers(t, Claims(t, tokens["access_token"]), Object{"aud": []any{"https://api.example", s.URL}, "ext": Object{"tenant": 7.0}})
	})
}

func TestAppsRefuseADevice(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startAllApart(t, db, nil)
		entered := func(d *PendingDevice) (*Browser, Response) {
			b := s.NewBrowser()
			challenge, _ := s.deviceChallenge(b.Get(d.VerificationURI))
			return b, b.Get(b.Get(s.RedirectTo(s.acceptCode(challenge, d.UserCode))).Location().String())
		}
		for name, refuse := range map[string]func(d *PendingDevice){
			"when the code is entered": func(d *PendingDevice) {
				challenge, code := s.deviceChallenge(s.NewBrowser().Get(d.VerificationURI))
				if p := s.tell(http.MethodPut, "/reject", "device_challenge="+challenge+"&user_code="+code, ""); p.Status != http.StatusNoContent {
					t.Errorf("rejecting: %d %s", p.Status, p.Body)
				}
			},
			"when they sign in": func(d *PendingDevice) {
				b, p := entered(d)
				p = b.Get(s.RedirectTo(s.AnswerChallenge("login/reject", s.LoginChallenge(p), Object{"error": "interaction_required"})))
				if !strings.Contains(p.Body, "interaction_required") {
					t.Errorf("the person reads %d\n%s", p.Status, p.Body)
				}
			},
			"when they agree": func(d *PendingDevice) {
				b, p := entered(d)
				p = b.SignInByApp(s, p, Object{"subject": "jo"})
				p = b.Get(s.RedirectTo(s.AnswerChallenge("consent/reject", s.ConsentChallenge(p), Object{"error": "access_denied"})))
				if !strings.Contains(p.Body, "Device not connected") {
					t.Errorf("the person reads %d\n%s", p.Status, p.Body)
				}
			},
		} {
			d := s.AuthorizeDevice(DeviceClientForm("scope", "openid"))
			refuse(d)
			p := d.Poll()
			if got := p.JSON(t)["error"]; got != "access_denied" {
				t.Errorf("%s: the device hears %v", name, got)
			}
		}

		// An app that says no without a code leaves the device alone.
		d := s.AuthorizeDevice(DeviceClientForm("scope", "openid"))
		challenge, _ := s.deviceChallenge(s.NewBrowser().Get("/device"))
		if p := s.tell(http.MethodPut, "/reject", "device_challenge="+challenge, ""); p.Status != http.StatusNoContent {
			t.Errorf("rejecting: %d %s", p.Status, p.Body)
		}
		WantError(t, d.Poll(), 400, "authorization_pending")
	})
}

func TestAppsGuessAtCodesInVain(t *testing.T) {
	t.Parallel()
	s := startAllApart(t, storetest.New(t), nil)
	d := s.AuthorizeDevice(DeviceClientForm("scope", "openid"))
	challenge, _ := s.deviceChallenge(s.NewBrowser().Get("/device"))
	for _, code := range []string{"", "x", "AEIO-UAEI", d.DeviceCode} {
		WantError(t, s.acceptCode(challenge, code), 400, "invalid_request")
	}
	for range 5 {
		WantError(t, s.acceptCode(challenge, "BBBB-BBBB"), 400, "invalid_request")
	}
	p := s.acceptCode(challenge, d.UserCode)
	WantError(t, p, 429, "request_forbidden")
	if p.Header.Get("Retry-After") == "" {
		t.Error("nothing says for how long")
	}
	for name, tc := range map[string]struct {
		query string
		want  int
	}{
		"none": {"", 400}, "of nobody": {"device_challenge=" + strings.Repeat("0", 31) + "4", 404},
		"of another step": {"device_challenge=" + challenge[:31] + "1", 404},
	} {
		if got := s.tell(http.MethodGet, "", tc.query, "").Status; got != tc.want {
			t.Errorf("a challenge %s: %d, want %d", name, got, tc.want)
		}
	}
	login := s.LoginChallenge(s.NewBrowser().Get("/oauth2/auth?" + AuthorizationRequest().Encode()))
	if got := s.acceptCode(login[:31]+"4", d.UserCode).Status; got != http.StatusNotFound {
		t.Errorf("the challenge of a sign-in: %d", got)
	}
	if p := s.acceptCode(challenge[:31]+"4", `x", "user_code": "y`); p.Status != http.StatusBadRequest {
		t.Errorf("a member twice: %d", p.Status)
	}
	b := s.NewBrowser()
	challenge, _ = s.deviceChallenge(b.Get("/device"))
	back := s.RedirectTo(s.acceptCode(challenge, d.UserCode))
	s.Advance(10 * time.Minute)
	if p := b.Get(back); p.Status != http.StatusBadRequest {
		t.Errorf("a device that has expired: %d to %s", p.Status, p.Location())
	}
}
