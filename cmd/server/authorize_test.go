package main

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// What is wrong with the client or the redirect URI ends on a page: nothing is
// sent to an address that is not established (RFC 9700 section 4.1).
func TestNoRedirectBeforeTheAddressIsKnown(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), nil)
	b := s.browser()
	native := func(uri string) url.Values { return asking("client_id", "app", "redirect_uri", uri) }
	for name, form := range map[string]url.Values{
		"no client":                    asking("client_id", ""),
		"unknown client":               asking("client_id", "nobody"),
		"no redirect URI":              asking("redirect_uri", ""),
		"unregistered redirect URI":    asking("redirect_uri", "https://evil.example/"),
		"query left out":               asking("redirect_uri", "https://client.example/callback"),
		"query added to":               asking("redirect_uri", testCallback+"&x=1"),
		"path in other case":           asking("redirect_uri", "https://client.example/Callback?keep=1"),
		"trailing slash":               asking("redirect_uri", "https://client.example/other/"),
		"fragment":                     asking("redirect_uri", testCallback+"#f"),
		"user name":                    asking("redirect_uri", "https://a@client.example/other"),
		"dot segments":                 asking("redirect_uri", "https://client.example/x/../other"),
		"percent-encoding":             asking("redirect_uri", "https://client.example/%6fther"),
		"port":                         asking("redirect_uri", "https://client.example:443/other"),
		"native: user name":            native("http://evil@127.0.0.1:1/cb"),
		"native: scheme in other case": native("HTTP://127.0.0.1:1/cb"),
		"native: encoded path":         native("http://127.0.0.1:1/%63b"),
		"native: fragment":             native("http://127.0.0.1:1/cb#"),
		"native: localhost":            native("http://localhost:1/cb"),
		"native: other path":           native("http://127.0.0.1:1/cb2"),
		"native: port 0":               native("http://127.0.0.1:0/cb"),
		"native: port out of range":    native("http://127.0.0.1:65536/cb"),
		"native: port then host":       native("http://127.0.0.1:1@evil.example/cb"),
		"native: other scheme":         native("com.example.evil:/cb"),
	} {
		p := b.get("/oauth2/auth?" + form.Encode())
		if p.status != http.StatusBadRequest || p.header.Get("Location") != "" || !strings.Contains(p.body, `id="error"`) {
			t.Errorf("%s: %d to %q, want a page with status 400", name, p.status, p.header.Get("Location"))
		}
	}
	for _, uri := range []string{"http://127.0.0.1/cb", "http://127.0.0.1:51234/cb", "com.example.app:/cb"} {
		if p := b.get("/oauth2/auth?" + native(uri).Encode()); p.status != http.StatusSeeOther {
			t.Errorf("native client with %s: %d, want to go on", uri, p.status)
		}
	}
}

// All other errors go to the client, with its state and our issuer, before
// anybody signs in.
func TestErrorsGoToTheClient(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), nil)
	b := s.browser()
	for name, tc := range map[string]struct {
		form url.Values
		want string
	}{
		"no response type":          {asking("response_type", ""), "invalid_request"},
		"in other case":             {asking("response_type", "CODE"), "unsupported_response_type"},
		"unknown response mode":     {asking("response_mode", "web_message"), "invalid_request"},
		"plain challenge":           {asking("code_challenge_method", "plain"), "invalid_request"},
		"challenge without method":  {asking("code_challenge_method", ""), "invalid_request"},
		"method without challenge":  {asking("code_challenge", ""), "invalid_request"},
		"short challenge":           {asking("code_challenge", "abc"), "invalid_request"},
		"malformed challenge":       {asking("code_challenge", strings.Repeat("=", 43)), "invalid_request"},
		"no PKCE where it must be":  {asking("client_id", "careful", "code_challenge", "", "code_challenge_method", ""), "invalid_request"},
		"no PKCE from a public one": {asking("client_id", "app", "redirect_uri", "com.example.app:/cb", "code_challenge", "", "code_challenge_method", ""), "invalid_request"},
		"prompt none with another":  {asking("prompt", "none login"), "invalid_request"},
		"unknown prompt":            {asking("prompt", "perhaps"), "invalid_request"},
		"prompt none, nobody here":  {asking("prompt", "none"), "login_required"},
		"max_age that is none":      {asking("max_age", "soon"), "invalid_request"},
		"negative max_age":          {asking("max_age", "-1"), "invalid_request"},
		"hint that is garbage":      {asking("id_token_hint", "a.b.c"), "invalid_request"},
		"claims that are garbage":   {asking("claims", "{"), "invalid_request"},
		"scope that is malformed":   {asking("scope", `openid "`), "invalid_scope"},
		"resource not allowed":      {asking("resource", "https://else.example"), "invalid_target"},
		"request object":            {asking("request", "a.b.c"), "invalid_request_object"},
		"request object by address": {asking("request_uri", "https://client.example/r"), "invalid_request_uri"},
		"registration":              {asking("registration", "{}"), "registration_not_supported"},
	} {
		p := b.get("/oauth2/auth?" + tc.form.Encode())
		got := p.location()
		query := got.Query()
		if p.status != http.StatusSeeOther || query.Get("error") != tc.want || query.Get("state") != "a state" ||
			query.Get("iss") != s.url || query.Has("code") {
			t.Errorf("%s: %d to %q, want error %s with state and iss", name, p.status, got, tc.want)
		}
		if description := query.Get("error_description"); strings.ContainsAny(description, "\"\\\r\n") {
			t.Errorf("%s: error_description %q has a character that it may not", name, description)
		}
		if want := tc.form.Get("redirect_uri"); !strings.HasPrefix(got.String(), want) {
			t.Errorf("%s: to %q, want the registered URI %q with its query first", name, got, want)
		}
	}
}

func TestTheAnswerCarriesStateAndIssuer(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), nil)
	b := s.browser()
	long := strings.Repeat("state ü&=+/", 40)
	got := b.authorize(asking("state", long)).location().Query()
	if got.Get("state") != long || got.Get("iss") != s.url || got.Get("keep") != "1" || !got.Has("session_state") || len(got) != 5 {
		t.Errorf("answer = %v, want code, state, iss, session_state and the registered query", got)
	}
	if got := b.authorize(asking("state", "")).location().Query(); got.Has("state") {
		t.Errorf("answer = %v, want no state where none came", got)
	}
	if p := b.authorize(asking("response_mode", "fragment")); !strings.Contains(p.header.Get("Location"), "?keep=1#code=") {
		t.Errorf("fragment: to %q", p.header.Get("Location"))
	}
	p := b.authorize(asking("response_mode", "form_post", "state", `"><script>`))
	if p.status != http.StatusOK || p.field("code") == "" || p.field("state") != `"><script>` || p.field("iss") != s.url {
		t.Errorf("form_post: %d\n%s", p.status, p.body)
	}
	if p := b.authorize(asking("response_mode", "form_post", "response_type", "token")); p.field("error") != "unsupported_response_type" {
		t.Errorf("form_post error: %d\n%s", p.status, p.body)
	}
}

func TestAuthorizeByPost(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), nil)
	b := s.browser()
	if code := b.follow(b.post("/oauth2/auth", asking())).location().Query().Get("code"); code == "" {
		t.Error("a posted request ends without a code")
	}
	// The session is found although the browser keeps its cookie from such a POST.
	if got := b.follow(b.post("/oauth2/auth", asking("prompt", "none"))).location().Query(); got.Get("code") == "" {
		t.Errorf("posted, signed in, prompt none: %v", got)
	}
}

func TestPromptAndMaxAge(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), nil)
	b := s.browser()
	first := claims(t, s.tokens(b.code(asking()))["id_token"])
	s.pass(10 * time.Second)

	asks := func(form url.Values) bool {
		return strings.HasPrefix(b.get("/oauth2/auth?"+form.Encode()).header.Get("Location"), s.url+"/login")
	}
	for name, tc := range map[string]struct {
		form url.Values
		want bool
	}{
		"nothing special":    {asking(), false},
		"prompt login":       {asking("prompt", "login"), true},
		"prompt select":      {asking("prompt", "select_account"), true},
		"a large max_age":    {asking("max_age", "10000"), false},
		"an elapsed max_age": {asking("max_age", "5"), true},
		"max_age 0":          {asking("max_age", "0"), true},
		"the subject asked":  {asking("claims", `{"id_token":{"sub":{"value":"`+text(first["sub"])+`"}}}`), false},
		"another subject":    {asking("claims", `{"id_token":{"sub":{"value":"somebody"}}}`), true},
		"unknown parameters": {asking("extra", "foobar", "display", "popup", "ui_locales", "xx", "claims_locales", "y z", "login_hint", "ada"), false},
		"an unknown scope":   {asking("scope", "openid cookies"), false},
		"acr_values unmet":   {asking("acr_values", "urn:example:gold"), false},
	} {
		if got := asks(tc.form); got != tc.want {
			t.Errorf("%s: asks for sign-in %v, want %v", name, got, tc.want)
		}
	}

	for _, form := range []url.Values{asking("prompt", "login"), asking("max_age", "0"), asking("max_age", "5", "prompt", "select_account")} {
		s.pass(10 * time.Second)
		again := claims(t, s.tokens(b.code(form))["id_token"])
		if again["sub"] != first["sub"] || again["auth_time"].(float64) <= first["auth_time"].(float64) {
			t.Errorf("after %v: sub %v auth_time %v, first %v %v", form, again["sub"], again["auth_time"], first["sub"], first["auth_time"])
		}
		first = again
	}
	silent := claims(t, s.tokens(b.code(asking("prompt", "none")))["id_token"])
	if silent["auth_time"] != first["auth_time"] {
		t.Errorf("prompt none changed auth_time from %v to %v", first["auth_time"], silent["auth_time"])
	}
	essential := asking("claims", `{"id_token":{"acr":{"essential":true,"values":["urn:example:gold"]}}}`)
	if got := b.authorize(essential).location().Query().Get("error"); got != "unmet_authentication_requirements" {
		t.Errorf("an essential acr that cannot be had: error %q", got)
	}
}

// Choosing an account proves nothing: what else the request demands still holds.
func TestAnAccountIsChosen(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := start(t, db, nil)
		b := s.browser()
		first := claims(t, s.tokens(b.code(asking()))["id_token"])
		for _, tc := range []struct {
			changes []string
			proves  bool
		}{
			{[]string{"prompt", "select_account"}, false},
			{[]string{"prompt", "select_account", "max_age", "10000"}, false},
			{[]string{"prompt", "select_account", "max_age", "5"}, true},
			{[]string{"prompt", "select_account", "max_age", "0"}, true},
			{[]string{"prompt", "login select_account"}, true},
			{[]string{"prompt", "select_account consent"}, false},
		} {
			s.pass(10 * time.Second)
			p := b.get(b.get("/oauth2/auth?" + asking(tc.changes...).Encode()).header.Get("Location"))
			if !strings.Contains(p.body, `id="continue"`) {
				t.Fatalf("%v: no choice: %d %s", tc.changes, p.status, p.body)
			}
			p = b.post(p.action(), url.Values{"request": {p.field("request")}, "decision": {"continue"}})
			p = b.get(p.header.Get("Location"))
			if asked := p.location().Path == "/login"; asked != tc.proves {
				t.Errorf("%v: a password after the choice: %v, want %v", tc.changes, asked, tc.proves)
			}
			got := claims(t, s.tokens(b.follow(p).location().Query().Get("code"))["id_token"])
			if again := got["auth_time"] != first["auth_time"]; again != tc.proves || got["sub"] != first["sub"] {
				t.Errorf("%v: sub %v auth_time %v after %v %v", tc.changes, got["sub"], got["auth_time"], first["sub"], first["auth_time"])
			}
			first = got
		}
	})
}

// ofLostKey returns an ID token as it would be had a key signed it that is gone.
func ofLostKey(tb testing.TB, token string) string {
	tb.Helper()
	header, rest, _ := strings.Cut(token, ".")
	raw, err := base64.RawURLEncoding.DecodeString(header)
	if err != nil {
		tb.Fatal(err)
	}
	changed := regexp.MustCompile(`"kid":"[^"]+"`).ReplaceAll(raw, []byte(`"kid":"a-key-of-years-ago"`))
	return base64.RawURLEncoding.EncodeToString(changed) + "." + rest
}

func TestIDTokenHint(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), nil)
	b := s.browser()
	hint := text(s.tokens(b.code(asking()))["id_token"])
	s.pass(time.Hour / 2) // the hint has expired, the session has not
	if got := b.authorize(asking("prompt", "none", "id_token_hint", hint)).location().Query(); got.Get("code") == "" {
		t.Errorf("hint of the person who is signed in: %v", got)
	}
	if got := b.authorize(asking("client_id", "careful", "id_token_hint", hint)).location().Query().Get("error"); got != "invalid_request" {
		t.Errorf("hint of another client: error %q", got)
	}
	gone := ofLostKey(t, hint)
	if got := b.authorize(asking("prompt", "none", "id_token_hint", gone)).location().Query(); got.Get("code") == "" {
		t.Errorf("hint whose key is gone: %v, want what there is without a hint", got)
	}
	if got := s.browser().authorize(asking("prompt", "none", "id_token_hint", gone)).location().Query().Get("error"); got != "login_required" {
		t.Errorf("hint whose key is gone, without a session: error %q, want login_required", got)
	}
	if got := b.authorize(asking("id_token_hint", hint[:len(hint)-8]+"AAAAAAAA")).location().Query().Get("error"); got != "invalid_request" {
		t.Errorf("forged hint: error %q, want invalid_request", got)
	}
	access := text(s.tokens(b.code(asking()))["access_token"])
	if got := b.authorize(asking("id_token_hint", access)).location().Query().Get("error"); got != "invalid_request" {
		t.Errorf("an access token as hint: error %q", got)
	}
}

// A request goes on only in the browser that began it, and is answered once.
func TestARequestBelongsToItsBrowser(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), nil)
	b, thief := s.browser(), s.browser()
	to := b.get("/oauth2/auth?" + asking().Encode()).location()
	id := to.Query().Get("request")
	for _, path := range []string{"/oauth2/auth?continue=" + id, "/login?request=" + id, "/consent?request=" + id} {
		if p := thief.get(path); p.status != http.StatusBadRequest || p.header.Get("Location") != "" {
			t.Errorf("%s in another browser: %d to %q", path, p.status, p.header.Get("Location"))
		}
	}
	if code := b.follow(b.get(to.String())).status; code != http.StatusOK {
		t.Fatalf("sign-in page: %d", code)
	}
	p := b.follow(b.get("/oauth2/auth?continue=" + id))
	if p.location().Query().Get("code") == "" {
		t.Fatalf("no code: %d %q", p.status, p.header.Get("Location"))
	}
	if p := b.get("/oauth2/auth?continue=" + id); p.status != http.StatusBadRequest || p.location().Query().Has("code") {
		t.Errorf("the answered request again: %d to %q", p.status, p.header.Get("Location"))
	}
	s.pass(31 * time.Minute)
	fresh := s.browser()
	to = fresh.get("/oauth2/auth?" + asking().Encode()).location()
	s.pass(31 * time.Minute)
	if p := fresh.get("/oauth2/auth?continue=" + to.Query().Get("request")); p.status != http.StatusBadRequest {
		t.Errorf("a request after its time: %d", p.status)
	}
}

// A sign-in that is over leads a person back to where it can begin anew, with the
// issuer exactly as it is configured.
func TestASignInThatIsOverCanBeginAnew(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), nil)
	s.bring(`{"client_id": "again", "client_secret": "again-secret-again-secret-again-", "redirect_uris": ["` + testCallback + `"],
		"client_name": "Again & Again", "scope": "openid", "skip_consent": true, "initiate_login_uri": "https://client.example/start"}`)
	b, other := s.browser(), s.browser()
	link := `href="https://client.example/start?iss=` + url.QueryEscape(s.config.Issuer) + `"`
	form := asking("client_id", "again", "scope", "openid")
	late := b.get("/oauth2/auth?" + form.Encode()).location().Query().Get("request")
	id := b.get("/oauth2/auth?" + form.Encode()).location().Query().Get("request")
	foreign := other.get("/oauth2/auth?continue=" + id)
	if p := b.follow(b.get("/oauth2/auth?continue=" + id)); !p.location().Query().Has("code") {
		t.Fatalf("no code: %d to %s", p.status, p.location())
	}
	finished := b.get("/oauth2/auth?continue=" + id)
	s.pass(31 * time.Minute)
	for name, p := range map[string]reply{
		"that was answered": finished, "that ran out": b.get("/oauth2/auth?continue=" + late),
		"that ran out, at its page": b.get("/login?request=" + late),
	} {
		if p.status != http.StatusBadRequest || !strings.Contains(p.body, link) || !strings.Contains(p.body, "Again &amp; Again") ||
			!strings.Contains(p.body, "expired_request") {
			t.Errorf("a request %s: %d %s", name, p.status, p.body)
		}
	}
	// A link with another browser's request must not advertise an application here.
	for name, p := range map[string]reply{
		"of another browser": foreign, "of another browser, run out": other.get("/oauth2/auth?continue=" + late),
		"of another browser, at its page": other.get("/login?request=" + late),
	} {
		if p.status != http.StatusBadRequest || strings.Contains(p.body, "client.example") || strings.Contains(p.body, "Again") {
			t.Errorf("a request %s: %d %s", name, p.status, p.body)
		}
	}
	if p := b.get("/oauth2/auth?continue=nothing"); p.status != http.StatusBadRequest || strings.Contains(p.body, "restart") {
		t.Errorf("a request of nobody: %d %s", p.status, p.body)
	}
}

func TestClaimsParameterReachesTheIDToken(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), nil)
	got := claims(t, s.tokens(s.browser().code(asking("claims", `{"id_token":{"email":null,"phone_number":{"essential":true}},"userinfo":{"name":null}}`)))["id_token"])
	if got["email"] != "ada@example.com" || got["name"] != nil || got["phone_number"] != nil {
		t.Errorf("ID token = %v, want the email that was asked for and nothing else", got)
	}
}

// Claims asked for by name need the same consent as the scope they belong to.
func TestClaimsAskedForByNameNeedConsent(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), nil)
	b := s.browser()
	form := asking("client_id", "careful", "scope", "openid", "prompt", "")
	to := b.authorize(form).location()
	if !to.Query().Has("code") {
		t.Fatalf("no code: %v", to)
	}
	if p := b.get("/oauth2/auth?" + form.Encode()); !p.location().Query().Has("code") {
		t.Fatalf("the same scope again asks: %v", p.location())
	}
	form.Set("claims", `{"userinfo":{"email":null}}`)
	p := b.get("/oauth2/auth?" + form.Encode())
	if !strings.HasPrefix(p.header.Get("Location"), s.url+"/consent") {
		t.Fatalf("claims beyond the consent: to %v, want the consent page", p.location())
	}
	if page := b.get(p.header.Get("Location")); !strings.Contains(page.body, "email address") {
		t.Error("the consent page does not name what is asked for")
	}
}

// A client that manages itself by its secret in the query, where the operator allows that.
func TestRegistrationIsSeenAtOnce(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), map[string]string{"rate_limits": "off", "registration_query_secrets": "on"})
	p := s.send(t, http.MethodPost, "/connect/register", "", `{"redirect_uris":["https://a.example/cb"],"token_endpoint_auth_method":"client_secret_post","grant_types":["client_credentials"],"scope":"openid"}`)
	got := p.json(t)
	if p.status != http.StatusCreated {
		t.Fatalf("register: %d %s", p.status, p.body)
	}
	path := strings.TrimPrefix(text(got["registration_client_uri"]), s.url)
	secret := url.Values{"client_secret": {text(got["client_secret"])}}
	if p := s.send(t, http.MethodGet, path+"?"+secret.Encode(), "", ""); p.status != http.StatusOK {
		t.Errorf("read by secret in the query: %d %s", p.status, p.body)
	}
	if p := s.send(t, http.MethodGet, strings.Replace(path, "/connect/", "/oauth2/", 1)+"?"+secret.Encode(), "", ""); p.status != http.StatusBadRequest {
		t.Errorf("the same under the other path: %d %s", p.status, p.body)
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {text(got["client_id"])}, "client_secret": {text(got["client_secret"])}}
	token := s.call("/oauth2/token", form).json(t)["access_token"]
	if !s.active(token) && text(token) == "" {
		t.Fatal("no token for the client")
	}
	if p := s.send(t, http.MethodDelete, path, text(got["registration_access_token"]), ""); p.status != http.StatusNoContent {
		t.Fatalf("delete: %d %s", p.status, p.body)
	}
	wantError(t, s.call("/oauth2/token", form), 401, "invalid_client")
	if s.active(token) {
		t.Error("the token of a deleted client is active")
	}
}

func TestWhoeverWouldRatherNotSignInGoesBack(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), nil)
	b := s.browser()
	page := b.get(b.get("/oauth2/auth?" + asking().Encode()).header.Get("Location"))
	if !strings.Contains(page.body, `id="cancel"`) {
		t.Fatal("the sign-in page has no way back")
	}
	p := b.follow(b.post(page.action(), url.Values{"request": {page.field("request")}, "decision": {"cancel"}}))
	if got := p.location().Query(); got.Get("error") != "access_denied" || got.Get("state") != "a state" || got.Has("code") {
		t.Errorf("cancelled: to %v, want access_denied with the state", p.location())
	}
	if p := b.post(page.action(), url.Values{"request": {page.field("request")}, "username": {"ada"}, "password": {testPassword}}); p.status != http.StatusBadRequest {
		t.Errorf("signing in to a cancelled request: %d", p.status)
	}
}
