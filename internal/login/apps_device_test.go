package login_test

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
	deviceApp     = "https://apps.example/device"
	deviceSuccess = "https://apps.example/device/success"
)

// startAllApart is a server whose people also enter the codes of their devices at an
// app of the operator's.
func startAllApart(tb testing.TB, db *store.Store, settings map[string]string) *servertest.AppServer {
	tb.Helper()
	all := map[string]string{"device_url": deviceApp, "device_success_url": deviceSuccess}
	maps.Copy(all, settings)
	s := servertest.StartWithApps(tb, db, all)
	s.ImportClient(`{"client_id": "tv", "client_name": "Living room", "client_secret": "` + servertest.DeviceClientSecret + `", "token_endpoint_auth_method": "client_secret_post",
		"grant_types": ["` + servertest.DeviceGrant + `", "refresh_token"], "scope": "openid offline_access api", "audience": ["https://api.example"],
		"id_token_signed_response_alg": "ES256"}`)
	return s
}

// deviceChallenge returns the challenge and the user code that the browser sends to the
// device app.
func deviceChallenge(s *servertest.AppServer, p servertest.Response) (challenge, code string) {
	s.TB.Helper()
	to, ok := strings.CutPrefix(p.Header.Get("Location"), deviceApp+"?")
	parameters, err := url.ParseQuery(to)
	if !ok || err != nil || len(parameters.Get("device_challenge")) != 32 {
		s.TB.Fatalf("not at the device app: %d to %q\n%s", p.Status, p.Header.Get("Location"), p.Body)
	}
	return parameters.Get("device_challenge"), parameters.Get("user_code")
}

// tell asks the administrators' API about a device, or answers it.
func tell(s *servertest.AppServer, method, path, query, body string) servertest.Response {
	s.TB.Helper()
	return s.CallAdmin(method, "/admin/oauth2/auth/requests/device"+path+"?"+query, body)
}

func acceptCode(s *servertest.AppServer, challenge, code string) servertest.Response {
	s.TB.Helper()
	return tell(s, http.MethodPut, "/accept", "device_challenge="+challenge, `{"user_code": "`+code+`"}`)
}

func TestAppApprovesDevice(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startAllApart(t, db, nil)
		d := servertest.AuthorizeDevice(s.Server, servertest.DeviceClientForm("scope", "openid offline_access", "resource", "https://api.example"))
		b := s.NewBrowser()
		challenge, code := deviceChallenge(s, b.Get(d.VerificationURI))
		if code != d.UserCode {
			t.Errorf("the app is told the code %q, want %q", code, d.UserCode)
		}
		if _, code := deviceChallenge(s, b.Get("/oauth2/device/verify")); code != "" {
			t.Errorf("without a code the app is told %q", code)
		}

		servertest.WantMembers(t, tell(s, http.MethodGet, "", "device_challenge="+challenge, "").JSON(t), servertest.Object{
			"challenge": challenge, "client": nil, "requested_scope": []any{}, "requested_access_token_audience": []any{},
			"request_url": s.URL + "/oauth2/device/verify",
		})
		pending := tell(s, http.MethodGet, "/", "challenge="+challenge+"&user_code="+d.UserCode, "").JSON(t)
		servertest.WantMembers(t, pending, servertest.Object{"requested_scope": []any{"openid", "offline_access"}, "requested_access_token_audience": []any{"https://api.example"}})
		if c, _ := pending["client"].(servertest.Object); c["client_name"] != "Living room" || c["client_secret"] != nil {
			t.Errorf("the client is %v", c)
		}
		servertest.WantError(t, d.Poll(), 400, "authorization_pending")

		// The request does not continue before the app has answered, nor in another browser.
		if p := b.Get("/oauth2/auth?continue=" + challenge[:31]); p.Status != http.StatusBadRequest || !strings.Contains(p.Body, "expired_request") {
			t.Errorf("before the app has answered: %d to %s\n%s", p.Status, p.Location(), p.Body)
		}
		back := s.RedirectTo(acceptCode(s, challenge, strings.ToLower(d.UserCode)))
		if at := servertest.ParseURL(t, back); at.Path != "/oauth2/device/verify" || at.Query().Get("client_id") != "tv" {
			t.Errorf("redirect_to = %s", back)
		}
		for name, p := range map[string]servertest.Response{
			"reading": tell(s, http.MethodGet, "", "device_challenge="+challenge, ""), "accepting": acceptCode(s, challenge, d.UserCode),
			"rejecting": tell(s, http.MethodPut, "/reject", "device_challenge="+challenge, ""),
		} {
			if p.Status != http.StatusGone || p.JSON(t)["redirect_to"] != s.URL+"/oauth2/device/verify" {
				t.Errorf("%s what was answered: %d %s", name, p.Status, p.Body)
			}
		}
		if p := s.NewBrowser().Get(back); p.Status != http.StatusBadRequest {
			t.Errorf("in another browser: %d", p.Status)
		}
		// The user who began may have sent another user to the app, who returns with the
		// verifier in another browser.
		if p := b.Get("/oauth2/auth?continue=" + challenge[:31]); p.Status != http.StatusBadRequest || !strings.Contains(p.Body, "expired_request") {
			t.Errorf("without the verifier: %d to %s\n%s", p.Status, p.Location(), p.Body)
		}

		p := b.Get(b.Get(back).Location().String())
		if again := b.Get(back); again.Status != http.StatusBadRequest || again.Location().Path != "" {
			t.Errorf("coming back again: %d to %s", again.Status, again.Location())
		}
		pending = s.CallAdmin(http.MethodGet, "/oauth2/auth/requests/login?login_challenge="+s.LoginChallenge(p), "").JSON(t)
		servertest.WantMembers(t, pending, servertest.Object{"requested_scope": []any{"openid", "offline_access"}, "request_url": s.URL + "/oauth2/device/verify"})
		p = b.SignInByApp(s, p, servertest.Object{"subject": "jo"})
		p = b.ConsentByApp(s, p, servertest.Object{
			"grant_scope": servertest.AllScopes, "grant_access_token_audience": []string{"https://api.example"},
			"session": servertest.Object{"id_token": servertest.Object{"room": "living"}, "access_token": servertest.Object{"tenant": 7}},
		})
		if got := p.Location().String(); got != deviceSuccess {
			t.Errorf("afterwards they are at %s", got)
		}
		tokens := d.Poll().JSON(t)
		servertest.WantMembers(t, servertest.Claims(t, tokens["id_token"]), servertest.Object{"sub": "jo", "room": "living", "aud": "tv"})
		servertest.WantMembers(t, servertest.Claims(t, tokens["access_token"]), servertest.Object{"aud": []any{"https://api.example", s.URL}, "ext": servertest.Object{"tenant": 7.0}})
	})
}

func TestAppDeniesDevice(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startAllApart(t, db, nil)
		entered := func(d *servertest.PendingDevice) (*servertest.Browser, servertest.Response) {
			b := s.NewBrowser()
			challenge, _ := deviceChallenge(s, b.Get(d.VerificationURI))
			return b, b.Get(b.Get(s.RedirectTo(acceptCode(s, challenge, d.UserCode))).Location().String())
		}
		for name, refuse := range map[string]func(d *servertest.PendingDevice){
			"when the code is entered": func(d *servertest.PendingDevice) {
				challenge, code := deviceChallenge(s, s.NewBrowser().Get(d.VerificationURI))
				if p := tell(s, http.MethodPut, "/reject", "device_challenge="+challenge+"&user_code="+code, ""); p.Status != http.StatusNoContent {
					t.Errorf("rejecting: %d %s", p.Status, p.Body)
				}
			},
			"when they sign in": func(d *servertest.PendingDevice) {
				b, p := entered(d)
				p = b.Get(s.RedirectTo(s.AnswerChallenge("login/reject", s.LoginChallenge(p), servertest.Object{"error": "interaction_required"})))
				if !strings.Contains(p.Body, "interaction_required") {
					t.Errorf("the person reads %d\n%s", p.Status, p.Body)
				}
			},
			"when they agree": func(d *servertest.PendingDevice) {
				b, p := entered(d)
				p = b.SignInByApp(s, p, servertest.Object{"subject": "jo"})
				p = b.Get(s.RedirectTo(s.AnswerChallenge("consent/reject", s.ConsentChallenge(p), servertest.Object{"error": "access_denied"})))
				if !strings.Contains(p.Body, "Device not connected") {
					t.Errorf("the person reads %d\n%s", p.Status, p.Body)
				}
			},
		} {
			d := servertest.AuthorizeDevice(s.Server, servertest.DeviceClientForm("scope", "openid"))
			refuse(d)
			p := d.Poll()
			if got := p.JSON(t)["error"]; got != "access_denied" {
				t.Errorf("%s: the device hears %v", name, got)
			}
		}

		// A rejection without a user code does not affect the device.
		d := servertest.AuthorizeDevice(s.Server, servertest.DeviceClientForm("scope", "openid"))
		challenge, _ := deviceChallenge(s, s.NewBrowser().Get("/device"))
		if p := tell(s, http.MethodPut, "/reject", "device_challenge="+challenge, ""); p.Status != http.StatusNoContent {
			t.Errorf("rejecting: %d %s", p.Status, p.Body)
		}
		servertest.WantError(t, d.Poll(), 400, "authorization_pending")
	})
}

func TestAppUserCodeAttemptsAreLimited(t *testing.T) {
	t.Parallel()
	s := startAllApart(t, storetest.New(t), nil)
	d := servertest.AuthorizeDevice(s.Server, servertest.DeviceClientForm("scope", "openid"))
	challenge, _ := deviceChallenge(s, s.NewBrowser().Get("/device"))
	for _, code := range []string{"", "x", "AEIO-UAEI", d.DeviceCode} {
		servertest.WantError(t, acceptCode(s, challenge, code), 400, "invalid_request")
	}
	for range 5 {
		servertest.WantError(t, acceptCode(s, challenge, "BBBB-BBBB"), 400, "invalid_request")
	}
	p := acceptCode(s, challenge, d.UserCode)
	servertest.WantError(t, p, 429, "request_forbidden")
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
		if got := tell(s, http.MethodGet, "", tc.query, "").Status; got != tc.want {
			t.Errorf("a challenge %s: %d, want %d", name, got, tc.want)
		}
	}
	login := s.LoginChallenge(s.NewBrowser().Get("/oauth2/auth?" + servertest.AuthorizationRequest().Encode()))
	if got := acceptCode(s, login[:31]+"4", d.UserCode).Status; got != http.StatusNotFound {
		t.Errorf("the challenge of a sign-in: %d", got)
	}
	if p := acceptCode(s, challenge[:31]+"4", `x", "user_code": "y`); p.Status != http.StatusBadRequest {
		t.Errorf("a member twice: %d", p.Status)
	}
	b := s.NewBrowser()
	challenge, _ = deviceChallenge(s, b.Get("/device"))
	back := s.RedirectTo(acceptCode(s, challenge, d.UserCode))
	s.Advance(10 * time.Minute)
	if p := b.Get(back); p.Status != http.StatusBadRequest {
		t.Errorf("a device that has expired: %d to %s", p.Status, p.Location())
	}
}
