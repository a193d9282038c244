package middleware_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/middleware"
)

// call is a request of a client. The default content type is that of a form.
type call struct {
	method, target, body, contentType string
	header                            http.Header
}

// answer is a response.
type answer struct {
	status int
	header http.Header
	body   string
}

// send sends the request over a socket.
func send(t *testing.T, h http.Handler, c call) answer {
	t.Helper()
	server := httptest.NewServer(h)
	defer server.Close()

	var body io.Reader
	if c.body != "" {
		body = strings.NewReader(c.body)
	}
	req, err := http.NewRequestWithContext(t.Context(), c.method, server.URL, body)
	if err != nil {
		t.Fatal(err)
	}
	path, query, _ := strings.Cut(c.target, "?")
	req.URL.Opaque = path // as it is written
	if path == "" {
		req.URL.Opaque = "/"
	}
	req.URL.RawQuery = query
	if c.header != nil {
		req.Header = c.header.Clone()
	}
	if c.contentType == "" && c.body != "" {
		c.contentType = "application/x-www-form-urlencoded"
	}
	if c.contentType != "" && c.contentType != "none" {
		req.Header.Set("Content-Type", c.contentType)
	}
	resp, err := server.Client().Transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(text)}
}

// echo answers with everything a handler can see of the parameters.
func echo(w http.ResponseWriter, r *http.Request) {
	left, _ := io.ReadAll(r.Body)
	if err := r.ParseMultipartForm(1 << 20); !errors.Is(err, http.ErrNotMultipart) {
		fmt.Fprintf(w, "ParseMultipartForm: %v ", err)
	}
	cookies := []string{}
	for _, c := range r.Cookies() {
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	json.NewEncoder(w).Encode(map[string]any{
		"form": r.Form, "post": r.PostForm, "query": r.URL.Query(), "left": len(left),
		"cookies": strings.Join(cookies, " "), "cookie": r.Header.Get("Cookie"),
	})
}

func tokenRule() middleware.FormRule {
	return middleware.FormRule{Methods: []string{http.MethodPost}, Repeatable: []string{"resource", "audience"}}
}

func authorizeRule() middleware.FormRule {
	return middleware.FormRule{
		Methods: []string{http.MethodGet, http.MethodPost}, Repeatable: []string{"resource"}, Query: true,
	}
}

func basic(credentials string) http.Header {
	return http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))}}
}

func TestFormRejects(t *testing.T) {
	t.Parallel()

	many := strings.Repeat("a=1&", 200)
	for name, tc := range map[string]struct {
		rule   middleware.FormRule
		call   call
		status int
		reason string
	}{
		"the wrong method":            {tokenRule(), call{method: "GET"}, 405, "method"},
		"HEAD where GET is not":       {tokenRule(), call{method: "HEAD"}, 405, ""},
		"TRACE":                       {tokenRule(), call{method: "TRACE"}, 405, "method"},
		"an invented method":          {tokenRule(), call{method: "BREW"}, 405, "method"},
		"a body over the limit":       {tokenRule(), call{method: "POST", body: "code=" + strings.Repeat("a", 64<<10)}, 413, "too large"},
		"multipart":                   {tokenRule(), call{method: "POST", body: "--x\r\n\r\n--x--", contentType: "multipart/form-data; boundary=x"}, 415, "must be"},
		"JSON":                        {tokenRule(), call{method: "POST", body: "{}", contentType: "application/json"}, 415, "must be"},
		"a body of no type":           {tokenRule(), call{method: "POST", body: "code=a", contentType: "none"}, 415, "must be"},
		"two types":                   {tokenRule(), call{method: "POST", body: "code=a", contentType: "application/x-www-form-urlencoded, text/plain"}, 415, "must be"},
		"a form in UTF-16":            {tokenRule(), call{method: "POST", body: "code=a", contentType: "application/x-www-form-urlencoded; charset=utf-16"}, 415, "must be"},
		"an unknown charset":          {tokenRule(), call{method: "POST", body: "code=a", contentType: "application/x-www-form-urlencoded; charset=x"}, 415, "must be"},
		"Latin-1 beyond ASCII":        {tokenRule(), call{method: "POST", body: "code=\xe9", contentType: "application/x-www-form-urlencoded; charset=iso-8859-1"}, 415, "beyond ASCII"},
		"UTF-8 that says Latin-1":     {tokenRule(), call{method: "POST", body: "code=é", contentType: "application/x-www-form-urlencoded; charset=ISO-8859-1"}, 415, "beyond ASCII"},
		"bytes beyond ASCII in ASCII": {tokenRule(), call{method: "POST", body: "code=é", contentType: "application/x-www-form-urlencoded; charset=us-ascii"}, 415, "beyond ASCII"},
		"escaped Latin-1":             {tokenRule(), call{method: "POST", body: "code=%E9", contentType: "application/x-www-form-urlencoded; charset=iso-8859-1"}, 400, "UTF-8"},
		"a compressed body":           {tokenRule(), call{method: "POST", body: "code=a", header: http.Header{"Content-Encoding": {"gzip"}}}, 415, "compressed"},
		"a cut-off escape":            {tokenRule(), call{method: "POST", body: "code=%4"}, 400, "percent-encoding"},
		"an escape of no digits":      {authorizeRule(), call{method: "GET", target: "/?state=%zz"}, 400, "percent-encoding"},
		"a semicolon in the body":     {tokenRule(), call{method: "POST", body: "code=a;scope=b"}, 400, "semicolon"},
		"a semicolon in the query":    {authorizeRule(), call{method: "GET", target: "/?state=a;scope=b"}, 400, "semicolon"},
		"a NUL in a value":            {tokenRule(), call{method: "POST", body: "code=a%00b"}, 400, "NUL"},
		"a raw NUL":                   {tokenRule(), call{method: "POST", body: "code=a\x00b"}, 400, "NUL"},
		"a NUL in a name":             {authorizeRule(), call{method: "GET", target: "/?a%00=b"}, 400, "NUL"},
		"broken UTF-8 in a value":     {tokenRule(), call{method: "POST", body: "code=%ff"}, 400, "UTF-8"},
		"overlong UTF-8":              {tokenRule(), call{method: "POST", body: "code=%c0%80"}, 400, "UTF-8"},
		"a surrogate":                 {tokenRule(), call{method: "POST", body: "code=%ed%a0%80"}, 400, "UTF-8"},
		"broken UTF-8 in a name":      {authorizeRule(), call{method: "GET", target: "/?%ff=1"}, 400, "UTF-8"},
		"a parameter twice":           {tokenRule(), call{method: "POST", body: "code=a&code=a"}, 400, "code is repeated"},
		"an unknown parameter twice":  {tokenRule(), call{method: "POST", body: "x=a&x=b"}, 400, "A parameter is repeated"},
		"twice, once by escape":       {tokenRule(), call{method: "POST", body: "code=a&%63ode=b"}, 400, "code is repeated"},
		"twice, first empty":          {tokenRule(), call{method: "POST", body: "code=&code=b"}, 400, "code is repeated"},
		"twice, then empty":           {tokenRule(), call{method: "POST", body: "code=b&code"}, 400, "code is repeated"},
		"in query and body":           {authorizeRule(), call{method: "POST", target: "/?state=a", body: "state=a"}, 400, "state is repeated"},
		"too many parameters":         {authorizeRule(), call{method: "GET", target: "/?" + many}, 400, "too many"},
		"a secret in the query":       {tokenRule(), call{method: "POST", target: "/?client_secret=s", body: "code=a"}, 400, "client_secret must not be in the query"},
		"a code in the query":         {tokenRule(), call{method: "POST", target: "/?code=s"}, 400, "code must not be in the query"},
		"a token in the query of GET": {
			middleware.FormRule{Methods: []string{http.MethodGet}}, call{method: "GET", target: "/?access_token=s"}, 400, "access_token must not be in the query",
		},
		"a NUL in the path":             {tokenRule(), call{method: "POST", target: "/a%00"}, 400, "path"},
		"broken UTF-8 in the path":      {tokenRule(), call{method: "POST", target: "/%ff"}, 400, "path"},
		"bytes beyond ASCII in Bearer":  {tokenRule(), call{method: "POST", header: http.Header{"Authorization": {"Bearer \xff"}}}, 400, "Authorization"},
		"a NUL in Basic":                {tokenRule(), call{method: "POST", header: basic("a:b\x00")}, 400, "Authorization"},
		"broken UTF-8 in Basic":         {tokenRule(), call{method: "POST", header: basic("\xff:b")}, 400, "Authorization"},
		"a NUL escaped in Basic":        {tokenRule(), call{method: "POST", header: basic("a:b%00")}, 400, "Authorization"},
		"broken UTF-8 escaped in Basic": {tokenRule(), call{method: "POST", header: basic("%ff:b")}, 400, "Authorization"},
		"two Authorization headers":     {tokenRule(), call{method: "POST", header: http.Header{"Authorization": {"Bearer a", "Bearer b"}}}, 400, "repeated"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			reached := false
			h := middleware.Form(tc.rule)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
			resp := send(t, h, tc.call)
			if resp.status != tc.status || !strings.Contains(resp.body, tc.reason) || reached {
				t.Fatalf("%+v: %d %s, handler reached: %t; want %d, %q", tc.call, resp.status, resp.body, reached, tc.status, tc.reason)
			}
			if tc.call.method != "HEAD" && !strings.Contains(resp.body, `"error":"invalid_request"`) {
				t.Errorf("%+v: answer is %s", tc.call, resp.body)
			}
			if resp.header.Get("Cache-Control") != "no-store" {
				t.Errorf("%+v: the refusal may be cached", tc.call)
			}
			if allow := resp.header.Get("Allow"); tc.status == 405 && allow != strings.Replace(strings.Join(tc.rule.Methods, ", "), "GET", "GET, HEAD", 1) {
				t.Errorf("%+v: Allow is %q", tc.call, allow)
			}
		})
	}
}

func TestFormAccepts(t *testing.T) {
	t.Parallel()

	type seen struct {
		Form, Post, Query url.Values
		Left              int
	}
	for name, tc := range map[string]struct {
		rule middleware.FormRule
		call call
		want seen
	}{
		"a form": {
			tokenRule(),
			call{method: "POST", body: "grant_type=authorization_code&code=a%2Bb+c&state=%C3%A9"},
			seen{Form: url.Values{"grant_type": {"authorization_code"}, "code": {"a+b c"}, "state": {"é"}}},
		},
		"a form that names its charset": {
			tokenRule(),
			call{method: "POST", body: "code=a", contentType: "application/x-www-form-urlencoded;charset=UTF-8"},
			seen{Form: url.Values{"code": {"a"}}},
		},
		"resource twice": {
			tokenRule(),
			call{method: "POST", body: "resource=a&resource=b&audience=c"},
			seen{Form: url.Values{"resource": {"a", "b"}, "audience": {"c"}}},
		},
		"empty values as absent": {
			tokenRule(),
			call{method: "POST", body: "&&code=&scope&state=x&=y&"},
			seen{Form: url.Values{"state": {"x"}}},
		},
		"no body and no type": {
			tokenRule(),
			call{method: "POST"},
			seen{Form: url.Values{}},
		},
		"a query that means nothing": {
			tokenRule(),
			call{method: "POST", target: "/?tenant=a&code=", body: "code=b"},
			seen{Form: url.Values{"code": {"b"}}, Query: url.Values{"tenant": {"a"}}},
		},
		"parameters in the query": {
			authorizeRule(),
			call{method: "GET", target: "/?state=a&nonce=&resource=b&resource=c"},
			seen{
				Form:  url.Values{"state": {"a"}, "resource": {"b", "c"}},
				Post:  url.Values{},
				Query: url.Values{"state": {"a"}, "resource": {"b", "c"}},
			},
		},
		"parameters in query and body": {
			authorizeRule(),
			call{method: "POST", target: "/?state=a&resource=b", body: "nonce=c&resource=d"},
			seen{
				Form:  url.Values{"state": {"a"}, "nonce": {"c"}, "resource": {"b", "d"}},
				Post:  url.Values{"nonce": {"c"}, "resource": {"d"}},
				Query: url.Values{"state": {"a"}, "resource": {"b"}},
			},
		},
		"the body of a GET as nothing": {
			authorizeRule(),
			call{method: "GET", target: "/?state=a", body: "--x\r\nContent-Disposition: form-data; name=\"state\"\r\n\r\nb\r\n--x--\r\n", contentType: "multipart/form-data; boundary=x"},
			seen{Form: url.Values{"state": {"a"}}, Post: url.Values{}, Query: url.Values{"state": {"a"}}},
		},
		"Basic that is not base64, for client authentication to refuse": {
			tokenRule(),
			call{method: "POST", body: "code=a", header: http.Header{"Authorization": {"Basic !"}}},
			seen{Form: url.Values{"code": {"a"}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			if tc.want.Post == nil {
				tc.want.Post = tc.want.Form
			}
			if tc.want.Query == nil {
				tc.want.Query = url.Values{}
			}
			resp := send(t, middleware.Form(tc.rule)(http.HandlerFunc(echo)), tc.call)
			var got seen
			if err := json.Unmarshal([]byte(resp.body), &got); err != nil || resp.status != http.StatusOK {
				t.Fatalf("%d %s: %v", resp.status, resp.body, err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("what the handler sees (-want +got):\n%s", diff)
			}
		})
	}
}

// HTTP libraries name a charset that the application never chose.
func TestEquivalentCharsetsAreAccepted(t *testing.T) {
	t.Parallel()

	const form, jsonType = "application/x-www-form-urlencoded", "application/json"
	rule := middleware.JSONRule{Methods: []string{http.MethodPost}}
	for _, charset := range []string{
		"utf-8", "UTF-8", `"utf-8"`, "utf8", "UTF8", "us-ascii", "US-ASCII", "ascii", "ANSI_X3.4-1968",
		"iso-8859-1", "ISO-8859-1", "latin1", "ISO8859_1",
	} {
		want := http.StatusOK
		if charset == "ISO8859_1" { // no registered name
			want = http.StatusUnsupportedMediaType
		}
		for kind, c := range map[string]struct {
			guard func(http.Handler) http.Handler
			call  call
		}{
			form:     {middleware.Form(tokenRule()), call{method: "POST", body: "code=a%C3%A9", contentType: form + "; charset=" + charset}},
			jsonType: {middleware.JSONBody(rule), call{method: "POST", body: `{"a":"b"}`, contentType: jsonType + ";charset=" + charset}},
		} {
			if resp := send(t, c.guard(http.HandlerFunc(ok)), c.call); resp.status != want {
				t.Errorf("%s in %s: %d %s, want %d", kind, charset, resp.status, resp.body, want)
			}
		}
	}
}

func TestMalformedCookiesAreDropped(t *testing.T) {
	t.Parallel()

	for sent, want := range map[string]string{
		"session=a; theme=b":        "session=a theme=b",
		"session=a; theme=\xff; x=": "session=a x=",
		"\xff=1; session=a":         "session=a",
		"session=\x80":              "",
	} {
		resp := send(t, middleware.Form(tokenRule())(http.HandlerFunc(echo)), call{method: "POST", header: http.Header{"Cookie": {sent}}})
		var got struct{ Cookies, Cookie string }
		if err := json.Unmarshal([]byte(resp.body), &got); err != nil {
			t.Fatalf("%q: %s", sent, resp.body)
		}
		if got.Cookies != want || strings.Contains(got.Cookie, "\ufffd") {
			t.Errorf("%q: the handler sees %q in %q, want %q", sent, got.Cookies, got.Cookie, want)
		}
	}
}

func TestRefuserWritesTheResponse(t *testing.T) {
	t.Parallel()

	rule := authorizeRule()
	rule.Refuse = func(w http.ResponseWriter, _ *http.Request, status int, code, _ string) {
		w.WriteHeader(status)
		fmt.Fprintf(w, "<p id=error>%s</p>", code)
	}
	resp := send(t, middleware.Form(rule)(http.HandlerFunc(echo)), call{method: "GET", target: "/?a=1&a=2"})
	if resp.status != http.StatusBadRequest || resp.body != "<p id=error>invalid_request</p>" {
		t.Errorf("%d %s", resp.status, resp.body)
	}
}
