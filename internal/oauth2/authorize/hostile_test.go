package authorize_test

import (
	"bufio"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// state and nonce are returned unchanged, also after the login and consent pages.
func TestHostileLongStateAndNonce(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	b := s.NewBrowser()
	state, nonce := strings.Repeat("s+/ü%&=", 512), strings.Repeat("n\"'\\<", 819)
	for _, prompt := range []string{"", "none", "login"} {
		got := b.Authorize(servertest.AuthorizationRequest("prompt", prompt, "state", state, "nonce", nonce)).Location().Query()
		if got.Get("state") != state {
			t.Errorf("prompt %q: state of %d bytes comes back with %d", prompt, len(state), len(got.Get("state")))
		}
		if id := servertest.Claims(t, s.ExchangeCode(got.Get("code"))["id_token"]); id["nonce"] != nonce {
			t.Errorf("prompt %q: nonce = %v", prompt, id["nonce"])
		}
	}
}

// A parameter that no specification defines is ignored, also if this server uses it
// internally.
func TestHostileInternalParametersAreIgnored(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	b := s.NewBrowser()
	form := servertest.AuthorizationRequest("continue", "0123456789abcdef0123456789abcdef", "ostiary_consent", "", "request_id", "x", "session", "y")
	form["ostiary_consent"] = []string{"admin"}
	if code := b.Code(form); servertest.Claims(t, s.ExchangeCode(code)["access_token"])["scope"] != "openid offline_access api" {
		t.Error("scopes differ from those that were asked for")
	}
	form.Set("prompt", "none")
	if got := b.Authorize(form).Location().Query(); !got.Has("code") {
		t.Errorf("signed in: %v", got)
	}
}

func TestHostileMaxAge(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	b := s.NewBrowser()
	b.Code(servertest.AuthorizationRequest())
	s.Advance(10 * time.Second)
	for maxAge, want := range map[string]string{
		"11": "", "10": "login_required", "9": "login_required", "0": "login_required",
		"9223372036": "", "9223372037": "", "18446744074": "", "9223372036854775807": "",
		"9223372036854775808": "invalid_request", "1e3": "invalid_request", "0x10": "invalid_request", "-0": "login_required",
	} {
		if got := b.Authorize(servertest.AuthorizationRequest("prompt", "none", "max_age", maxAge)).Location().Query(); got.Get("error") != want {
			t.Errorf("max_age %s: error %q, want %q", maxAge, got.Get("error"), want)
		}
	}
}

// Errors use the response mode of the response type: the fragment for response types with
// tokens.
//
// Spec: OAuth 2.0 Multiple Response Type Encoding Practices §2.1.
func TestHostileErrorsUseResponseMode(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	b := s.NewBrowser()
	for name, tc := range map[string]struct {
		changes []string
		mode    string
		want    string
	}{
		"token":                         {[]string{"response_type", "token"}, "#", "unsupported_response_type"},
		"id_token":                      {[]string{"response_type", "id_token"}, "#", "unsupported_response_type"},
		"code id_token":                 {[]string{"response_type", "code id_token"}, "#", "unsupported_response_type"},
		"id_token token":                {[]string{"response_type", "id_token token"}, "#", "unsupported_response_type"},
		"token in the query":            {[]string{"response_type", "token", "response_mode", "query"}, "#", "unsupported_response_type"},
		"code twice":                    {[]string{"response_type", "code code"}, "&", "unsupported_response_type"},
		"code in the fragment":          {[]string{"response_mode", "fragment", "prompt", "none"}, "#", "login_required"},
		"a request object, by fragment": {[]string{"response_mode", "fragment", "request", "a.b.c"}, "#", "invalid_request_object"},
		"an unknown mode":               {[]string{"response_mode", "carrier_pigeon"}, "&", "invalid_request"},
	} {
		to := b.Get("/oauth2/auth?" + servertest.AuthorizationRequest(tc.changes...).Encode()).Header.Get("Location")
		answer, ok := strings.CutPrefix(to, servertest.RedirectURI+tc.mode)
		got, err := url.ParseQuery(answer)
		if !ok || err != nil || got.Get("error") != tc.want || got.Get("state") != "a state" || got.Get("iss") != s.URL {
			t.Errorf("%s: to %q, want %s after %q", name, to, tc.want, tc.mode)
		}
	}
	p := b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("response_mode", "form_post", "request", "a.b.c").Encode())
	if p.HiddenField("error") != "invalid_request_object" {
		t.Errorf("form_post: %d to %q", p.Status, p.Header.Get("Location"))
	}
}

// Demands that cannot be understood are refused: to ignore them would be to say
// they were met.
func TestHostileEssentialClaims(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	b := s.NewBrowser()
	b.Code(servertest.AuthorizationRequest())
	for claims, want := range map[string]string{
		`{"id_token":{"acr":{"essential":true,"values":[1]}}}`:                                 "invalid_request",
		`{"id_token":{"acr":{"essential":true,"value":1}}}`:                                    "invalid_request",
		`{"id_token":{"sub":{"value":"somebody"},"acr":{"essential":true,"values":[{}]}}}`:     "invalid_request",
		`{"id_token":{"sub":{"value":["somebody"]}}}`:                                          "invalid_request",
		`{"id_token":{"sub":{"value":"somebody"},"acr":{"essential":true,"values":["gold"]}}}`: "login_required",
		`{"id_token":{"acr":{"essential":true}},"userinfo":{"name":{"value":7}}}`:              "",
	} {
		got := b.Authorize(servertest.AuthorizationRequest("prompt", "none", "claims", claims)).Location().Query()
		if got.Get("error") != want {
			t.Errorf("%s: error %q, want %q", claims, got.Get("error"), want)
		}
	}
}

// A browser with very many tabs loses the oldest, and nothing else.
func TestHostileManyRequestsInOneBrowser(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	b := s.NewBrowser()
	b.Code(servertest.AuthorizationRequest())
	var waiting []string
	for range 40 {
		p := b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "login").Encode())
		id := p.Location().Query().Get("request")
		if id == "" {
			t.Fatalf("request %d: %d %s", len(waiting), p.Status, p.Body)
		}
		waiting = append(waiting, id)
	}
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	if cookies := b.Client.Jar.Cookies(u); len(cookies) > 27 { // two of them for the session, one for the device
		t.Errorf("the browser keeps %d cookies", len(cookies))
	}
	for i, id := range waiting {
		want := http.StatusBadRequest
		if i >= 40-24 {
			want = http.StatusOK
		}
		if p := b.Get("/login?request=" + id); p.Status != want {
			t.Errorf("sign-in page of request %d of 40: %d, want %d", i+1, p.Status, want)
		}
	}
	if got := b.Authorize(servertest.AuthorizationRequest("prompt", "none")).Location().Query(); !got.Has("code") {
		t.Errorf("the session is gone: %v", got)
	}
}

// No header or request target with another host changes a URL of this server (promise 7).
func TestHostileRequestTargetsOfAnotherHost(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	at := strings.TrimPrefix(s.URL, "http://")
	for name, head := range map[string]string{
		"absolute form":             "GET http://evil.example/oauth2/auth?" + servertest.AuthorizationRequest().Encode() + " HTTP/1.1\r\nHost: evil.example\r\n",
		"absolute form, host kept":  "GET http://evil.example/oauth2/auth?" + servertest.AuthorizationRequest().Encode() + " HTTP/1.1\r\nHost: " + at + "\r\n",
		"HTTP/1.0 without host":     "GET /oauth2/auth?" + servertest.AuthorizationRequest().Encode() + " HTTP/1.0\r\n",
		"forwarded in every manner": "GET /oauth2/auth?" + servertest.AuthorizationRequest().Encode() + " HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: evil.example\r\nForwarded: host=evil.example\r\nX-Forwarded-Prefix: /evil\r\nX-Rewrite-URL: /evil\r\nX-Original-URL: /evil\r\n",
	} {
		conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(t.Context(), "tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte(head + "Connection: close\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		_ = answer.Body.Close()
		_ = conn.Close()
		if to := answer.Header.Get("Location"); !strings.HasPrefix(to, s.URL+"/login?request=") {
			t.Errorf("%s: %d to %q", name, answer.StatusCode, to)
		}
	}
}
