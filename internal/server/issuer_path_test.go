package server_test

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

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/pkg/resource"
)

// eachIssuerPath runs the test with issuers that have a path, behind a proxy that keeps it and
// one that removes it. The second path equals names of the server's endpoints.
func eachIssuerPath(t *testing.T, settings map[string]string, test func(*testing.T, *servertest.Server)) {
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
				test(t, servertest.StartUnderPath(t, storetest.New(t), at, all, slog.DiscardHandler))
			})
		}
	}
}

// links matches the URLs of a page that a browser follows or loads.
var links = regexp.MustCompile(` (?:href|src|action)="([^"]*)"`)

// ownURLs returns those addresses that are at the server's host.
func ownURLs(s *servertest.Server, addresses ...string) (own []string) {
	for _, address := range addresses {
		address = strings.ReplaceAll(address, "&amp;", "&")
		if strings.HasPrefix(address, "/") || strings.HasPrefix(address, s.Config.Origin()) {
			own = append(own, strings.TrimPrefix(address, s.Config.Origin()))
		}
	}
	return own
}

func linksOf(p servertest.Response) []string {
	list := []string{p.Header.Get("Location")}
	for _, found := range links.FindAllStringSubmatch(p.Body, -1) {
		list = append(list, found[1])
	}
	return list
}

// Every page, form, redirect, style and icon is below the path, and is there.
func TestEveryURLIsBelowIssuerPath(t *testing.T) {
	t.Parallel()

	eachIssuerPath(t, map[string]string{"sign_up": "on"}, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		answers := responsesOf(t, s)
		b := s.NewBrowser()
		answers["device"] = b.Get("/device")
		answers["device, wrong code"] = b.Post("/device", url.Values{"user_code": {"WDJB-MJHT"}})
		answers["sign-up page"] = b.Get(b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "create").Encode()).Header.Get("Location"))
		answers["error of another site"] = b.Get("/login?request=unknown")
		frame := b.Get("/oauth2/sessions/check")
		answers["check-session frame"] = frame
		count := 0
		for name, p := range answers {
			for _, address := range ownURLs(s, linksOf(p)...) {
				if !strings.HasPrefix(address, s.Config.Path()+"/") {
					t.Errorf("%s: %d leads to %s, which is not below %s", name, p.Status, address, s.Config.Path())
				}
				if strings.HasPrefix(address, s.Config.Path()+"/static/") {
					count++
					if got := b.Get(s.Config.Origin() + address); got.Status != http.StatusOK || !strings.Contains(got.Header.Get("Cache-Control"), "immutable") {
						t.Errorf("%s: %s is %d", name, address, got.Status)
					}
				}
			}
		}
		if count < 20 || !strings.Contains(frame.Body, s.Config.Path()+"/static/") {
			t.Errorf("only %d styles and icons were found; the frame is %s", count, frame.Body)
		}
	})
}

// The metadata has the URLs of RFC 8414 and of OpenID Connect Discovery, and every endpoint in it
// exists. Apart from the health checks, no other path exists at the root of the host.
func TestMetadataOfIssuerWithPath(t *testing.T) {
	t.Parallel()

	eachIssuerPath(t, nil, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		path, origin := s.Config.Path(), s.Config.Origin()
		var document string
		for _, address := range []string{
			path + "/.well-known/openid-configuration",       // OpenID Connect Discovery 4
			"/.well-known/oauth-authorization-server" + path, // RFC 8414 3.1
			path + "/.well-known/oauth-authorization-server",
			"/.well-known/openid-configuration" + path, // RFC 8414 5
			"/.well-known/openid-configuration" + path + "/",
		} {
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				p := fetch(s, method, origin+address)
				if p.Status != http.StatusOK || p.Header.Get("Access-Control-Allow-Origin") != "*" {
					t.Errorf("%s %s: %d", method, address, p.Status)
				}
				if method == http.MethodGet && document != "" && p.Body != document {
					t.Errorf("%s differs: %s", address, p.Body)
				}
				if method == http.MethodGet {
					document = p.Body
				}
			}
		}
		metadata := fetch(s, http.MethodGet, s.URL+"/.well-known/openid-configuration").JSON(t)
		if metadata["issuer"] != s.Config.Issuer {
			t.Errorf("issuer %v, want %s", metadata["issuer"], s.Config.Issuer)
		}
		for _, id := range metadata["protected_resources"].([]any) {
			if p := fetch(s, http.MethodGet, resource.MetadataURL(servertest.Text(id))); p.Status != http.StatusOK || p.JSON(t)["resource"] != id {
				t.Errorf("the metadata of %v: %d %s", id, p.Status, p.Body)
			}
		}
		endpoints := 0
		for member, value := range metadata {
			if address := servertest.Text(value); strings.HasPrefix(address, "http") && member != "issuer" {
				endpoints++
				if !strings.HasPrefix(address, origin+path+"/") {
					t.Errorf("%s is %s", member, address)
				}
				if p := fetch(s, http.MethodGet, address); p.Status == http.StatusNotFound {
					t.Errorf("%s: nothing is at %s", member, address)
				}
			}
		}
		if endpoints < 9 {
			t.Errorf("%d endpoints: %v", endpoints, metadata)
		}
		if s.Config.IssuerPath == "stripped" {
			return // paths outside of the issuer's are the proxy's
		}
		for address, want := range map[string]int{
			"/": 404, "/login": 404, "/oauth2/token": 404, "/.well-known/openid-configuration": 404, "/.well-known/jwks.json": 404,
			path + "x": 404, path + "x/userinfo": 404, "/.well-known/oauth-authorization-server" + path + "/x": 404,
			strings.Replace(path, "a", "%61", 1) + "/": 404,
			"/health/ready": 200, "/version": 200, path + "/health/ready": 200, path: 200, path + "/": 200,
		} {
			if p := fetch(s, http.MethodGet, origin+address); p.Status != want {
				t.Errorf("%s: %d, want %d", address, p.Status, want)
			}
		}
	})
}

// At an issuer with a path a user signs in, consents and signs out, and a client and a device get
// tokens, as at an issuer without one.
func TestFlowsAtIssuerWithPath(t *testing.T) {
	t.Parallel()

	eachIssuerPath(t, map[string]string{"sign_up": "on"}, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		s.ImportClient(`{"client_id": "asks", "client_secret": "` + servertest.OtherSecret + `", "redirect_uris": ["` + servertest.RedirectURI + `"], "scope": "openid",
			"frontchannel_logout_uri": "https://client.example/frame", "frontchannel_logout_session_required": true},
			{"client_id": "tv", "client_secret": "` + servertest.DeviceClientSecret + `", "token_endpoint_auth_method": "client_secret_post",
			"grant_types": ["` + servertest.DeviceGrant + `", "refresh_token"], "scope": "openid offline_access email api"}`)
		b := s.NewBrowser()
		if p := b.Authorize(servertest.AuthorizationRequest("client_id", "asks", "scope", "openid")); !p.Location().Query().Has("code") || p.Location().Query().Get("iss") != s.Config.Issuer {
			t.Fatalf("no code: %d to %q\n%s", p.Status, p.Header.Get("Location"), p.Body)
		}
		got := s.ExchangeCode(b.Code(servertest.AuthorizationRequest()))
		if servertest.Claims(t, got["id_token"])["iss"] != s.Config.Issuer || s.Refresh(got["refresh_token"]).Status != http.StatusOK ||
			!s.IsActive(got["access_token"]) || s.Userinfo(got["access_token"]).Status != http.StatusOK {
			t.Errorf("tokens: %v", got)
		}

		made := s.Call(t, http.MethodPost, "/connect/register", "", `{"redirect_uris":["https://a.example/"]}`).JSON(t)
		at := servertest.Text(made["registration_client_uri"])
		if !strings.HasPrefix(at, s.Config.Origin()+s.Config.Path()+"/connect/register/") {
			t.Errorf("registration_client_uri %q", at)
		}
		if p := s.Call(t, http.MethodGet, strings.TrimPrefix(at, s.URL), servertest.Text(made["registration_access_token"]), ""); p.Status != http.StatusOK {
			t.Errorf("registration at %s: %d", at, p.Status)
		}

		d := servertest.AuthorizeDevice(s, servertest.DeviceClientForm())
		if !strings.HasPrefix(d.VerificationURI, s.Config.Origin()+s.Config.Path()+"/device?user_code=") {
			t.Errorf("verification_uri_complete %q", d.VerificationURI)
		}
		page := b.Get(d.VerificationURI)
		p := b.Follow(b.Post(page.FormAction(), url.Values{"user_code": {page.HiddenField("user_code")}, "decision": {"continue"}}))
		if !strings.Contains(p.Body, "device-done") || d.Poll().Status != http.StatusOK {
			t.Errorf("device: %d to %q\n%s", p.Status, p.Header.Get("Location"), p.Body)
		}

		question := b.Get("/oauth2/sessions/logout")
		p = b.Post(question.FormAction(), url.Values{"ticket": {question.HiddenField("ticket")}})
		frame := "https://client.example/frame?iss=" + url.QueryEscape(s.Config.Issuer)
		if p.Status != http.StatusOK || !slices.ContainsFunc(linksOf(p), func(a string) bool { return strings.HasPrefix(a, frame) }) {
			t.Errorf("signed out: %d\n%s", p.Status, p.Body)
		}
	})
}

// With the operator's apps, people are sent back below the path.
func TestAppsRedirectBelowIssuerPath(t *testing.T) {
	t.Parallel()

	eachIssuerPath(t, map[string]string{
		"login_url": servertest.LoginApp, "consent_url": servertest.ConsentApp, "logout_url": "https://apps.example/logout", "device_url": "https://apps.example/device", "admin_auth": "none",
	}, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		operators := httptest.NewServer(s.App.Admin())
		t.Cleanup(operators.Close)
		a := &servertest.AppServer{Server: s, AdminURL: operators.URL, Document: servertest.AdminDocument(t, s.App.AdminAPI)}
		b := s.NewBrowser()
		step := func(what, challenge string, body servertest.Object) string {
			t.Helper()
			back := a.RedirectTo(a.AnswerChallenge(what+"/accept", challenge, body))
			if !strings.HasPrefix(back, s.Config.Origin()+s.Config.Path()+"/oauth2/") {
				t.Errorf("redirect_to of %s is %s", what, back)
			}
			return back
		}
		to := b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("client_id", "careful", "scope", "openid").Encode()).Location()
		to = b.Get(step("login", to.Query().Get("login_challenge"), servertest.Object{"subject": "ada", "remember": true})).Location()
		p := b.Get(step("consent", to.Query().Get("consent_challenge"), servertest.Object{"grant_scope": []string{"openid"}}))
		if !p.Location().Query().Has("code") {
			t.Errorf("no code: %d to %q\n%s", p.Status, p.Header.Get("Location"), p.Body)
		}
	})
}

// Two servers at one host do not read, replace or clear each other's cookies, with and
// without a path.
func TestServersOnOneHostUseSeparateCookies(t *testing.T) {
	t.Parallel()

	names := map[string]bool{}
	for _, path := range []string{"", "/auth", "/auth/b", "/other"} {
		s := servertest.StartUnderPath(t, storetest.New(t), path, nil, slog.DiscardHandler)
		b := s.NewBrowser()
		b.Code(servertest.AuthorizationRequest())
		b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "login").Encode())
		at, err := url.Parse(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		at.Path = "/" // the path of all cookies
		list := b.Client.Jar.Cookies(at)
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
