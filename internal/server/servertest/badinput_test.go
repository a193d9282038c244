package servertest

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/store/storetest"
)

// Everything that is anyone's input ends in an answer below 500, in the shape
// that the endpoint owes its callers (docs/architecture.md, promise 6).
func TestBadInputOnEveryEndpoint(t *testing.T) {
	t.Parallel()
	s := Start(t, storetest.New(t), map[string]string{"sign_up": "on"})
	const form = "application/x-www-form-urlencoded"
	endpoints := map[string]struct {
		content string
		machine bool
		methods string // that are allowed
	}{
		"/oauth2/token":                     {form, true, "POST"},
		"/oauth2/revoke":                    {form, true, "POST"},
		"/oauth2/introspect":                {form, true, "POST"},
		"/oauth2/device/auth":               {form, true, "POST"},
		"/oauth2/device/verify":             {form, false, "GET POST"},
		"/device":                           {form, false, "GET POST"},
		"/userinfo":                         {form, true, "GET POST"},
		"/connect/register":                 {"application/json", true, "POST"},
		"/oauth2/register":                  {"application/json", true, "POST"},
		"/connect/register/x":               {"application/json", true, "GET PUT DELETE"},
		"/oauth2/register/x":                {"application/json", true, "GET PUT DELETE"},
		"/oauth2/auth":                      {form, false, "GET POST"},
		"/oauth2/sessions/logout":           {form, false, "GET POST"},
		"/login":                            {form, false, "GET POST"},
		"/signup":                           {form, false, "GET POST"},
		"/consent":                          {form, false, "GET POST"},
		"/setup":                            {form, false, "GET POST"},
		"/.well-known/openid-configuration": {"", true, "GET"},
		"/.well-known/jwks.json":            {"", true, "GET"},
	}
	bodies := map[string]struct{ content, body string }{
		"nothing":              {"", ""},
		"malformed":            {"", "%zz=%"},
		"a NUL":                {"", "grant_type=refresh_token&refresh_token=%00&token=%00&username=%00&client_id=a%00&request=%00"},
		"invalid UTF-8":        {"", "grant_type=%ff%fe&token=%c3%28&request=%ff&client_id=%ff"},
		"repeated parameters":  {"", "grant_type=a&grant_type=b&token=a&token=b&request=a&request=b&client_id=a&client_id=b"},
		"semicolons":           {"", "a=b;c=d"},
		"too large":            {"", "token=" + strings.Repeat("a", 70<<10)},
		"too many parameters":  {"", strings.Repeat("a=&", 300)},
		"multipart":            {"multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\na\r\n--x--\r\n"},
		"text":                 {"text/plain", "token=a"},
		"JSON for a form":      {"application/json", `{"token":"a"}`},
		"broken JSON":          {"application/json", `{"redirect_uris":[`},
		"JSON of another kind": {"application/json", `[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]`},
		"JSON with a NUL":      {"application/json", `{"client_name":"\u0000"}`},
		"JSON with twins":      {"application/json", `{"client_name":"a","client_name":"b"}`},
		"JSON of wrong types":  {"application/json", `{"redirect_uris":{"a":1},"client_name":[1],"jwks":"x","default_max_age":"x","scope":7}`},
	}
	for path, endpoint := range endpoints {
		for _, method := range []string{"GET", "POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "BREW"} {
			for name, bad := range bodies {
				body, target, content := bad.body, s.URL+path, bad.content
				if content == "" {
					content = endpoint.content
				}
				if method == "GET" && !strings.Contains(body, "{") && len(body) < 20<<10 {
					target, body = target+"?"+body, ""
				}
				r, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
				if err != nil {
					continue // the client itself refuses to send it
				}
				r.Header.Set("Content-Type", content)
				p := Send(t, http.DefaultClient, r)
				if p.Status >= 500 {
					t.Errorf("%s %s with %s: %d\n%s", method, path, name, p.Status, p.Body)
				}
				allowed := strings.Contains(" "+endpoint.methods+" ", " "+method+" ")
				if !allowed && (p.Status != http.StatusMethodNotAllowed || p.Header.Get("Allow") == "") {
					t.Errorf("%s %s: %d with Allow %q, want 405", method, path, p.Status, p.Header.Get("Allow"))
				}
				if endpoint.machine && p.Status >= 400 && p.Status != http.StatusUnauthorized {
					if got := p.JSON(t); got["error"] == "" || strings.ContainsAny(Text(got["error_description"]), "\"\\") {
						t.Errorf("%s %s with %s: body %s", method, path, name, p.Body)
					}
				}
			}
		}
	}
}

// A repeated parameter is refused before anything is claimed.
func TestRepeatedParametersClaimNothing(t *testing.T) {
	t.Parallel()
	s := Start(t, storetest.New(t), nil)
	code := s.NewBrowser().Code(AuthorizationRequest())
	twice := CodeExchange(code)
	twice["redirect_uri"] = append(twice["redirect_uri"], RedirectURI)
	WantError(t, s.PostForm("/oauth2/token", twice), 400, "invalid_request")
	s.ExchangeCode(code)
}

func TestClientAuthenticationAtTheEndpoint(t *testing.T) {
	t.Parallel()
	s := Start(t, storetest.New(t), nil)
	ask := func(change func(*http.Request, url.Values)) Response {
		form := url.Values{"grant_type": {"client_credentials"}}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/oauth2/token", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		change(r, form)
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(form.Encode())), int64(len(form.Encode()))
		return Send(t, http.DefaultClient, r)
	}
	p := ask(func(r *http.Request, _ url.Values) { r.SetBasicAuth("web", "wrong") })
	WantError(t, p, 401, "invalid_client")
	if challenge := p.Header.Get("WWW-Authenticate"); !strings.HasPrefix(challenge, "Basic ") {
		t.Errorf("WWW-Authenticate = %q, want a Basic challenge", challenge)
	}
	// The challenge answers an Authorization header; libraries that find one read no further.
	for name, tc := range map[string]struct {
		change    func(*http.Request, url.Values)
		challenge bool
	}{
		"nothing":          {func(*http.Request, url.Values) {}, false},
		"a public client":  {func(_ *http.Request, f url.Values) { f.Set("client_id", "nobody") }, false},
		"a secret by post": {func(_ *http.Request, f url.Values) { f.Set("client_id", "post"); f.Set("client_secret", "wrong") }, false},
		"an assertion": {func(_ *http.Request, f url.Values) {
			f.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
			f.Set("client_assertion", "a.b.c")
		}, false},
		"an unknown client by Basic": {func(r *http.Request, _ url.Values) { r.SetBasicAuth("nobody", "x") }, true},
		"another scheme":             {func(r *http.Request, _ url.Values) { r.Header.Set("Authorization", "Bearer x") }, true},
	} {
		p := ask(tc.change)
		WantError(t, p, 401, "invalid_client")
		if got := p.Header.Get("WWW-Authenticate"); (got != "") != tc.challenge {
			t.Errorf("%s: WWW-Authenticate = %q, want one: %v", name, got, tc.challenge)
		}
	}
	WantError(t, ask(func(r *http.Request, f url.Values) {
		r.SetBasicAuth("web", "web-secret-web-secret-web-secret-")
		f.Set("client_secret", "web-secret-web-secret-web-secret-")
	}), 400, "invalid_request")
	WantError(t, ask(func(r *http.Request, f url.Values) {
		r.SetBasicAuth("web", "web-secret-web-secret-web-secret-")
		f.Set("client_id", "post")
	}), 400, "invalid_request")
	WantError(t, ask(func(_ *http.Request, f url.Values) {
		f.Set("client_id", "web")
		f.Set("client_secret", "web-secret-web-secret-web-secret-")
	}), 401, "invalid_client")

	// After a hundred guesses no more are looked at; who knows the secret goes on.
	for range 100 {
		if _, _, err := s.Store.Throttle.CountAttempt(t.Context(), "client web", time.Minute, s.Time()); err != nil {
			t.Fatal(err)
		}
	}
	p = ask(func(r *http.Request, _ url.Values) { r.SetBasicAuth("web", "wrong") })
	WantError(t, p, 429, "temporarily_unavailable")
	if wait := p.Header.Get("Retry-After"); wait != "60" {
		t.Errorf("Retry-After = %q, want 60", wait)
	}
	if p := s.PostForm("/oauth2/token", url.Values{"grant_type": {"client_credentials"}}); p.Status != http.StatusOK {
		t.Errorf("with the right secret: %d %s", p.Status, p.Body)
	}
}

func TestCORSIsForMachines(t *testing.T) {
	t.Parallel()
	s := Start(t, storetest.New(t), nil)
	for path, want := range map[string]string{
		"/oauth2/token": "*", "/userinfo": "*", "/oauth2/revoke": "*", "/oauth2/introspect": "*", "/connect/register": "*", "/oauth2/device/auth": "*",
		"/.well-known/openid-configuration": "*", "/.well-known/jwks.json": "*",
		"/oauth2/auth": "", "/login": "", "/signup": "", "/consent": "", "/oauth2/sessions/logout": "", "/device": "", "/oauth2/device/verify": "",
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, s.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Origin", "https://spa.example")
		r.Header.Set("Access-Control-Request-Method", "POST")
		p := Send(t, http.DefaultClient, r)
		if got := p.Header.Get("Access-Control-Allow-Origin"); got != want || p.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("preflight of %s: Access-Control-Allow-Origin %q, want %q and never credentials", path, got, want)
		}
	}
}

// The issuer is configured: no header changes what is published (promise 7).
func TestTheHostHeaderIsNotBelieved(t *testing.T) {
	t.Parallel()
	s := Start(t, storetest.New(t), nil)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/.well-known/openid-configuration", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "evil.example"
	for _, name := range []string{"X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Original-Host"} {
		r.Header.Set(name, "evil.example")
	}
	if p := Send(t, http.DefaultClient, r); strings.Contains(p.Body, "evil") || p.JSON(t)["issuer"] != s.URL {
		t.Errorf("discovery = %s", p.Body)
	}
	auth, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/oauth2/auth?"+AuthorizationRequest().Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	auth.Host = "evil.example"
	if p := Send(t, s.NewBrowser().Client, auth); !strings.HasPrefix(p.Header.Get("Location"), s.URL+"/login") {
		t.Errorf("sign-in at %q", p.Header.Get("Location"))
	}
}
