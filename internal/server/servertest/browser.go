package servertest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// NewBrowserAt returns a browser whose requests reach the replica through a trusted proxy, which
// reports the client address from.
func (s *Server) NewBrowserAt(replica *Server, from string) *Browser {
	b := s.NewBrowser()
	b.Client.Transport = routed{replica.URL, from}
	return b
}

// MovedTo returns a browser as [Server.NewBrowserAt] does that has only the device cookie of b. The
// test stops if b has no device cookie.
func (b *Browser) MovedTo(replica *Server, from string) *Browser {
	b.Server.TB.Helper()
	moved := b.Server.NewBrowserAt(replica, from)
	u, err := url.Parse(b.Server.URL)
	if err != nil {
		b.Server.TB.Fatal(err)
	}
	for _, c := range b.Client.Jar.Cookies(u) {
		if c.Name == "ostiary_device" {
			moved.Client.Jar.SetCookies(u, []*http.Cookie{c})
			return moved
		}
	}
	b.Server.TB.Fatal("the browser has no device cookie")
	return nil
}

// SignInWithPassword opens the sign-in page, submits the password for ada and returns the status of
// the response.
func (b *Browser) SignInWithPassword(password string) int {
	b.Server.TB.Helper()
	form := b.Get(b.Get("/oauth2/auth?" + AuthorizationRequest("prompt", "login").Encode()).Location().String())
	return b.Post(form.FormAction(), url.Values{
		"request": {form.HiddenField("request")}, "username": {"ada"}, "password": {password},
	}).Status
}

// routed sends requests to one replica, as a trusted proxy does for a client at from.
type routed struct{ replica, from string }

func (p routed) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Host = r.URL.Host
	r.URL.Host = strings.TrimPrefix(p.replica, "http://")
	r.Header.Set("X-Forwarded-For", p.from)
	return http.DefaultTransport.RoundTrip(r)
}

// Cookie returns the value of the cookie of that name, or "" if it is not set.
func (b *Browser) Cookie(name string) string {
	u, err := url.Parse(b.Server.URL)
	if err != nil {
		b.Server.TB.Fatal(err)
	}
	for _, c := range b.Client.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// AnswerConsent opens the consent page that p redirects to, submits the decision and follows the
// redirects. The test stops if p redirects elsewhere.
func (b *Browser) AnswerConsent(p Response, decision string) Response {
	b.Server.TB.Helper()
	to := p.Header.Get("Location")
	if !strings.HasPrefix(to, b.Server.URL+"/consent") {
		b.Server.TB.Fatalf("answer %d to %q, want the consent page", p.Status, to)
	}
	form := b.Get(to)
	return b.Follow(b.Post(form.FormAction(), url.Values{"request": {form.HiddenField("request")}, "decision": {decision}}))
}

// AuthorizationResponse returns the parameters of an authorization response, and where they are: in
// the "query", the "fragment" or the "form". The test stops if p is no authorization response to
// [RedirectURI], and fails if the redirect has parameters in both query and fragment.
func AuthorizationResponse(tb testing.TB, p Response) (where string, got url.Values) {
	tb.Helper()
	if p.Status == http.StatusOK && p.FormAction() == RedirectURI {
		got = url.Values{}
		for _, name := range []string{
			"response", "code", "access_token", "token_type", "expires_in", "scope", "id_token", "refresh_token",
			"state", "session_state", "iss", "error", "error_description",
		} {
			if strings.Contains(p.Body, `name="`+name+`"`) {
				got.Set(name, p.HiddenField(name))
			}
		}
		return "form", got
	}
	to, fragment, found := strings.Cut(p.Header.Get("Location"), "#")
	if p.Status != http.StatusSeeOther || !strings.HasPrefix(to, RedirectURI) {
		tb.Fatalf("no answer: %d to %q\n%s", p.Status, p.Header.Get("Location"), p.Body)
	}
	where, parameters := "fragment", fragment
	if found && to != RedirectURI {
		tb.Errorf("the redirect has a fragment and also the query %q", to)
	}
	if !found {
		where, parameters = "query", strings.TrimPrefix(strings.TrimPrefix(to, RedirectURI), "&")
	}
	got, err := url.ParseQuery(parameters)
	if err != nil {
		tb.Fatal(err)
	}
	return where, got
}

// Browser is an HTTP client that keeps cookies, runs no script and follows redirects only in
// [Browser.Follow] and the methods that call it.
type Browser struct {
	Server *Server
	Client *http.Client
}

// NewBrowser returns a browser without cookies.
func (s *Server) NewBrowser() *Browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.TB.Fatal(err)
	}
	return &Browser{s, &http.Client{
		Jar: jar, Timeout: 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Response is an HTTP response with its complete body.
type Response struct {
	Status int
	Header http.Header
	Body   string
}

// Location returns the URL of the Location header, or an empty URL if that is absent or invalid.
func (p Response) Location() *url.URL {
	u, err := url.Parse(p.Header.Get("Location"))
	if err != nil {
		return &url.URL{}
	}
	return u
}

// JSON returns the body as a JSON object. The test stops if it is not one.
func (p Response) JSON(tb testing.TB) map[string]any {
	tb.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(p.Body), &m); err != nil {
		tb.Fatalf("answer %d is not JSON: %v\n%s", p.Status, err, p.Body)
	}
	return m
}

// HiddenField returns the value of the hidden form field of that name, or "" without such a
// field.
func (p Response) HiddenField(name string) string {
	return p.Attribute("value", func(a map[string]string) bool { return a["name"] == name && a["type"] == "hidden" })
}

// HiddenFields returns the names of the hidden form fields.
func (p Response) HiddenFields() (names []string) {
	p.Attribute("", func(a map[string]string) bool {
		if a["type"] == "hidden" && a["name"] != "" {
			names = append(names, a["name"])
		}
		return false
	})
	return names
}

// FormAction returns the action of the page's first form that has a method, or "" without such a
// form.
func (p Response) FormAction() string {
	return p.Attribute("action", func(a map[string]string) bool { return a["method"] != "" })
}

// Attribute returns the attribute of that name of the first element whose attributes match, or ""
// if the page has no such element.
func (p Response) Attribute(name string, matches func(map[string]string) bool) string {
	z := html.NewTokenizer(strings.NewReader(p.Body))
	for {
		if z.Next() == html.ErrorToken {
			return ""
		}
		attributes := map[string]string{}
		for _, a := range z.Token().Attr {
			attributes[a.Key] = a.Val
		}
		if matches(attributes) {
			return attributes[name]
		}
	}
}

// Send sends r with c and returns the response. The test stops if there is none.
func Send(tb testing.TB, c *http.Client, r *http.Request) Response {
	tb.Helper()
	response, err := c.Do(r)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return Response{response.StatusCode, response.Header, string(body)}
}

// Get requests target, which is a URL or a path of the server. It follows no redirect.
func (b *Browser) Get(target string) Response {
	b.Server.TB.Helper()
	if strings.HasPrefix(target, "/") {
		target = b.Server.URL + target
	}
	r, err := http.NewRequestWithContext(b.Server.TB.Context(), http.MethodGet, target, nil)
	if err != nil {
		b.Server.TB.Fatal(err)
	}
	return Send(b.Server.TB, b.Client, r)
}

// Post submits a form to a path or URL of the server, with the Origin header of the server's own
// pages. It follows no redirect.
func (b *Browser) Post(path string, form url.Values) Response {
	b.Server.TB.Helper()
	path = strings.TrimPrefix(path, b.Server.URL)
	r, err := http.NewRequestWithContext(b.Server.TB.Context(), http.MethodPost, b.Server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.Server.TB.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", b.Server.Config.Origin())
	return Send(b.Server.TB, b.Client, r)
}

// Authorize sends an authorization request and follows it as [Browser.Follow] does.
func (b *Browser) Authorize(form url.Values) Response {
	b.Server.TB.Helper()
	return b.Follow(b.Get("/oauth2/auth?" + form.Encode()))
}

// Follow follows the redirects of p within the server. It signs in as ada, accepts the consent
// page, and returns the first response that redirects to another host or does not redirect. The test
// stops after 12 redirects.
func (b *Browser) Follow(p Response) Response {
	b.Server.TB.Helper()
	for range 12 {
		to := p.Location()
		switch {
		case p.Status == http.StatusSeeOther && strings.HasPrefix(to.String(), b.Server.URL+"/login"):
			form := b.Get(to.String())
			p = b.Post(form.FormAction(), url.Values{"request": {form.HiddenField("request")}, "username": {"ada"}, "password": {Password}})
		case p.Status == http.StatusSeeOther && strings.HasPrefix(to.String(), b.Server.URL+"/consent"):
			form := b.Get(to.String())
			p = b.Post(form.FormAction(), url.Values{"request": {form.HiddenField("request")}, "decision": {"accept"}})
		case p.Status == http.StatusSeeOther && strings.HasPrefix(to.String(), b.Server.URL+"/"):
			p = b.Get(to.String())
		default:
			return p
		}
	}
	b.Server.TB.Fatalf("no end of redirects; the last answer is %d to %s", p.Status, p.Header.Get("Location"))
	return p
}

// Code sends an authorization request as [Browser.Authorize] does and returns the authorization
// code. The test stops if the response has no code.
func (b *Browser) Code(form url.Values) string {
	b.Server.TB.Helper()
	p := b.Authorize(form)
	code := p.Location().Query().Get("code")
	if code == "" {
		b.Server.TB.Fatalf("no code: %d to %q\n%s", p.Status, p.Header.Get("Location"), p.Body)
	}
	return code
}
