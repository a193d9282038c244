package main

import (
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/store/storetest"
)

// atPaths runs the test with issuers that have a path, behind a proxy that keeps it and
// one that removes it. The second path repeats names of the server's own.
func atPaths(t *testing.T, settings map[string]string, test func(*testing.T, *server)) {
	t.Helper()
	for _, path := range []string{"/auth", "/oauth2/auth/static", "/a/b.c~d"} {
		for _, proxy := range []string{"kept", "stripped"} {
			t.Run(strings.Trim(path, "/")+" "+proxy, func(t *testing.T) {
				t.Parallel()

				all := map[string]string{"issuer_path": proxy, "rate_limits": "off"}
				maps.Copy(all, settings)
				at := path
				if proxy == "stripped" && path != "/auth" {
					at += "/" // an issuer may end with a slash
				}
				test(t, startUnder(t, storetest.New(t), at, all, slog.DiscardHandler))
			})
		}
	}
}

// links are the addresses on a page that a browser follows or loads.
var links = regexp.MustCompile(` (?:href|src|action)="([^"]*)"`)

// ours returns those of addresses that are at the server's host.
func (s *server) ours(addresses ...string) (own []string) {
	for _, address := range addresses {
		address = strings.ReplaceAll(address, "&amp;", "&")
		if strings.HasPrefix(address, "/") || strings.HasPrefix(address, s.config.Origin()) {
			own = append(own, strings.TrimPrefix(address, s.config.Origin()))
		}
	}
	return own
}

func addressesOf(p reply) []string {
	list := []string{p.header.Get("Location")}
	for _, found := range links.FindAllStringSubmatch(p.body, -1) {
		list = append(list, found[1])
	}
	return list
}

// Every page, form, redirect, style and icon is below the path, and is there.
func TestEveryAddressIsBelowThePathOfTheIssuer(t *testing.T) {
	t.Parallel()

	atPaths(t, map[string]string{"sign_up": "on"}, func(t *testing.T, s *server) {
		t.Helper()
		answers := answersOf(t, s)
		b := s.browser()
		answers["device"] = b.get("/device")
		answers["device, wrong code"] = b.post("/device", url.Values{"user_code": {"WDJB-MJHT"}})
		answers["sign-up page"] = b.get(b.get("/oauth2/auth?" + asking("prompt", "create").Encode()).header.Get("Location"))
		answers["error of another site"] = b.get("/login?request=unknown")
		frame := b.get("/oauth2/sessions/check")
		answers["check-session frame"] = frame
		count := 0
		for name, p := range answers {
			for _, address := range s.ours(addressesOf(p)...) {
				if !strings.HasPrefix(address, s.config.Path()+"/") {
					t.Errorf("%s: %d leads to %s, which is not below %s", name, p.status, address, s.config.Path())
				}
				if strings.HasPrefix(address, s.config.Path()+"/static/") {
					count++
					if got := b.get(s.config.Origin() + address); got.status != http.StatusOK || !strings.Contains(got.header.Get("Cache-Control"), "immutable") {
						t.Errorf("%s: %s is %d", name, address, got.status)
					}
				}
			}
		}
		if count < 20 || !strings.Contains(frame.body, s.config.Path()+"/static/") {
			t.Errorf("only %d styles and icons were found; the frame is %s", count, frame.body)
		}
	})
}

// The metadata is where either specification puts it, and every endpoint that it names
// is there. Nothing else is at the root of the host but what balancers ask.
func TestTheMetadataOfAnIssuerWithAPath(t *testing.T) {
	t.Parallel()

	atPaths(t, nil, func(t *testing.T, s *server) {
		t.Helper()
		path, origin := s.config.Path(), s.config.Origin()
		var document string
		for _, address := range []string{
			path + "/.well-known/openid-configuration",       // OpenID Connect Discovery 4
			"/.well-known/oauth-authorization-server" + path, // RFC 8414 3.1
			path + "/.well-known/oauth-authorization-server",
			"/.well-known/openid-configuration" + path, // RFC 8414 5
			"/.well-known/openid-configuration" + path + "/",
		} {
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				p := s.look(method, origin+address)
				if p.status != http.StatusOK || p.header.Get("Access-Control-Allow-Origin") != "*" {
					t.Errorf("%s %s: %d", method, address, p.status)
				}
				if method == http.MethodGet && document != "" && p.body != document {
					t.Errorf("%s differs: %s", address, p.body)
				}
				if method == http.MethodGet {
					document = p.body
				}
			}
		}
		said := s.look(http.MethodGet, s.url+"/.well-known/openid-configuration").json(t)
		if said["issuer"] != s.config.Issuer {
			t.Errorf("issuer %v, want %s", said["issuer"], s.config.Issuer)
		}
		endpoints := 0
		for member, value := range said {
			if address := text(value); strings.HasPrefix(address, "http") && member != "issuer" {
				endpoints++
				if !strings.HasPrefix(address, origin+path+"/") {
					t.Errorf("%s is %s", member, address)
				}
				if p := s.look(http.MethodGet, address); p.status == http.StatusNotFound {
					t.Errorf("%s: nothing is at %s", member, address)
				}
			}
		}
		if endpoints < 9 {
			t.Errorf("%d endpoints: %v", endpoints, said)
		}
		if s.config.IssuerPath == "stripped" {
			return // what is not below the path is the proxy's
		}
		for address, want := range map[string]int{
			"/": 404, "/login": 404, "/oauth2/token": 404, "/.well-known/openid-configuration": 404, "/.well-known/jwks.json": 404,
			path + "x": 404, path + "x/userinfo": 404, "/.well-known/oauth-authorization-server" + path + "/x": 404,
			strings.Replace(path, "a", "%61", 1) + "/": 404,
			"/health/ready": 200, "/version": 200, path + "/health/ready": 200, path: 200, path + "/": 200,
		} {
			if p := s.look(http.MethodGet, origin+address); p.status != want {
				t.Errorf("%s: %d, want %d", address, p.status, want)
			}
		}
	})
}

// A person signs in, agrees, refreshes and signs out, and a client and a device do
// what they do at an issuer without a path.
func TestFlowsAtAnIssuerWithAPath(t *testing.T) {
	t.Parallel()

	atPaths(t, map[string]string{"sign_up": "on"}, func(t *testing.T, s *server) {
		t.Helper()
		s.bring(`{"client_id": "asks", "client_secret": "` + otherSecret + `", "redirect_uris": ["` + testCallback + `"], "scope": "openid",
			"frontchannel_logout_uri": "https://client.example/frame", "frontchannel_logout_session_required": true},
			{"client_id": "tv", "client_secret": "` + tvSecret + `", "token_endpoint_auth_method": "client_secret_post",
			"grant_types": ["` + deviceGrant + `", "refresh_token"], "scope": "openid offline_access email api"}`)
		b := s.browser()
		if p := b.authorize(asking("client_id", "asks", "scope", "openid")); !p.location().Query().Has("code") || p.location().Query().Get("iss") != s.config.Issuer {
			t.Fatalf("no code: %d to %q\n%s", p.status, p.header.Get("Location"), p.body)
		}
		got := s.tokens(b.code(asking()))
		if claims(t, got["id_token"])["iss"] != s.config.Issuer || s.refresh(got["refresh_token"]).status != http.StatusOK ||
			!s.active(got["access_token"]) || s.userinfo(got["access_token"]).status != http.StatusOK {
			t.Errorf("tokens: %v", got)
		}

		made := s.send(t, http.MethodPost, "/connect/register", "", `{"redirect_uris":["https://a.example/"]}`).json(t)
		at := text(made["registration_client_uri"])
		if !strings.HasPrefix(at, s.config.Origin()+s.config.Path()+"/connect/register/") {
			t.Errorf("registration_client_uri %q", at)
		}
		if p := s.send(t, http.MethodGet, strings.TrimPrefix(at, s.url), text(made["registration_access_token"]), ""); p.status != http.StatusOK {
			t.Errorf("registration at %s: %d", at, p.status)
		}

		d := s.device(tv())
		if !strings.HasPrefix(d.address, s.config.Origin()+s.config.Path()+"/device?user_code=") {
			t.Errorf("verification_uri_complete %q", d.address)
		}
		page := b.get(d.address)
		p := b.follow(b.post(page.action(), url.Values{"user_code": {page.field("user_code")}, "decision": {"continue"}}))
		if !strings.Contains(p.body, "device-done") || d.poll().status != http.StatusOK {
			t.Errorf("device: %d to %q\n%s", p.status, p.header.Get("Location"), p.body)
		}

		question := b.get("/oauth2/sessions/logout")
		p = b.post(question.action(), url.Values{"ticket": {question.field("ticket")}})
		frame := "https://client.example/frame?iss=" + url.QueryEscape(s.config.Issuer)
		if p.status != http.StatusOK || !slices.ContainsFunc(addressesOf(p), func(a string) bool { return strings.HasPrefix(a, frame) }) {
			t.Errorf("signed out: %d\n%s", p.status, p.body)
		}
	})
}

// With the operator's apps, people are sent back below the path.
func TestAppsSendPeopleBackBelowThePath(t *testing.T) {
	t.Parallel()

	atPaths(t, map[string]string{
		"login_url": loginApp, "consent_url": consentApp, "logout_url": "https://apps.example/logout", "device_url": "https://apps.example/device", "admin_auth": "none",
	}, func(t *testing.T, s *server) {
		t.Helper()
		operators := httptest.NewServer(s.admin())
		t.Cleanup(operators.Close)
		a := &apart{s, operators.URL, described(t, s.operator)}
		b := s.browser()
		step := func(what, challenge string, body object) string {
			t.Helper()
			back := a.to(a.put(what+"/accept", challenge, body))
			if !strings.HasPrefix(back, s.config.Origin()+s.config.Path()+"/oauth2/") {
				t.Errorf("redirect_to of %s is %s", what, back)
			}
			return back
		}
		to := b.get("/oauth2/auth?" + asking("client_id", "careful", "scope", "openid").Encode()).location()
		to = b.get(step("login", to.Query().Get("login_challenge"), object{"subject": "ada", "remember": true})).location()
		p := b.get(step("consent", to.Query().Get("consent_challenge"), object{"grant_scope": []string{"openid"}}))
		if !p.location().Query().Has("code") {
			t.Errorf("no code: %d to %q\n%s", p.status, p.header.Get("Location"), p.body)
		}
	})
}

// Two servers at one host do not read, replace or clear each other's cookies, with and
// without a path.
func TestServersAtOneHostHaveCookiesOfTheirOwn(t *testing.T) {
	t.Parallel()

	names := map[string]bool{}
	for _, path := range []string{"", "/auth", "/auth/b", "/other"} {
		s := startUnder(t, storetest.New(t), path, nil, slog.DiscardHandler)
		b := s.browser()
		b.code(asking())
		b.get("/oauth2/auth?" + asking("prompt", "login").Encode())
		at, err := url.Parse(s.url)
		if err != nil {
			t.Fatal(err)
		}
		at.Path = "/" // where all of them are set
		list := b.client.Jar.Cookies(at)
		if len(list) != 4 {
			t.Errorf("%q: cookies %v, want those of a session, its state, the device and a request", path, list)
		}
		for _, cookie := range list {
			name := regexp.MustCompile(`request_[0-9a-f]{8}`).ReplaceAllString(cookie.Name, "request")
			if names[name] {
				t.Errorf("%q: the cookie %s is also another server's", path, cookie.Name)
			}
			names[name] = true
		}
	}
}
