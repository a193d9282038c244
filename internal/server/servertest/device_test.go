package servertest

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

func eachWithDevices(t *testing.T, test func(t *testing.T, s *Server)) {
	t.Helper()
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		test(t, StartWithDeviceClients(t, db, nil))
	})
}

func TestADeviceIsAllowedElsewhere(t *testing.T) {
	eachWithDevices(t, func(t *testing.T, s *Server) {
		t.Helper()
		asked := s.PostForm("/oauth2/device/auth", DeviceClientForm("scope", "openid offline_access email nonsense", "resource", "https://api.example"))
		if asked.Header.Get("Cache-Control") != "no-store" {
			t.Error("the codes may be cached")
		}
		said := asked.JSON(t)
		code := Text(said["user_code"])
		if !regexp.MustCompile(`^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$`).MatchString(code) {
			t.Errorf("user_code = %q", code)
		}
		WantMembers(t, said, Object{
			"verification_uri": s.URL + "/device", "verification_uri_complete": s.URL + "/device?user_code=" + code,
			"expires_in": 600.0, "interval": 5.0,
		})
		d := &PendingDevice{s, "tv", Text(said["device_code"]), code, Text(said["verification_uri_complete"])}
		WantError(t, d.Poll(), 400, "authorization_pending")

		// The address alone allows nothing: it says what the code is for.
		b := s.NewBrowser()
		page := b.Get(d.VerificationURI)
		for _, want := range []string{"Living room", code, "Not my device", "somebody sent you", "See your email address", "Keep access"} {
			if page.Status != http.StatusOK || !strings.Contains(page.Body, want) {
				t.Errorf("the page does not say %q: %d\n%s", want, page.Status, page.Body)
			}
		}
		WantError(t, d.Poll(), 400, "authorization_pending")

		done := b.Follow(b.EnterUserCode(d, "continue"))
		if done.Status != http.StatusOK || !strings.Contains(done.Body, "go back to your device") {
			t.Fatalf("the way ends at %d %s\n%s", done.Status, done.Location(), done.Body)
		}
		tokens := d.Poll().JSON(t)
		WantMembers(t, tokens, Object{"token_type": "Bearer", "scope": "openid offline_access email"})
		WantMembers(t, Claims(t, tokens["id_token"]), Object{"aud": "tv", "sid": nil, "nonce": nil, "acr": "urn:ostiary:acr:password"})
		WantMembers(t, Claims(t, tokens["access_token"]), Object{"client_id": "tv", "aud": []any{"https://api.example", s.URL}})
		WantMembers(t, s.Userinfo(tokens["access_token"]).JSON(t), Object{"email": "ada@example.com"})

		// Who signs out of the browser does not mean the device.
		p := b.Get("/oauth2/sessions/logout")
		b.Post("/oauth2/sessions/logout", Form("ticket", p.HiddenField("ticket")))
		refreshed := s.PostForm("/oauth2/token", DeviceClientForm("grant_type", "refresh_token", "refresh_token", Text(tokens["refresh_token"])))
		if refreshed.Status != http.StatusOK {
			t.Fatalf("refresh: %d %s", refreshed.Status, refreshed.Body)
		}
		access := refreshed.JSON(t)["access_token"]
		if s.Userinfo(access).Status != http.StatusOK {
			t.Error("the device was signed out")
		}

		// The code is good once. Whoever has it besides the device ends what it gave.
		WantError(t, d.Poll(), 400, "invalid_grant")
		if s.Userinfo(access).Status != http.StatusUnauthorized {
			t.Error("a code that came twice ended nothing")
		}
		if late := b.Post("/device", Form("user_code", d.UserCode)); late.Status != http.StatusBadRequest {
			t.Errorf("a code that was used: %d", late.Status)
		}
	})
}

func TestAPersonRefusesADevice(t *testing.T) {
	eachWithDevices(t, func(t *testing.T, s *Server) {
		t.Helper()
		for name, refuse := range map[string]func(*Browser, *PendingDevice) Response{
			"since the code was sent to them": func(b *Browser, d *PendingDevice) Response { return b.EnterUserCode(d, "deny") },
			"without signing in": func(b *Browser, d *PendingDevice) Response {
				form := b.Get(b.Get(b.EnterUserCode(d, "continue").Location().String()).Location().String())
				return b.Follow(b.Post(form.FormAction(), Form("request", form.HiddenField("request"), "decision", "cancel")))
			},
			"at the question": func(b *Browser, d *PendingDevice) Response {
				b.Code(AuthorizationRequest()) // signs in
				form := b.Get(b.Get(b.EnterUserCode(d, "continue").Location().String()).Location().String())
				return b.Follow(b.Post(form.FormAction(), Form("request", form.HiddenField("request"), "decision", "deny")))
			},
		} {
			d := s.AuthorizeDevice(DeviceClientForm("scope", "openid"))
			if p := refuse(s.NewBrowser(), d); p.Status != http.StatusOK || !strings.Contains(p.Body, "Device not connected") {
				t.Errorf("%s: %d\n%s", name, p.Status, p.Body)
			}
			WantError(t, d.Poll(), 400, "access_denied")
			WantError(t, d.Poll(), 400, "access_denied")
			if p := s.NewBrowser().EnterUserCode(d, "continue"); p.Status != http.StatusBadRequest {
				t.Errorf("%s: the code still leads somewhere: %d", name, p.Status)
			}
		}
	})
}

func TestADeviceThatAsksTooOftenWaitsLonger(t *testing.T) {
	eachWithDevices(t, func(t *testing.T, s *Server) {
		t.Helper()
		d := s.AuthorizeDevice(DeviceClientForm())
		WantError(t, d.PollNow(), 400, "authorization_pending") // the first may come at once
		s.Advance(4 * time.Second)                              // a little early is no harm
		WantError(t, d.PollNow(), 400, "authorization_pending")
		s.Advance(3 * time.Second)
		WantError(t, d.PollNow(), 400, "slow_down") // 10 s from now on
		s.Advance(8 * time.Second)
		WantError(t, d.PollNow(), 400, "slow_down") // 15 s
		s.Advance(15 * time.Second)
		WantError(t, d.PollNow(), 400, "authorization_pending")
		s.NewBrowser().Follow(s.NewBrowser().EnterUserCode(d, "deny"))
		s.Advance(5 * time.Second)
		WantError(t, d.PollNow(), 400, "slow_down") // it does not hear sooner
		s.Advance(20 * time.Second)
		WantError(t, d.PollNow(), 400, "access_denied")
	})
}

func TestADeviceHearsOfItsOwnCodeAlone(t *testing.T) {
	eachWithDevices(t, func(t *testing.T, s *Server) {
		t.Helper()
		d := s.AuthorizeDevice(DeviceClientForm())
		stolen := &PendingDevice{s, "stick", d.DeviceCode, d.UserCode, ""}
		WantError(t, stolen.Poll(), 400, "invalid_grant")
		WantError(t, d.PollNow(), 400, "authorization_pending") // others' polls are not counted as its own

		code := s.NewBrowser().Code(AuthorizationRequest())
		for name, bad := range map[string]string{
			"garbage": "x", "of another kind": code, "changed": d.DeviceCode[:len(d.DeviceCode)-2] + "AA", "the user code": d.UserCode,
		} {
			WantError(t, (&PendingDevice{s, "tv", bad, "", ""}).Poll(), 400, "invalid_grant")
			_ = name
		}
		WantError(t, s.PostForm("/oauth2/token", DeviceClientForm("grant_type", DeviceGrant)), 400, "invalid_request")
		WantError(t, s.PostForm("/oauth2/token", Form("grant_type", DeviceGrant, "device_code", d.DeviceCode)), 400, "unauthorized_client")
		WantError(t, s.PostForm("/oauth2/token", CodeExchange(d.DeviceCode)), 400, "invalid_grant")

		s.NewBrowser().Follow(s.NewBrowser().EnterUserCode(d, "continue"))
		s.Advance(10 * time.Minute)
		WantError(t, d.PollNow(), 400, "expired_token")
		if p := s.NewBrowser().EnterUserCode(d, "continue"); p.Status != http.StatusBadRequest {
			t.Errorf("a code that has expired: %d", p.Status)
		}
		if _, err := s.Store.Purge(t.Context(), s.Time().Add(2*time.Hour)); err != nil {
			t.Fatal(err)
		}
		WantError(t, d.PollNow(), 400, "expired_token")
	})
}

func TestWhatADeviceMayAskFor(t *testing.T) {
	t.Parallel()
	s := StartWithDeviceClients(t, storetest.New(t), nil)
	for name, tc := range map[string]struct {
		form   url.Values
		status int
		code   string
	}{
		"without authentication":    {Form("client_id", "tv"), 401, "invalid_client"},
		"with a wrong secret":       {DeviceClientForm("client_secret", "wrong"), 401, "invalid_client"},
		"an unknown client":         {Form("client_id", "nobody"), 401, "invalid_client"},
		"a client of another grant": {url.Values{}, 400, "unauthorized_client"},
		"a resource of another":     {DeviceClientForm("resource", "https://other.example"), 400, "invalid_target"},
		"a scope that cannot be":    {DeviceClientForm("scope", `"`), 400, "invalid_scope"},
		"too much":                  {DeviceClientForm("scope", strings.Repeat("email ", 5000)), 400, "invalid_request"},
	} {
		p := s.PostForm("/oauth2/device/auth", tc.form)
		if got := p.JSON(t)["error"]; p.Status != tc.status || got != tc.code {
			t.Errorf("%s: %d %v, want %d %s", name, p.Status, got, tc.status, tc.code)
		}
	}
	d := s.AuthorizeDevice(Form("client_id", "stick", "scope", "openid email"))
	b := s.NewBrowser()
	for range 2 { // anybody can pretend to be it, so its person is asked each time
		p := b.EnterUserCode(d, "continue")
		seen := false
		for p.Status == http.StatusSeeOther {
			seen = seen || strings.HasPrefix(p.Location().Path, "/consent")
			switch p.Location().Path {
			case "/login", "/consent":
				form := b.Get(p.Location().String())
				p = b.Post(form.FormAction(), Form("request", form.HiddenField("request"), "username", "ada", "password", Password, "decision", map[string]string{"/consent": "accept"}[p.Location().Path], "remember", "on"))
			default:
				p = b.Get(p.Location().String())
			}
		}
		if !seen || !strings.Contains(p.Body, "go back to your device") {
			t.Errorf("asked: %v, and then %d\n%s", seen, p.Status, p.Body)
		}
		tokens := d.Poll().JSON(t)
		if tokens["scope"] != "openid" || tokens["refresh_token"] != nil {
			t.Errorf("the device gets %v", tokens)
		}
		d = s.AuthorizeDevice(Form("client_id", "stick", "scope", "openid"))
	}
	p := s.PostForm("/oauth2/device/auth", Form("client_id", "stick"))
	if p.Status != http.StatusOK {
		t.Errorf("without a scope: %d %s", p.Status, p.Body)
	}
	doc := s.NewBrowser().Get("/.well-known/openid-configuration").JSON(t)
	if doc["device_authorization_endpoint"] != s.URL+"/oauth2/device/auth" || !strings.Contains(strings.Join(texts(doc["grant_types_supported"]), " "), DeviceGrant) {
		t.Errorf("discovery says %v and %v", doc["device_authorization_endpoint"], doc["grant_types_supported"])
	}
}

func texts(list any) (all []string) {
	items, _ := list.([]any)
	for _, item := range items {
		all = append(all, Text(item))
	}
	return all
}

// Of many polls at once one gets the tokens, whatever else there is, and no other ends
// them.
func TestOfManyPollsAtOnceOneWins(t *testing.T) {
	eachWithDevices(t, func(t *testing.T, s *Server) {
		t.Helper()
		d := s.AuthorizeDevice(DeviceClientForm("scope", "openid"))
		b := s.NewBrowser()
		b.Follow(b.EnterUserCode(d, "continue"))
		s.Advance(5 * time.Second)
		const polls = 20
		answers := make([]Response, polls)
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

func TestWhatPeopleEnter(t *testing.T) {
	t.Parallel()
	s := StartWithDeviceClients(t, storetest.New(t), nil)
	d := s.AuthorizeDevice(DeviceClientForm())
	b := s.NewBrowser()
	plain := strings.ReplaceAll(d.UserCode, "-", "")
	for _, entered := range []string{d.UserCode, plain, strings.ToLower(d.UserCode), " " + plain + " ", strings.ToLower(plain[:3]) + " " + plain[3:], strings.ReplaceAll(d.UserCode, "-", "–")} {
		if p := b.Post("/device", Form("user_code", entered)); p.Status != http.StatusOK || !strings.Contains(p.Body, d.UserCode) {
			t.Errorf("entering %q: %d", entered, p.Status)
		}
	}
	for _, entered := range []string{"", "x", plain[:7], plain + "B", "AEIOUAEI", strings.Repeat("B", 5000), "<script>", d.DeviceCode} {
		p := b.Post("/device", Form("user_code", entered))
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
