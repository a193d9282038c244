package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// Invalid input at any endpoint gets a status below 500, with a body in the format of the
// endpoint (docs/architecture.md, promise 6).
func TestBadInputOnEveryEndpoint(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), map[string]string{"sign_up": "on"})
	const form = "application/x-www-form-urlencoded"
	endpoints := map[string]struct {
		content string
		machine bool
		methods string // allowed, separated by spaces
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
					continue // the HTTP client cannot send it
				}
				r.Header.Set("Content-Type", content)
				p := servertest.Send(t, http.DefaultClient, r)
				if p.Status >= 500 {
					t.Errorf("%s %s with %s: %d\n%s", method, path, name, p.Status, p.Body)
				}
				allowed := strings.Contains(" "+endpoint.methods+" ", " "+method+" ")
				if !allowed && (p.Status != http.StatusMethodNotAllowed || p.Header.Get("Allow") == "") {
					t.Errorf("%s %s: %d with Allow %q, want 405", method, path, p.Status, p.Header.Get("Allow"))
				}
				if endpoint.machine && p.Status >= 400 && p.Status != http.StatusUnauthorized {
					if got := p.JSON(t); got["error"] == "" || strings.ContainsAny(servertest.Text(got["error_description"]), "\"\\") {
						t.Errorf("%s %s with %s: body %s", method, path, name, p.Body)
					}
				}
			}
		}
	}
}

func TestCORSAllowsMachineEndpointsOnly(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
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
		p := servertest.Send(t, http.DefaultClient, r)
		if got := p.Header.Get("Access-Control-Allow-Origin"); got != want || p.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("preflight of %s: Access-Control-Allow-Origin %q, want %q and never credentials", path, got, want)
		}
	}
}

// The issuer is configured: no header changes the published metadata (promise 7).
func TestHostHeaderDoesNotChangeURLs(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/.well-known/openid-configuration", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "evil.example"
	for _, name := range []string{"X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Original-Host"} {
		r.Header.Set(name, "evil.example")
	}
	if p := servertest.Send(t, http.DefaultClient, r); strings.Contains(p.Body, "evil") || p.JSON(t)["issuer"] != s.URL {
		t.Errorf("discovery = %s", p.Body)
	}
	auth, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/oauth2/auth?"+servertest.AuthorizationRequest().Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	auth.Host = "evil.example"
	if p := servertest.Send(t, s.NewBrowser().Client, auth); !strings.HasPrefix(p.Header.Get("Location"), s.URL+"/login") {
		t.Errorf("sign-in at %q", p.Header.Get("Location"))
	}
}
