package deviceauth_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

func eachWithDevices(t *testing.T, test func(t *testing.T, s *servertest.Server)) {
	t.Helper()
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		test(t, servertest.StartWithDeviceClients(t, db, nil))
	})
}

func TestDeviceFlow(t *testing.T) {
	eachWithDevices(t, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		response := s.PostForm("/oauth2/device/auth", servertest.DeviceClientForm("scope", "openid offline_access email nonsense", "resource", "https://api.example"))
		if response.Header.Get("Cache-Control") != "no-store" {
			t.Error("the codes may be cached")
		}
		claims := response.JSON(t)
		code := servertest.Text(claims["user_code"])
		if !regexp.MustCompile(`^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$`).MatchString(code) {
			t.Errorf("user_code = %q", code)
		}
		servertest.WantMembers(t, claims, servertest.Object{
			"verification_uri": s.URL + "/device", "verification_uri_complete": s.URL + "/device?user_code=" + code,
			"expires_in": 600.0, "interval": 5.0,
		})
		d := &servertest.PendingDevice{
			Server: s, ClientID: "tv", DeviceCode: servertest.Text(claims["device_code"]), UserCode: code,
			VerificationURI: servertest.Text(claims["verification_uri_complete"]),
		}
		servertest.WantError(t, d.Poll(), 400, "authorization_pending")

		// Opening verification_uri_complete only shows client and code.
		b := s.NewBrowser()
		page := b.Get(d.VerificationURI)
		for _, want := range []string{"Living room", code, "Not my device", "someone sent you", "See your email address", "Keep access"} {
			if page.Status != http.StatusOK || !strings.Contains(page.Body, want) {
				t.Errorf("the page does not say %q: %d\n%s", want, page.Status, page.Body)
			}
		}
		servertest.WantError(t, d.Poll(), 400, "authorization_pending")

		done := b.Follow(b.EnterUserCode(d, "continue"))
		if done.Status != http.StatusOK || !strings.Contains(done.Body, "return to your device") {
			t.Fatalf("the way ends at %d %s\n%s", done.Status, done.Location(), done.Body)
		}
		tokens := d.Poll().JSON(t)
		servertest.WantMembers(t, tokens, servertest.Object{"token_type": "Bearer", "scope": "openid offline_access email"})
		servertest.WantMembers(t, servertest.Claims(t, tokens["id_token"]), servertest.Object{"aud": "tv", "sid": nil, "nonce": nil, "acr": "1"})
		servertest.WantMembers(t, servertest.Claims(t, tokens["access_token"]), servertest.Object{"client_id": "tv", "aud": []any{"https://api.example", s.URL}})
		servertest.WantMembers(t, s.Userinfo(tokens["access_token"]).JSON(t), servertest.Object{"email": "ada@example.com"})

		// Signing out in the browser does not sign out the device.
		p := b.Get("/oauth2/sessions/logout")
		b.Post("/oauth2/sessions/logout", servertest.Form("ticket", p.HiddenField("ticket")))
		refreshed := s.PostForm("/oauth2/token", servertest.DeviceClientForm("grant_type", "refresh_token", "refresh_token", servertest.Text(tokens["refresh_token"])))
		if refreshed.Status != http.StatusOK {
			t.Fatalf("refresh: %d %s", refreshed.Status, refreshed.Body)
		}
		access := refreshed.JSON(t)["access_token"]
		if s.Userinfo(access).Status != http.StatusOK {
			t.Error("the device was signed out")
		}

		// The device code is redeemed once. A second use revokes the grant.
		servertest.WantError(t, d.Poll(), 400, "invalid_grant")
		if s.Userinfo(access).Status != http.StatusUnauthorized {
			t.Error("a code that came twice ended nothing")
		}
		if late := b.Post("/device", servertest.Form("user_code", d.UserCode)); late.Status != http.StatusBadRequest {
			t.Errorf("a code that was used: %d", late.Status)
		}
	})
}

func TestUserDeniesDevice(t *testing.T) {
	eachWithDevices(t, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		for name, refuse := range map[string]func(*servertest.Browser, *servertest.PendingDevice) servertest.Response{
			"since the code was sent to them": func(b *servertest.Browser, d *servertest.PendingDevice) servertest.Response {
				return b.EnterUserCode(d, "deny")
			},
			"without signing in": func(b *servertest.Browser, d *servertest.PendingDevice) servertest.Response {
				form := b.Get(b.Get(b.EnterUserCode(d, "continue").Location().String()).Location().String())
				return b.Follow(b.Post(form.FormAction(), servertest.Form("request", form.HiddenField("request"), "decision", "cancel")))
			},
			"at the question": func(b *servertest.Browser, d *servertest.PendingDevice) servertest.Response {
				b.Code(servertest.AuthorizationRequest()) // signs in
				form := b.Get(b.Get(b.EnterUserCode(d, "continue").Location().String()).Location().String())
				return b.Follow(b.Post(form.FormAction(), servertest.Form("request", form.HiddenField("request"), "decision", "deny")))
			},
		} {
			d := servertest.AuthorizeDevice(s, servertest.DeviceClientForm("scope", "openid"))
			if p := refuse(s.NewBrowser(), d); p.Status != http.StatusOK || !strings.Contains(p.Body, "Device not connected") {
				t.Errorf("%s: %d\n%s", name, p.Status, p.Body)
			}
			servertest.WantError(t, d.Poll(), 400, "access_denied")
			servertest.WantError(t, d.Poll(), 400, "access_denied")
			if p := s.NewBrowser().EnterUserCode(d, "continue"); p.Status != http.StatusBadRequest {
				t.Errorf("%s: the code still leads somewhere: %d", name, p.Status)
			}
		}
	})
}

func TestDevicePollingTooFastSlowsDown(t *testing.T) {
	eachWithDevices(t, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		d := servertest.AuthorizeDevice(s, servertest.DeviceClientForm())
		servertest.WantError(t, d.PollNow(), 400, "authorization_pending") // the first poll need not wait
		s.Advance(4 * time.Second)                                         // a little early is no harm
		servertest.WantError(t, d.PollNow(), 400, "authorization_pending")
		s.Advance(3 * time.Second)
		servertest.WantError(t, d.PollNow(), 400, "slow_down") // 10 s from now on
		s.Advance(8 * time.Second)
		servertest.WantError(t, d.PollNow(), 400, "slow_down") // 15 s
		s.Advance(15 * time.Second)
		servertest.WantError(t, d.PollNow(), 400, "authorization_pending")
		s.NewBrowser().Follow(s.NewBrowser().EnterUserCode(d, "deny"))
		s.Advance(5 * time.Second)
		servertest.WantError(t, d.PollNow(), 400, "slow_down") // the second poll is too early
		s.Advance(20 * time.Second)
		servertest.WantError(t, d.PollNow(), 400, "access_denied")
	})
}

func TestDeviceCodeIsBoundToClient(t *testing.T) {
	eachWithDevices(t, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		d := servertest.AuthorizeDevice(s, servertest.DeviceClientForm())
		stolen := &servertest.PendingDevice{Server: s, ClientID: "stick", DeviceCode: d.DeviceCode, UserCode: d.UserCode}
		servertest.WantError(t, stolen.Poll(), 400, "invalid_grant")
		servertest.WantError(t, d.PollNow(), 400, "authorization_pending") // others' polls are not counted as its own

		code := s.NewBrowser().Code(servertest.AuthorizationRequest())
		for name, bad := range map[string]string{
			"garbage": "x", "of another kind": code, "changed": d.DeviceCode[:len(d.DeviceCode)-2] + "AA", "the user code": d.UserCode,
		} {
			servertest.WantError(t, (&servertest.PendingDevice{Server: s, ClientID: "tv", DeviceCode: bad}).Poll(), 400, "invalid_grant")
			_ = name
		}
		servertest.WantError(t, s.PostForm("/oauth2/token", servertest.DeviceClientForm("grant_type", servertest.DeviceGrant)), 400, "invalid_request")
		servertest.WantError(t, s.PostForm("/oauth2/token", servertest.Form("grant_type", servertest.DeviceGrant, "device_code", d.DeviceCode)), 400, "unauthorized_client")
		servertest.WantError(t, s.PostForm("/oauth2/token", servertest.CodeExchange(d.DeviceCode)), 400, "invalid_grant")

		s.NewBrowser().Follow(s.NewBrowser().EnterUserCode(d, "continue"))
		s.Advance(10 * time.Minute)
		servertest.WantError(t, d.PollNow(), 400, "expired_token")
		if p := s.NewBrowser().EnterUserCode(d, "continue"); p.Status != http.StatusBadRequest {
			t.Errorf("a code that has expired: %d", p.Status)
		}
		if _, err := s.Store.Purge(t.Context(), s.Time().Add(2*time.Hour)); err != nil {
			t.Fatal(err)
		}
		servertest.WantError(t, d.PollNow(), 400, "expired_token")
	})
}

func TestDeviceAuthorizationRequestChecks(t *testing.T) {
	t.Parallel()
	s := servertest.StartWithDeviceClients(t, storetest.New(t), nil)
	for name, tc := range map[string]struct {
		form   url.Values
		status int
		code   string
	}{
		"without authentication":    {servertest.Form("client_id", "tv"), 401, "invalid_client"},
		"with a wrong secret":       {servertest.DeviceClientForm("client_secret", "wrong"), 401, "invalid_client"},
		"an unknown client":         {servertest.Form("client_id", "nobody"), 401, "invalid_client"},
		"a client of another grant": {url.Values{}, 400, "unauthorized_client"},
		"a resource of another":     {servertest.DeviceClientForm("resource", "https://other.example"), 400, "invalid_target"},
		"a scope that cannot be":    {servertest.DeviceClientForm("scope", `"`), 400, "invalid_scope"},
		"too much":                  {servertest.DeviceClientForm("scope", strings.Repeat("email ", 5000)), 400, "invalid_request"},
	} {
		p := s.PostForm("/oauth2/device/auth", tc.form)
		if got := p.JSON(t)["error"]; p.Status != tc.status || got != tc.code {
			t.Errorf("%s: %d %v, want %d %s", name, p.Status, got, tc.status, tc.code)
		}
	}
	d := servertest.AuthorizeDevice(s, servertest.Form("client_id", "stick", "scope", "openid email"))
	b := s.NewBrowser()
	for range 2 { // a public client cannot be authenticated, so each request needs consent
		p := b.EnterUserCode(d, "continue")
		seen := false
		for p.Status == http.StatusSeeOther {
			seen = seen || strings.HasPrefix(p.Location().Path, "/consent")
			switch p.Location().Path {
			case "/login", "/consent":
				form := b.Get(p.Location().String())
				p = b.Post(form.FormAction(), servertest.Form("request", form.HiddenField("request"), "username", "ada", "password", servertest.Password, "decision", map[string]string{"/consent": "accept"}[p.Location().Path], "remember", "on"))
			default:
				p = b.Get(p.Location().String())
			}
		}
		if !seen || !strings.Contains(p.Body, "return to your device") {
			t.Errorf("response: %v, and then %d\n%s", seen, p.Status, p.Body)
		}
		tokens := d.Poll().JSON(t)
		if tokens["scope"] != "openid" || tokens["refresh_token"] != nil {
			t.Errorf("the device gets %v", tokens)
		}
		d = servertest.AuthorizeDevice(s, servertest.Form("client_id", "stick", "scope", "openid"))
	}
	p := s.PostForm("/oauth2/device/auth", servertest.Form("client_id", "stick"))
	if p.Status != http.StatusOK {
		t.Errorf("without a scope: %d %s", p.Status, p.Body)
	}
	doc := s.NewBrowser().Get("/.well-known/openid-configuration").JSON(t)
	if doc["device_authorization_endpoint"] != s.URL+"/oauth2/device/auth" || !strings.Contains(strings.Join(texts(doc["grant_types_supported"]), " "), servertest.DeviceGrant) {
		t.Errorf("discovery says %v and %v", doc["device_authorization_endpoint"], doc["grant_types_supported"])
	}
}

func texts(list any) (all []string) {
	items, _ := list.([]any)
	for _, item := range items {
		all = append(all, servertest.Text(item))
	}
	return all
}

// Of concurrent polls exactly one gets the tokens, and the others do not revoke them.
func TestConcurrentPollsOneSucceeds(t *testing.T) {
	eachWithDevices(t, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		d := servertest.AuthorizeDevice(s, servertest.DeviceClientForm("scope", "openid"))
		b := s.NewBrowser()
		b.Follow(b.EnterUserCode(d, "continue"))
		s.Advance(5 * time.Second)
		const polls = 20
		answers := make([]servertest.Response, polls)
		var group sync.WaitGroup
		for i := range polls {
			group.Go(func() { answers[i] = d.PollNow() })
		}
		group.Wait()
		won := 0
		for _, p := range answers {
			switch {
			case p.Status == http.StatusOK:
				won++
				if access := p.JSON(t)["access_token"]; s.Userinfo(access).Status != http.StatusOK {
					t.Error("the tokens of the winner are good for nothing")
				}
			case p.JSON(t)["error"] != "slow_down":
				t.Errorf("a loser gets %s", p.Body)
			}
		}
		if won != 1 {
			t.Errorf("%d of %d polls won, want 1", won, polls)
		}
	})
}

func TestUserCodeSpellings(t *testing.T) {
	t.Parallel()
	s := servertest.StartWithDeviceClients(t, storetest.New(t), nil)
	d := servertest.AuthorizeDevice(s, servertest.DeviceClientForm())
	b := s.NewBrowser()
	plain := strings.ReplaceAll(d.UserCode, "-", "")
	for _, entered := range []string{d.UserCode, plain, strings.ToLower(d.UserCode), " " + plain + " ", strings.ToLower(plain[:3]) + " " + plain[3:], strings.ReplaceAll(d.UserCode, "-", "–")} {
		if p := b.Post("/device", servertest.Form("user_code", entered)); p.Status != http.StatusOK || !strings.Contains(p.Body, d.UserCode) {
			t.Errorf("entering %q: %d", entered, p.Status)
		}
	}
	for _, entered := range []string{"", "x", plain[:7], plain + "B", "AEIOUAEI", strings.Repeat("B", 5000), "<script>", d.DeviceCode} {
		p := b.Post("/device", servertest.Form("user_code", entered))
		if p.Status != http.StatusBadRequest || !strings.Contains(p.Body, `id="user-code"`) || !strings.Contains(p.Body, `id="fault"`) {
			t.Errorf("entering %q: %d", entered, p.Status)
		}
	}
	if p := b.Get("/oauth2/device/verify?user_code=" + d.UserCode); p.Status != http.StatusOK || !strings.Contains(p.Body, "Living room") {
		t.Errorf("the address of other servers: %d", p.Status)
	}
	if p := b.Get("/device"); p.Status != http.StatusOK || !strings.Contains(p.Body, `id="user-code"`) || strings.Contains(p.Body, `id="fault"`) {
		t.Errorf("the bare page: %d", p.Status)
	}
}
