package demo_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/dev/demo"
)

// browser is a browser with cookies and the URL of a running demo application.
type browser struct {
	*http.Client

	t    *testing.T
	base string
}

func open(t *testing.T, issuer string) *browser {
	t.Helper()

	server := httptest.NewUnstartedServer(nil)
	base := "http://" + server.Listener.Addr().String()
	app, err := demo.New(demo.Config{
		Issuer: issuer, ClientID: "demo", ClientSecret: "s3cret:", BaseURL: base,
		Hint: "demo / see the terminal", MailPath: "/mail/",
	})
	if err != nil {
		t.Fatalf("New() = %v", err)
	}
	server.Config.Handler = app
	server.Start()
	t.Cleanup(server.Close)
	return &browser{Client: &http.Client{Jar: jar(t)}, t: t, base: base}
}

func jar(t *testing.T) http.CookieJar {
	t.Helper()

	j, err := cookiejar.New(nil)
	if err != nil {
		t.Fatalf("make cookie jar: %v", err)
	}
	return j
}

// get opens a page of the application and follows redirects.
func (b *browser) get(path string) (int, string) {
	b.t.Helper()
	return b.read(b.Get(b.base + path))
}

func (b *browser) press(path string) (int, string) {
	b.t.Helper()
	return b.read(b.Post(b.base+path, "application/x-www-form-urlencoded", nil))
}

func (b *browser) read(resp *http.Response, err error) (int, string) {
	b.t.Helper()

	if err != nil {
		b.t.Fatalf("request: %v", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatalf("read page: %v", err)
	}
	return resp.StatusCode, string(body)
}

// leave starts a sign-in and stops where the provider would send the browser back.
func (b *browser) leave(path string) *url.URL {
	b.t.Helper()

	var back *url.URL
	walker := &http.Client{Jar: b.Jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/callback" {
			back = r.URL
			return http.ErrUseLastResponse
		}
		return nil
	}}
	resp, err := walker.Get(b.base + path)
	if err != nil {
		b.t.Fatalf("leave: %v", err)
	}
	resp.Body.Close()
	if back == nil {
		b.t.Fatalf("GET %s did not end at the callback", path)
	}
	return back
}

func (b *browser) mustShow(status int, page string, wantStatus int, want ...string) {
	b.t.Helper()

	if status != wantStatus {
		b.t.Errorf("status = %d, want %d", status, wantStatus)
	}
	for _, w := range want {
		if !strings.Contains(page, w) {
			b.t.Errorf("page lacks %q:\n%s", w, page)
		}
	}
}

// member reads one value of the token response on the page.
func member(t *testing.T, page, name string) string {
	t.Helper()

	at := regexp.MustCompile(`(?s)data-member="` + name + `".*?<code class="whole">(.*?)</code>`)
	found := at.FindStringSubmatch(page)
	if found == nil {
		t.Fatalf("page shows no %s", name)
	}
	return found[1]
}

func TestSignInAndOut(t *testing.T) {
	t.Parallel()
	provider := newProvider(t)
	b := open(t, provider.URL)

	status, page := b.get("/")
	b.mustShow(status, page, 200, `id="signin"`, "demo / see the terminal", `href="/mail/"`, provider.URL+"/.well-known/openid-configuration")

	status, page = b.get("/signin")
	b.mustShow(status, page, 200, "Hello, Ada &lt;Lovelace&gt;", `id="id-token"`, `id="userinfo"`, `id="token-response"`,
		"&#34;alg&#34;: &#34;ES256&#34;", "&#34;email&#34;: &#34;ada@example.org&#34;", "in 60 minutes")
	request := provider.lastRequest()
	if got, want := request.Get("scope"), "openid profile email address phone offline_access"; got != want {
		t.Errorf("scope = %q, want %q", got, want)
	}

	first := member(t, page, "refresh_token")
	status, page = b.press("/refresh")
	b.mustShow(status, page, 200, `id="refreshed-at"`, `data-member="access_token" class="changed"`)
	if second := member(t, page, "refresh_token"); second == first {
		t.Errorf("refresh token is still %q", first)
	}
	if strings.Contains(page, `data-member="token_type" class="changed"`) {
		t.Error("token_type is marked as changed, and is not")
	}

	status, page = b.press("/introspect")
	b.mustShow(status, page, 200, `id="introspection"`, "&#34;active&#34;: true", "&#34;client_id&#34;: &#34;demo&#34;")

	hint := member(t, page, "id_token")
	status, page = b.press("/signout")
	b.mustShow(status, page, 200, `id="demo-signed-out"`, "You are signed out of the demo app")
	out := provider.lastLogout()
	want := url.Values{
		"client_id": {"demo"}, "id_token_hint": {hint},
		"post_logout_redirect_uri": {b.base + "/signed-out"}, "state": {out.Get("state")},
	}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("sign-out request (-want +got):\n%s", diff)
	}

	status, page = b.get("/signed-out?state=" + out.Get("state"))
	b.mustShow(status, page, 200, `id="demo-signed-out"`)
	status, page = b.get("/signed-out?state=another")
	b.mustShow(status, page, 400, `id="demo-error"`)
	status, page = b.get("/")
	b.mustShow(status, page, 200, `id="signin"`)
}

func TestStartPageWithoutSignIn(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		provider func(*openIDProvider)
		ask      string
		back     func(*browser, url.Values)
		status   int
		want     string
	}{
		"when the state is another": {
			back: func(_ *browser, q url.Values) { q.Set("state", "another") }, status: 400, want: "did not start here",
		},
		"when the state is missing": {
			back: func(_ *browser, q url.Values) { q.Del("state") }, status: 400, want: "did not start here",
		},
		"when another browser comes back": {
			back: func(b *browser, _ url.Values) { b.Jar = jar(b.t) }, status: 400, want: "did not start here",
		},
		"when another issuer answers": {
			provider: func(p *openIDProvider) { p.authAnswer = url.Values{"iss": {"https://evil.example"}} }, status: 400, want: "another provider",
		},
		"when the issuer is empty": {
			provider: func(p *openIDProvider) { p.authAnswer = url.Values{"iss": {""}} }, status: 400, want: "another provider",
		},
		"when the issuer promised to name itself and does not": {
			provider: func(p *openIDProvider) { p.silence = true }, status: 400, want: "another provider",
		},
		"when the person declines": {
			provider: func(p *openIDProvider) {
				p.noCode, p.authAnswer = true, url.Values{"error": {"access_denied"}, "error_description": {"The <b>owner</b> said no"}}
			},
			status: 403, want: "The &lt;b&gt;owner&lt;/b&gt; said no",
		},
		"when nobody is known and no page may be shown": {
			ask:      "?ask=silent",
			provider: func(p *openIDProvider) { p.noCode, p.authAnswer = true, url.Values{"error": {"login_required"}} },
			status:   400, want: `<code id="demo-error-code">login_required</code>`,
		},
		"when the nonce is another": {
			provider: func(p *openIDProvider) { p.claims = map[string]any{"nonce": "another"} }, status: 502, want: "nonce of the ID token differs",
		},
		"when the nonce is missing": {
			provider: func(p *openIDProvider) { p.claims = map[string]any{"nonce": nil} }, status: 502, want: "nonce of the ID token differs",
		},
		"when the ID token is for another client": {
			provider: func(p *openIDProvider) { p.claims = map[string]any{"aud": "other"} }, status: 502, want: "audience",
		},
		"when the access token was swapped": {
			provider: func(p *openIDProvider) { p.claims = map[string]any{"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"} }, status: 502, want: "at_hash",
		},
		"when userinfo returns another subject": {
			provider: func(p *openIDProvider) { p.subject = "eve" }, status: 502, want: "for another user",
		},
		"when the code is not good": {
			back: func(_ *browser, q url.Values) { q.Set("code", "guessed") }, status: 502, want: `<code id="demo-error-code">invalid_grant</code>`,
		},
		"when a fresh sign-in is an old one": {
			ask:      "?ask=fresh",
			provider: func(p *openIDProvider) { p.claims = map[string]any{"auth_time": time.Now().Add(-time.Minute).Unix()} },
			status:   502, want: "older than requested",
		},
		"when max_age is overstepped": {
			ask:      "?ask=maxage",
			provider: func(p *openIDProvider) { p.claims = map[string]any{"auth_time": time.Now().Add(-time.Minute).Unix()} },
			status:   502, want: "older than requested",
		},
		"when max_age is answered without auth_time": {
			ask:      "?ask=maxage",
			provider: func(p *openIDProvider) { p.claims = map[string]any{"auth_time": nil} },
			status:   502, want: "older than requested",
		},
		"when ask is unknown": {
			ask: "?ask=nicely", status: 400, want: "Unknown kind of sign-in",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			provider := newProvider(t)
			if tc.provider != nil {
				tc.provider(provider)
			}
			b := open(t, provider.URL)

			var status int
			var page string
			if tc.back != nil {
				back := b.leave("/signin" + tc.ask)
				query := back.Query()
				tc.back(b, query)
				status, page = b.get("/callback?" + query.Encode())
			} else {
				status, page = b.get("/signin" + tc.ask)
			}
			b.mustShow(status, page, tc.status, `id="demo-error"`, tc.want)
			status, page = b.get("/")
			b.mustShow(status, page, 200, `id="signin"`)
		})
	}
}

func TestCallbackIsAcceptedOnce(t *testing.T) {
	t.Parallel()
	b := open(t, newProvider(t).URL)

	back := b.leave("/signin")
	status, page := b.get(back.RequestURI())
	b.mustShow(status, page, 200, `id="greeting"`)
	status, page = b.get(back.RequestURI())
	b.mustShow(status, page, 400, "did not start here")
}

func TestTwoTabsSignInConcurrently(t *testing.T) {
	t.Parallel()
	b := open(t, newProvider(t).URL)

	first, second := b.leave("/signin"), b.leave("/signin")
	for _, back := range []*url.URL{first, second} {
		status, page := b.get(back.RequestURI())
		b.mustShow(status, page, 200, `id="greeting"`)
	}
}

func TestEachSignInButtonSendsItsParameters(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		ask  string
		want url.Values
	}{
		"fresh":  {"fresh", url.Values{"prompt": {"login"}}},
		"maxage": {"maxage", url.Values{"max_age": {"10"}}},
		"choose": {"choose", url.Values{"prompt": {"select_account"}}},
		"create": {"create", url.Values{"prompt": {"create"}}},
		"silent": {"silent", url.Values{"prompt": {"none"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			provider := newProvider(t)
			b := open(t, provider.URL)

			_, page := b.get("/signin")
			hint := member(t, page, "id_token")
			status, page := b.get("/signin?ask=" + tc.ask)
			b.mustShow(status, page, 200, `id="greeting"`, `id="notice"`)

			if tc.ask == "silent" {
				tc.want.Set("id_token_hint", hint)
			}
			got := url.Values{}
			for _, key := range []string{"prompt", "max_age", "id_token_hint"} {
				if v, ok := provider.lastRequest()[key]; ok {
					got[key] = v
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}
