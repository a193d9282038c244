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

// browserAt is a browser at the address from, whose requests reach the replica.
func (s *Server) NewBrowserAt(replica *Server, from string) *Browser {
	b := s.NewBrowser()
	b.Client.Transport = routed{replica.URL, from}
	return b
}

// movedTo is the same browser with nothing but its device cookie, at another address.
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

// password posts a password of ada at the sign-in page and returns the status.
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

// cookie returns the value of the browser's cookie of that name.
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

// consentTo answers the consent page that p leads to.
func (b *Browser) AnswerConsent(p Response, decision string) Response {
	b.Server.TB.Helper()
	to := p.Header.Get("Location")
	if !strings.HasPrefix(to, b.Server.URL+"/consent") {
		b.Server.TB.Fatalf("answer %d to %q, want the consent page", p.Status, to)
	}
	form := b.Get(to)
	return b.Follow(b.Post(form.FormAction(), url.Values{"request": {form.HiddenField("request")}, "decision": {decision}}))
}

// answered returns the parameters of an authorization answer, and where they were:
// in the query, the fragment or the form.
func AuthorizationResponse(tb testing.TB, p Response) (where string, got url.Values) {
	tb.Helper()
	if p.Status == http.StatusOK && p.FormAction() == RedirectURI {
		got = url.Values{}
		for _, name := range []string{
			"code", "access_token", "token_type", "expires_in", "scope", "id_token", "refresh_token",
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
	where, said := "fragment", fragment
	if found && to != RedirectURI {
		tb.Errorf("beside the fragment the query holds %q", to)
	}
	if !found {
		where, said = "query", strings.TrimPrefix(strings.TrimPrefix(to, RedirectURI), "&")
	}
	got, err := url.ParseQuery(said)
	if err != nil {
		tb.Fatal(err)
	}
	return where, got
}

// browser is a person's, without script: it keeps cookies and does not follow
// redirects by itself.
type Browser struct {
	Server *Server
	Client *http.Client
}

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

// reply is an answer, read whole.
type Response struct {
	Status int
	Header http.Header
	Body   string
}

func (p Response) Location() *url.URL {
	u, err := url.Parse(p.Header.Get("Location"))
	if err != nil {
		return &url.URL{}
	}
	return u
}

func (p Response) JSON(tb testing.TB) map[string]any {
	tb.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(p.Body), &m); err != nil {
		tb.Fatalf("answer %d is not JSON: %v\n%s", p.Status, err, p.Body)
	}
	return m
}

// field returns the value of a hidden form field.
func (p Response) HiddenField(name string) string {
	return p.Attribute("value", func(a map[string]string) bool { return a["name"] == name && a["type"] == "hidden" })
}

// action returns where the page's form goes.
func (p Response) FormAction() string {
	return p.Attribute("action", func(a map[string]string) bool { return a["method"] != "" })
}

// attribute returns an attribute of the first element that fits.
func (p Response) Attribute(name string, fits func(map[string]string) bool) string {
	z := html.NewTokenizer(strings.NewReader(p.Body))
	for {
		if z.Next() == html.ErrorToken {
			return ""
		}
		attributes := map[string]string{}
		for _, a := range z.Token().Attr {
			attributes[a.Key] = a.Val
		}
		if fits(attributes) {
			return attributes[name]
		}
	}
}

func Send(tb testing.TB, c *http.Client, r *http.Request) Response {
	tb.Helper()
	answer, err := c.Do(r)
	if err != nil {
		tb.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return Response{answer.StatusCode, answer.Header, string(body)}
}

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

// authorize goes through the pages until the answer leaves for the client, or a
// page that is neither sign-in nor consent comes.
func (b *Browser) Authorize(form url.Values) Response {
	b.Server.TB.Helper()
	return b.Follow(b.Get("/oauth2/auth?" + form.Encode()))
}

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

// code signs in as ada and returns a fresh code.
func (b *Browser) Code(form url.Values) string {
	b.Server.TB.Helper()
	p := b.Authorize(form)
	code := p.Location().Query().Get("code")
	if code == "" {
		b.Server.TB.Fatalf("no code: %d to %q\n%s", p.Status, p.Header.Get("Location"), p.Body)
	}
	return code
}
