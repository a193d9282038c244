package main

import (
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// otherAddress is another name of the server, which the issuer is not.
const otherAddress = "http://ostiary.internal:4444"

// at sends a request as a browser does that opened the server at an address.
func (b *browser) at(address, method, target string, form url.Values) reply {
	b.s.tb.Helper()
	r, err := http.NewRequestWithContext(b.s.tb.Context(), method, b.s.url+target, strings.NewReader(form.Encode()))
	if err != nil {
		b.s.tb.Fatal(err)
	}
	r.Host = strings.TrimPrefix(address, "http://")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", address)
	}
	return send(b.s.tb, b.client, r)
}

// wantInstead fails unless the page says which address to open.
func wantInstead(t *testing.T, s *server, what string, p reply, status int, code string) {
	t.Helper()
	if p.status != status || !strings.Contains(p.body, "Open "+html.EscapeString(s.config.Issuer)+" instead") || !strings.Contains(p.body, code) {
		t.Errorf("%s: %d to %q\n%s\nwant %d %s with the issuer's address", what, p.status, p.header.Get("Location"), p.body, status, code)
	}
}

// Host alone changes nothing: a proxy may rewrite it, and then it is the same for all.
func TestSignInWorksWhateverHostSays(t *testing.T) {
	t.Parallel()

	s := start(t, storetest.New(t), nil)
	s.bring(`{"client_id": "asks", "client_secret": "` + otherSecret + `", "redirect_uris": ["` + testCallback + `"], "scope": "openid"}`)
	b := s.browser()
	b.client.Transport = rewritesHost{}
	p := b.authorize(asking("client_id", "asks", "scope", "openid"))
	if !p.location().Query().Has("code") {
		t.Fatalf("no code: %d to %q\n%s", p.status, p.header.Get("Location"), p.body)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/login", strings.NewReader("username=ada"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://evil.example")
	if p := send(t, b.client, r); p.status != http.StatusForbidden || !strings.Contains(p.body, "request_forbidden") {
		t.Errorf("a form of another site: %d %s", p.status, p.body)
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

// A browser that shows by its Origin that it is at another address is told the right one.
func TestAFormAtAnotherAddressIsToldTheIssuer(t *testing.T) {
	t.Parallel()

	s := start(t, storetest.New(t), map[string]string{"sign_up": "on"})
	for _, path := range []string{"/login", "/signup", "/consent", "/setup", "/device", "/oauth2/device/verify"} {
		p := s.browser().at(otherAddress, http.MethodPost, path, url.Values{"username": {"ada"}, "user_code": {"WDJB-MJHT"}})
		wantInstead(t, s, path, p, http.StatusForbidden, "wrong_address")
	}
	// Every page is shown, and clients' programs are served.
	if p := s.browser().at(otherAddress, http.MethodGet, "/device", nil); p.status != http.StatusOK || !strings.HasPrefix(p.action(), s.url) {
		t.Errorf("a page: %d with a form to %q", p.status, p.action())
	}
	if p := s.browser().at(otherAddress, http.MethodPost, "/oauth2/token", url.Values{"grant_type": {"client_credentials"}}); p.status != http.StatusUnauthorized {
		t.Errorf("token endpoint: %d %s", p.status, p.body)
	}
}

// Who begins a sign-in at another address arrives at the issuer without its cookie.
func TestASignInBegunAtAnotherAddressIsToldTheIssuer(t *testing.T) {
	t.Parallel()

	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := start(t, db, map[string]string{"sign_up": "on"})
		begin := func(changes ...string) (path string) {
			// The cookie stays at that address: the browser has none when it arrives at the issuer.
			return strings.TrimPrefix(s.browser().at(otherAddress, http.MethodGet, "/oauth2/auth?"+asking(changes...).Encode(), nil).location().String(), s.url)
		}
		for _, path := range []string{begin(), begin("prompt", "create")} {
			wantInstead(t, s, path, s.browser().get(path), http.StatusBadRequest, "expired_request")
		}
		posted := s.browser().at(otherAddress, http.MethodPost, "/oauth2/auth", asking()).location()
		wantInstead(t, s, "a request by POST", s.browser().get(posted.RequestURI()), http.StatusBadRequest, "expired_request")

		// Where the cookie was there, or a while has passed, it is another fault.
		for name, arrive := range map[string]func() reply{
			"a minute later":        func() reply { path := begin(); s.pass(time.Minute); return s.browser().get(path) },
			"with another's cookie": func() reply { return s.stranger(begin()) },
			"finished meanwhile":    func() reply { return s.finished() },
		} {
			if p := arrive(); p.status != http.StatusBadRequest || strings.Contains(p.body, "instead") || !strings.Contains(p.body, "expired_request") {
				t.Errorf("%s: %d %s", name, p.status, p.body)
			}
		}
	})
}

// stranger opens a page of a request with a cookie for it that is not its own.
func (s *server) stranger(path string) reply {
	s.tb.Helper()
	b := s.browser()
	at, err := url.Parse(s.url + path)
	if err != nil {
		s.tb.Fatal(err)
	}
	b.client.Jar.SetCookies(at, []*http.Cookie{{Name: "ostiary_request_" + at.Query().Get("request")[:8], Value: "guessed", Path: "/"}})
	return b.get(path)
}

// finished returns to the sign-in page after it led to an answer.
func (s *server) finished() reply {
	s.tb.Helper()
	b := s.browser()
	page := b.get("/oauth2/auth?" + asking().Encode()).location().String()
	if p := b.follow(b.get("/oauth2/auth?continue=" + page[strings.Index(page, "=")+1:])); !p.location().Query().Has("code") {
		s.tb.Fatalf("no code: %d to %q", p.status, p.header.Get("Location"))
	}
	return b.get(page)
}

// The same with the operator's login app, which is asked in between.
func TestASignInBegunAtAnotherAddressIsToldTheIssuerAfterTheApp(t *testing.T) {
	t.Parallel()

	s := startApart(t, storetest.New(t), nil)
	to := s.browser().at(otherAddress, http.MethodGet, "/oauth2/auth?"+asking().Encode(), nil).location()
	s.pass(10 * time.Minute) // which the person takes there
	back := s.to(s.put("login/accept", to.Query().Get("login_challenge"), object{"subject": "ada"}))
	wantInstead(t, s.server, "back from the app", s.browser().get(back), http.StatusBadRequest, "expired_request")
}

// And with the operator's device app, where a person begins without any client.
func TestADeviceBegunAtAnotherAddressIsToldTheIssuerAfterTheApp(t *testing.T) {
	t.Parallel()

	s := startAllApart(t, storetest.New(t), nil)
	d := s.device(tv("scope", "openid"))
	challenge, _ := s.deviceChallenge(s.browser().at(otherAddress, http.MethodGet, "/device", nil))
	back := s.to(s.acceptCode(challenge, d.code))
	wantInstead(t, s.server, "back from the app", s.browser().get(back), http.StatusBadRequest, "expired_request")
}
