package main

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

const (
	deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"
	tvSecret    = "tv-secret-tv-secret-tv-secret-tv"
)

// startDevices serves db with two clients that run on devices: tv has a secret and
// stick has none.
func startDevices(tb testing.TB, db *store.Store, settings map[string]string) *server {
	tb.Helper()
	s := start(tb, db, settings)
	s.bring(`{"client_id": "tv", "client_name": "Living room", "client_secret": "` + tvSecret + `", "token_endpoint_auth_method": "client_secret_post",
		"grant_types": ["` + deviceGrant + `", "refresh_token"], "scope": "openid offline_access email api", "audience": ["https://api.example"],
		"id_token_signed_response_alg": "ES256", "backchannel_logout_uri": "https://client.example/back"},
		{"client_id": "stick", "token_endpoint_auth_method": "none", "grant_types": ["` + deviceGrant + `"], "scope": "openid"}`)
	return s
}

func eachWithDevices(t *testing.T, test func(t *testing.T, s *server)) {
	t.Helper()
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		test(t, startDevices(t, db, nil))
	})
}

// waiting is a device that waits for its person.
type waiting struct {
	s                     *server
	client                string
	device, code, address string
}

func tv(changes ...string) url.Values {
	form := asForm("client_id", "tv", "client_secret", tvSecret)
	for i := 0; i < len(changes); i += 2 {
		form.Set(changes[i], changes[i+1])
	}
	return form
}

func (s *server) device(form url.Values) *waiting {
	s.tb.Helper()
	p := s.call("/oauth2/device/auth", form)
	if p.status != http.StatusOK {
		s.tb.Fatalf("device authorization: %d %s", p.status, p.body)
	}
	said := p.json(s.tb)
	return &waiting{s, form.Get("client_id"), text(said["device_code"]), text(said["user_code"]), text(said["verification_uri_complete"])}
}

// poll asks how it stands, as the device does when its interval has passed.
func (d *waiting) poll() reply {
	d.s.tb.Helper()
	d.s.pass(5 * time.Second)
	return d.ask()
}

func (d *waiting) ask() reply {
	d.s.tb.Helper()
	form := asForm("client_id", d.client)
	if d.client == "tv" {
		form = tv()
	}
	form.Set("grant_type", deviceGrant)
	form.Set("device_code", d.device)
	return d.s.call("/oauth2/token", form)
}

// enter brings the code to the page and goes on, up to where the way leaves it.
func (b *browser) enter(d *waiting, decision string) reply {
	b.s.tb.Helper()
	return b.post("/device", asForm("user_code", d.code, "decision", decision))
}

func TestADeviceIsAllowedElsewhere(t *testing.T) {
	eachWithDevices(t, func(t *testing.T, s *server) {
		t.Helper()
		asked := s.call("/oauth2/device/auth", tv("scope", "openid offline_access email nonsense", "resource", "https://api.example"))
		if asked.header.Get("Cache-Control") != "no-store" {
			t.Error("the codes may be cached")
		}
		said := asked.json(t)
		code := text(said["user_code"])
		if !regexp.MustCompile(`^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$`).MatchString(code) {
			t.Errorf("user_code = %q", code)
		}
		wantMembers(t, said, object{
			"verification_uri": s.url + "/device", "verification_uri_complete": s.url + "/device?user_code=" + code,
			"expires_in": 600.0, "interval": 5.0,
		})
		d := &waiting{s, "tv", text(said["device_code"]), code, text(said["verification_uri_complete"])}
		wantError(t, d.poll(), 400, "authorization_pending")

		// The address alone allows nothing: it says what the code is for.
		b := s.browser()
		page := b.get(d.address)
		for _, want := range []string{"Living room", code, "Not my device", "somebody sent you", "See your email address", "Keep access"} {
			if page.status != http.StatusOK || !strings.Contains(page.body, want) {
				t.Errorf("the page does not say %q: %d\n%s", want, page.status, page.body)
			}
		}
		wantError(t, d.poll(), 400, "authorization_pending")

		done := b.follow(b.enter(d, "continue"))
		if done.status != http.StatusOK || !strings.Contains(done.body, "go back to your device") {
			t.Fatalf("the way ends at %d %s\n%s", done.status, done.location(), done.body)
		}
		tokens := d.poll().json(t)
		wantMembers(t, tokens, object{"token_type": "Bearer", "scope": "openid offline_access email"})
		wantMembers(t, claims(t, tokens["id_token"]), object{"aud": "tv", "sid": nil, "nonce": nil, "acr": "urn:ostiary:acr:password"})
		wantMembers(t, claims(t, tokens["access_token"]), object{"client_id": "tv", "aud": []any{"https://api.example", s.url}})
		wantMembers(t, s.userinfo(tokens["access_token"]).json(t), object{"email": "ada@example.com"})

		// Who signs out of the browser does not mean the device.
		p := b.get("/oauth2/sessions/logout")
		b.post("/oauth2/sessions/logout", asForm("ticket", p.field("ticket")))
		refreshed := s.call("/oauth2/token", tv("grant_type", "refresh_token", "refresh_token", text(tokens["refresh_token"])))
		if refreshed.status != http.StatusOK {
			t.Fatalf("refresh: %d %s", refreshed.status, refreshed.body)
		}
		access := refreshed.json(t)["access_token"]
		if s.userinfo(access).status != http.StatusOK {
			t.Error("the device was signed out")
		}

		// The code is good once. Whoever has it besides the device ends what it gave.
		wantError(t, d.poll(), 400, "invalid_grant")
		if s.userinfo(access).status != http.StatusUnauthorized {
			t.Error("a code that came twice ended nothing")
		}
		if late := b.post("/device", asForm("user_code", d.code)); late.status != http.StatusBadRequest {
			t.Errorf("a code that was used: %d", late.status)
		}
	})
}

func TestAPersonRefusesADevice(t *testing.T) {
	eachWithDevices(t, func(t *testing.T, s *server) {
		t.Helper()
		for name, refuse := range map[string]func(*browser, *waiting) reply{
			"since the code was sent to them": func(b *browser, d *waiting) reply { return b.enter(d, "deny") },
			"without signing in": func(b *browser, d *waiting) reply {
				form := b.get(b.get(b.enter(d, "continue").location().String()).location().String())
				return b.follow(b.post(form.action(), asForm("request", form.field("request"), "decision", "cancel")))
			},
			"at the question": func(b *browser, d *waiting) reply {
				b.code(asking()) // signs in
				form := b.get(b.get(b.enter(d, "continue").location().String()).location().String())
				return b.follow(b.post(form.action(), asForm("request", form.field("request"), "decision", "deny")))
			},
		} {
			d := s.device(tv("scope", "openid"))
			if p := refuse(s.browser(), d); p.status != http.StatusOK || !strings.Contains(p.body, "Device not connected") {
				t.Errorf("%s: %d\n%s", name, p.status, p.body)
			}
			wantError(t, d.poll(), 400, "access_denied")
			wantError(t, d.poll(), 400, "access_denied")
			if p := s.browser().enter(d, "continue"); p.status != http.StatusBadRequest {
				t.Errorf("%s: the code still leads somewhere: %d", name, p.status)
			}
		}
	})
}

func TestADeviceThatAsksTooOftenWaitsLonger(t *testing.T) {
	eachWithDevices(t, func(t *testing.T, s *server) {
		t.Helper()
		d := s.device(tv())
		wantError(t, d.ask(), 400, "authorization_pending") // the first may come at once
		s.pass(4 * time.Second)                             // a little early is no harm
		wantError(t, d.ask(), 400, "authorization_pending")
		s.pass(3 * time.Second)
		wantError(t, d.ask(), 400, "slow_down") // 10 s from now on
		s.pass(8 * time.Second)
		wantError(t, d.ask(), 400, "slow_down") // 15 s
		s.pass(15 * time.Second)
		wantError(t, d.ask(), 400, "authorization_pending")
		s.browser().follow(s.browser().enter(d, "deny"))
		s.pass(5 * time.Second)
		wantError(t, d.ask(), 400, "slow_down") // it does not hear sooner
		s.pass(20 * time.Second)
		wantError(t, d.ask(), 400, "access_denied")
	})
}

func TestADeviceHearsOfItsOwnCodeAlone(t *testing.T) {
	eachWithDevices(t, func(t *testing.T, s *server) {
		t.Helper()
		d := s.device(tv())
		stolen := &waiting{s, "stick", d.device, d.code, ""}
		wantError(t, stolen.poll(), 400, "invalid_grant")
		wantError(t, d.ask(), 400, "authorization_pending") // others' polls are not counted as its own

		code := s.browser().code(asking())
		for name, bad := range map[string]string{
			"garbage": "x", "of another kind": code, "changed": d.device[:len(d.device)-2] + "AA", "the user code": d.code,
		} {
			wantError(t, (&waiting{s, "tv", bad, "", ""}).poll(), 400, "invalid_grant")
			_ = name
		}
		wantError(t, s.call("/oauth2/token", tv("grant_type", deviceGrant)), 400, "invalid_request")
		wantError(t, s.call("/oauth2/token", asForm("grant_type", deviceGrant, "device_code", d.device)), 400, "unauthorized_client")
		wantError(t, s.call("/oauth2/token", exchanging(d.device)), 400, "invalid_grant")

		s.browser().follow(s.browser().enter(d, "continue"))
		s.pass(10 * time.Minute)
		wantError(t, d.ask(), 400, "expired_token")
		if p := s.browser().enter(d, "continue"); p.status != http.StatusBadRequest {
			t.Errorf("a code that has expired: %d", p.status)
		}
		if _, err := s.store.Purge(t.Context(), s.time().Add(2*time.Hour)); err != nil {
			t.Fatal(err)
		}
		wantError(t, d.ask(), 400, "expired_token")
	})
}

func TestWhatADeviceMayAskFor(t *testing.T) {
	t.Parallel()
	s := startDevices(t, storetest.New(t), nil)
	for name, tc := range map[string]struct {
		form   url.Values
		status int
		code   string
	}{
		"without authentication":    {asForm("client_id", "tv"), 401, "invalid_client"},
		"with a wrong secret":       {tv("client_secret", "wrong"), 401, "invalid_client"},
		"an unknown client":         {asForm("client_id", "nobody"), 401, "invalid_client"},
		"a client of another grant": {url.Values{}, 400, "unauthorized_client"},
		"a resource of another":     {tv("resource", "https://other.example"), 400, "invalid_target"},
		"a scope that cannot be":    {tv("scope", `"`), 400, "invalid_scope"},
		"too much":                  {tv("scope", strings.Repeat("email ", 5000)), 400, "invalid_request"},
	} {
		p := s.call("/oauth2/device/auth", tc.form)
		if got := p.json(t)["error"]; p.status != tc.status || got != tc.code {
			t.Errorf("%s: %d %v, want %d %s", name, p.status, got, tc.status, tc.code)
		}
	}
	d := s.device(asForm("client_id", "stick", "scope", "openid email"))
	b := s.browser()
	for range 2 { // anybody can pretend to be it, so its person is asked each time
		p := b.enter(d, "continue")
		seen := false
		for p.status == http.StatusSeeOther {
			seen = seen || strings.HasPrefix(p.location().Path, "/consent")
			switch p.location().Path {
			case "/login", "/consent":
				form := b.get(p.location().String())
				p = b.post(form.action(), asForm("request", form.field("request"), "username", "ada", "password", testPassword, "decision", map[string]string{"/consent": "accept"}[p.location().Path], "remember", "on"))
			default:
				p = b.get(p.location().String())
			}
		}
		if !seen || !strings.Contains(p.body, "go back to your device") {
			t.Errorf("asked: %v, and then %d\n%s", seen, p.status, p.body)
		}
		tokens := d.poll().json(t)
		if tokens["scope"] != "openid" || tokens["refresh_token"] != nil {
			t.Errorf("the device gets %v", tokens)
		}
		d = s.device(asForm("client_id", "stick", "scope", "openid"))
	}
	p := s.call("/oauth2/device/auth", asForm("client_id", "stick"))
	if p.status != http.StatusOK {
		t.Errorf("without a scope: %d %s", p.status, p.body)
	}
	doc := s.browser().get("/.well-known/openid-configuration").json(t)
	if doc["device_authorization_endpoint"] != s.url+"/oauth2/device/auth" || !strings.Contains(strings.Join(texts(doc["grant_types_supported"]), " "), deviceGrant) {
		t.Errorf("discovery says %v and %v", doc["device_authorization_endpoint"], doc["grant_types_supported"])
	}
}

func texts(list any) (all []string) {
	items, _ := list.([]any)
	for _, item := range items {
		all = append(all, text(item))
	}
	return all
}

// Of many polls at once one gets the tokens, whatever else there is, and no other ends
// them.
func TestOfManyPollsAtOnceOneWins(t *testing.T) {
	eachWithDevices(t, func(t *testing.T, s *server) {
		t.Helper()
		d := s.device(tv("scope", "openid"))
		b := s.browser()
		b.follow(b.enter(d, "continue"))
		s.pass(5 * time.Second)
		const polls = 20
		answers := make([]reply, polls)
		var group sync.WaitGroup
		for i := range polls {
			group.Go(func() { answers[i] = d.ask() })
		}
		group.Wait()
		won := 0
		for _, p := range answers {
			switch {
			case p.status == http.StatusOK:
				won++
				if access := p.json(t)["access_token"]; s.userinfo(access).status != http.StatusOK {
					t.Error("the tokens of the winner are good for nothing")
				}
			case p.json(t)["error"] != "slow_down":
				t.Errorf("a loser gets %s", p.body)
			}
		}
		if won != 1 {
			t.Errorf("%d of %d polls won, want 1", won, polls)
		}
	})
}

func TestWhatPeopleEnter(t *testing.T) {
	t.Parallel()
	s := startDevices(t, storetest.New(t), nil)
	d := s.device(tv())
	b := s.browser()
	plain := strings.ReplaceAll(d.code, "-", "")
	for _, entered := range []string{d.code, plain, strings.ToLower(d.code), " " + plain + " ", strings.ToLower(plain[:3]) + " " + plain[3:], strings.ReplaceAll(d.code, "-", "–")} {
		if p := b.post("/device", asForm("user_code", entered)); p.status != http.StatusOK || !strings.Contains(p.body, d.code) {
			t.Errorf("entering %q: %d", entered, p.status)
		}
	}
	for _, entered := range []string{"", "x", plain[:7], plain + "B", "AEIOUAEI", strings.Repeat("B", 5000), "<script>", d.device} {
		p := b.post("/device", asForm("user_code", entered))
		if p.status != http.StatusBadRequest || !strings.Contains(p.body, `id="user-code"`) || !strings.Contains(p.body, `id="fault"`) {
			t.Errorf("entering %q: %d", entered, p.status)
		}
	}
	if p := b.get("/oauth2/device/verify?user_code=" + d.code); p.status != http.StatusOK || !strings.Contains(p.body, "Living room") {
		t.Errorf("the address of other servers: %d", p.status)
	}
	if p := b.get("/device"); p.status != http.StatusOK || !strings.Contains(p.body, `id="user-code"`) || strings.Contains(p.body, `id="fault"`) {
		t.Errorf("the bare page: %d", p.status)
	}
}

func TestSomebodySignsInOnAnotherDeviceFromTheTerminal(t *testing.T) {
	t.Parallel()
	s := startDevices(t, storetest.New(t), map[string]string{"device_poll_interval": "1s"})
	told, end := performing(t, "perform", "device-code", "--issuer="+s.url, "--client-id=stick", "--scope=openid", "--json")
	code := regexp.MustCompile(`[A-Z]{4}-[A-Z]{4}`).FindString(told)
	if code == "" || !strings.Contains(told, s.url+"/device ") {
		t.Fatalf("the command told %s", told)
	}
	b := s.browser()
	b.follow(b.enter(&waiting{code: code}, "continue"))
	s.pass(time.Minute) // whenever the command asks, it is not too early
	got := end()
	if got.code != 0 || !strings.Contains(got.out, "id_token_claims") {
		t.Errorf("exit code %d: %s%s", got.code, got.out, got.err)
	}
}
