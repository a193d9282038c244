package login_test

import (
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// otherAddress is another name of the server, which the issuer is not.
const otherAddress = "http://ostiary.internal:4444"

// at sends a request as a browser does that opened the server at an address.
func at(b *servertest.Browser, address, method, target string, form url.Values) servertest.Response {
	b.Server.TB.Helper()
	r, err := http.NewRequestWithContext(b.Server.TB.Context(), method, b.Server.URL+target, strings.NewReader(form.Encode()))
	if err != nil {
		b.Server.TB.Fatal(err)
	}
	r.Host = strings.TrimPrefix(address, "http://")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", address)
	}
	return servertest.Send(b.Server.TB, b.Client, r)
}

// wantInstead fails unless the page contains the address to open.
func wantInstead(t *testing.T, s *servertest.Server, what string, p servertest.Response, status int, code string) {
	t.Helper()
	if p.Status != status || !strings.Contains(p.Body, "Open "+html.EscapeString(s.Config.Issuer)+" instead") || !strings.Contains(p.Body, code) {
		t.Errorf("%s: %d to %q\n%s\nwant %d %s with the issuer's address", what, p.Status, p.Header.Get("Location"), p.Body, status, code)
	}
}

// Host alone changes nothing: a proxy may rewrite it, and then it is the same for all.
func TestSignInIgnoresHostHeader(t *testing.T) {
	t.Parallel()

	s := servertest.Start(t, storetest.New(t), nil)
	s.ImportClient(`{"client_id": "asks", "client_secret": "` + servertest.OtherSecret + `", "redirect_uris": ["` + servertest.RedirectURI + `"], "scope": "openid"}`)
	b := s.NewBrowser()
	b.Client.Transport = rewritesHost{}
	p := b.Authorize(servertest.AuthorizationRequest("client_id", "asks", "scope", "openid"))
	if !p.Location().Query().Has("code") {
		t.Fatalf("no code: %d to %q\n%s", p.Status, p.Header.Get("Location"), p.Body)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/login", strings.NewReader("username=ada"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://evil.example")
	if p := servertest.Send(t, b.Client, r); p.Status != http.StatusForbidden || !strings.Contains(p.Body, "request_forbidden") {
		t.Errorf("a form of another site: %d %s", p.Status, p.Body)
	}
}

// rewritesHost is a proxy that names its upstream in Host, to which its own clients are
// browsers that send no Sec-Fetch-Site.
type rewritesHost struct{}

func (rewritesHost) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Host = "upstream"
	return http.DefaultTransport.RoundTrip(r)
}

// A form whose Origin is another address of the server gets a page with the right address.
func TestFormAtWrongAddressShowsIssuer(t *testing.T) {
	t.Parallel()

	s := servertest.Start(t, storetest.New(t), map[string]string{"sign_up": "on"})
	for _, path := range []string{"/login", "/signup", "/consent", "/setup", "/device", "/oauth2/device/verify"} {
		p := at(s.NewBrowser(), otherAddress, http.MethodPost, path, url.Values{"username": {"ada"}, "user_code": {"WDJB-MJHT"}})
		wantInstead(t, s, path, p, http.StatusForbidden, "wrong_address")
	}
	// Every page is shown, and clients' programs are served.
	if p := at(s.NewBrowser(), otherAddress, http.MethodGet, "/device", nil); p.Status != http.StatusOK || !strings.HasPrefix(p.FormAction(), s.URL) {
		t.Errorf("a page: %d with a form to %q", p.Status, p.FormAction())
	}
	if p := at(s.NewBrowser(), otherAddress, http.MethodPost, "/oauth2/token", url.Values{"grant_type": {"client_credentials"}}); p.Status != http.StatusUnauthorized {
		t.Errorf("token endpoint: %d %s", p.Status, p.Body)
	}
}

// A sign-in that begins at another address reaches the issuer without its cookie.
func TestSignInAtWrongAddressShowsIssuer(t *testing.T) {
	t.Parallel()

	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, map[string]string{"sign_up": "on"})
		begin := func(changes ...string) (path string) {
			// The cookie is for that address: the browser does not send it to the issuer.
			return strings.TrimPrefix(at(s.NewBrowser(), otherAddress, http.MethodGet, "/oauth2/auth?"+servertest.AuthorizationRequest(changes...).Encode(), nil).Location().String(), s.URL)
		}
		for _, path := range []string{begin(), begin("prompt", "create")} {
			wantInstead(t, s, path, s.NewBrowser().Get(path), http.StatusBadRequest, "expired_request")
		}
		posted := at(s.NewBrowser(), otherAddress, http.MethodPost, "/oauth2/auth", servertest.AuthorizationRequest()).Location()
		wantInstead(t, s, "a request by POST", s.NewBrowser().Get(posted.RequestURI()), http.StatusBadRequest, "expired_request")

		// With the cookie, or after some time, the reason is a different one.
		for name, arrive := range map[string]func() servertest.Response{
			"a minute later":        func() servertest.Response { path := begin(); s.Advance(time.Minute); return s.NewBrowser().Get(path) },
			"with another's cookie": func() servertest.Response { return openWithOtherCookie(s, begin()) },
			"finished meanwhile":    func() servertest.Response { return finished(s) },
		} {
			if p := arrive(); p.Status != http.StatusBadRequest || strings.Contains(p.Body, "instead") || !strings.Contains(p.Body, "expired_request") {
				t.Errorf("%s: %d %s", name, p.Status, p.Body)
			}
		}
	})
}

// openWithOtherCookie opens a page of a request with the cookie of another browser.
func openWithOtherCookie(s *servertest.Server, path string) servertest.Response {
	s.TB.Helper()
	b := s.NewBrowser()
	at, err := url.Parse(s.URL + path)
	if err != nil {
		s.TB.Fatal(err)
	}
	b.Client.Jar.SetCookies(at, []*http.Cookie{{Name: "ostiary_request_" + at.Query().Get("request")[:8], Value: "guessed", Path: "/"}})
	return b.Get(path)
}

// finished returns to the sign-in page after it led to an answer.
func finished(s *servertest.Server) servertest.Response {
	s.TB.Helper()
	b := s.NewBrowser()
	page := b.Get("/oauth2/auth?" + servertest.AuthorizationRequest().Encode()).Location().String()
	if p := b.Follow(b.Get("/oauth2/auth?continue=" + page[strings.Index(page, "=")+1:])); !p.Location().Query().Has("code") {
		s.TB.Fatalf("no code: %d to %q", p.Status, p.Header.Get("Location"))
	}
	return b.Get(page)
}

// The same with a custom login app in between.
func TestSignInAtWrongAddressShowsIssuerAfterApp(t *testing.T) {
	t.Parallel()

	s := servertest.StartWithApps(t, storetest.New(t), nil)
	to := at(s.NewBrowser(), otherAddress, http.MethodGet, "/oauth2/auth?"+servertest.AuthorizationRequest().Encode(), nil).Location()
	s.Advance(10 * time.Minute) // which the user spends there
	back := s.RedirectTo(s.AnswerChallenge("login/accept", to.Query().Get("login_challenge"), servertest.Object{"subject": "ada"}))
	wantInstead(t, s.Server, "back from the app", s.NewBrowser().Get(back), http.StatusBadRequest, "expired_request")
}

// And with a custom device app, where the user begins without a client.
func TestDeviceAtWrongAddressShowsIssuerAfterApp(t *testing.T) {
	t.Parallel()

	s := startAllApart(t, storetest.New(t), nil)
	d := servertest.AuthorizeDevice(s.Server, servertest.DeviceClientForm("scope", "openid"))
	challenge, _ := deviceChallenge(s, at(s.NewBrowser(), otherAddress, http.MethodGet, "/device", nil))
	back := s.RedirectTo(acceptCode(s, challenge, d.UserCode))
	wantInstead(t, s.Server, "back from the app", s.NewBrowser().Get(back), http.StatusBadRequest, "expired_request")
}
