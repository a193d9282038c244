package authorize_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// An invalid client or redirect URI leads to an error page: the server never redirects to an
// unregistered URI.
//
// Spec: RFC 9700 §4.1.
func TestNoRedirectToUnregisteredURI(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	b := s.NewBrowser()
	native := func(uri string) url.Values {
		return servertest.AuthorizationRequest("client_id", "app", "redirect_uri", uri)
	}
	for name, form := range map[string]url.Values{
		"no client":                    servertest.AuthorizationRequest("client_id", ""),
		"unknown client":               servertest.AuthorizationRequest("client_id", "nobody"),
		"no redirect URI":              servertest.AuthorizationRequest("redirect_uri", ""),
		"unregistered redirect URI":    servertest.AuthorizationRequest("redirect_uri", "https://evil.example/"),
		"query left out":               servertest.AuthorizationRequest("redirect_uri", "https://client.example/callback"),
		"query added to":               servertest.AuthorizationRequest("redirect_uri", servertest.RedirectURI+"&x=1"),
		"path in other case":           servertest.AuthorizationRequest("redirect_uri", "https://client.example/Callback?keep=1"),
		"trailing slash":               servertest.AuthorizationRequest("redirect_uri", "https://client.example/other/"),
		"fragment":                     servertest.AuthorizationRequest("redirect_uri", servertest.RedirectURI+"#f"),
		"user name":                    servertest.AuthorizationRequest("redirect_uri", "https://a@client.example/other"),
		"dot segments":                 servertest.AuthorizationRequest("redirect_uri", "https://client.example/x/../other"),
		"percent-encoding":             servertest.AuthorizationRequest("redirect_uri", "https://client.example/%6fther"),
		"port":                         servertest.AuthorizationRequest("redirect_uri", "https://client.example:443/other"),
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
		p := b.Get("/oauth2/auth?" + form.Encode())
		if p.Status != http.StatusBadRequest || p.Header.Get("Location") != "" || !strings.Contains(p.Body, `id="error"`) {
			t.Errorf("%s: %d to %q, want a page with status 400", name, p.Status, p.Header.Get("Location"))
		}
	}
	for _, uri := range []string{"http://127.0.0.1/cb", "http://127.0.0.1:51234/cb", "com.example.app:/cb"} {
		if p := b.Get("/oauth2/auth?" + native(uri).Encode()); p.Status != http.StatusSeeOther {
			t.Errorf("native client with %s: %d, want to go on", uri, p.Status)
		}
	}
}

// All other errors are redirected to the client with state and iss, before the user signs in.
func TestErrorsAreRedirectedToClient(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	b := s.NewBrowser()
	for name, tc := range map[string]struct {
		form url.Values
		want string
	}{
		"no response type":          {servertest.AuthorizationRequest("response_type", ""), "invalid_request"},
		"in other case":             {servertest.AuthorizationRequest("response_type", "CODE"), "unsupported_response_type"},
		"unknown response mode":     {servertest.AuthorizationRequest("response_mode", "web_message"), "invalid_request"},
		"plain challenge":           {servertest.AuthorizationRequest("code_challenge_method", "plain"), "invalid_request"},
		"challenge without method":  {servertest.AuthorizationRequest("code_challenge_method", ""), "invalid_request"},
		"method without challenge":  {servertest.AuthorizationRequest("code_challenge", ""), "invalid_request"},
		"short challenge":           {servertest.AuthorizationRequest("code_challenge", "abc"), "invalid_request"},
		"malformed challenge":       {servertest.AuthorizationRequest("code_challenge", strings.Repeat("=", 43)), "invalid_request"},
		"no PKCE where it must be":  {servertest.AuthorizationRequest("client_id", "careful", "code_challenge", "", "code_challenge_method", ""), "invalid_request"},
		"no PKCE from a public one": {servertest.AuthorizationRequest("client_id", "app", "redirect_uri", "com.example.app:/cb", "code_challenge", "", "code_challenge_method", ""), "invalid_request"},
		"prompt none with another":  {servertest.AuthorizationRequest("prompt", "none login"), "invalid_request"},
		"unknown prompt":            {servertest.AuthorizationRequest("prompt", "perhaps"), "invalid_request"},
		"prompt none, nobody here":  {servertest.AuthorizationRequest("prompt", "none"), "login_required"},
		"max_age that is none":      {servertest.AuthorizationRequest("max_age", "soon"), "invalid_request"},
		"negative max_age":          {servertest.AuthorizationRequest("max_age", "-1"), "invalid_request"},
		"hint that is garbage":      {servertest.AuthorizationRequest("id_token_hint", "a.b.c"), "invalid_request"},
		"claims that are garbage":   {servertest.AuthorizationRequest("claims", "{"), "invalid_request"},
		"scope that is malformed":   {servertest.AuthorizationRequest("scope", `openid "`), "invalid_scope"},
		"resource not allowed":      {servertest.AuthorizationRequest("resource", "https://else.example"), "invalid_target"},
		"request object":            {servertest.AuthorizationRequest("request", "a.b.c"), "invalid_request_object"},
		"request object by address": {servertest.AuthorizationRequest("request_uri", "https://client.example/r"), "invalid_request_uri"},
		"registration":              {servertest.AuthorizationRequest("registration", "{}"), "registration_not_supported"},
	} {
		p := b.Get("/oauth2/auth?" + tc.form.Encode())
		got := p.Location()
		query := got.Query()
		if p.Status != http.StatusSeeOther || query.Get("error") != tc.want || query.Get("state") != "a state" ||
			query.Get("iss") != s.URL || query.Has("code") {
			t.Errorf("%s: %d to %q, want error %s with state and iss", name, p.Status, got, tc.want)
		}
		if description := query.Get("error_description"); strings.ContainsAny(description, "\"\\\r\n") {
			t.Errorf("%s: error_description %q has a character that it may not", name, description)
		}
		if want := tc.form.Get("redirect_uri"); !strings.HasPrefix(got.String(), want) {
			t.Errorf("%s: to %q, want the registered URI %q with its query first", name, got, want)
		}
	}
}

func TestResponseCarriesStateAndIssuer(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	b := s.NewBrowser()
	long := strings.Repeat("state ü&=+/", 40)
	got := b.Authorize(servertest.AuthorizationRequest("state", long)).Location().Query()
	if got.Get("state") != long || got.Get("iss") != s.URL || got.Get("keep") != "1" || !got.Has("session_state") || len(got) != 5 {
		t.Errorf("answer = %v, want code, state, iss, session_state and the registered query", got)
	}
	if got := b.Authorize(servertest.AuthorizationRequest("state", "")).Location().Query(); got.Has("state") {
		t.Errorf("answer = %v, want no state where none came", got)
	}
	if p := b.Authorize(servertest.AuthorizationRequest("response_mode", "fragment")); !strings.Contains(p.Header.Get("Location"), "?keep=1#code=") {
		t.Errorf("fragment: to %q", p.Header.Get("Location"))
	}
	p := b.Authorize(servertest.AuthorizationRequest("response_mode", "form_post", "state", `"><script>`))
	if p.Status != http.StatusOK || p.HiddenField("code") == "" || p.HiddenField("state") != `"><script>` || p.HiddenField("iss") != s.URL {
		t.Errorf("form_post: %d\n%s", p.Status, p.Body)
	}
	if p := b.Authorize(servertest.AuthorizationRequest("response_mode", "form_post", "response_type", "token")); p.HiddenField("error") != "unsupported_response_type" {
		t.Errorf("form_post error: %d\n%s", p.Status, p.Body)
	}
}

func TestAuthorizeByPost(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	b := s.NewBrowser()
	if code := b.Follow(b.Post("/oauth2/auth", servertest.AuthorizationRequest())).Location().Query().Get("code"); code == "" {
		t.Error("a posted request ends without a code")
	}
	// The session is found although the browser keeps its cookie from such a POST.
	if got := b.Follow(b.Post("/oauth2/auth", servertest.AuthorizationRequest("prompt", "none"))).Location().Query(); got.Get("code") == "" {
		t.Errorf("posted, signed in, prompt none: %v", got)
	}
}

func TestPromptAndMaxAge(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	b := s.NewBrowser()
	first := servertest.Claims(t, s.ExchangeCode(b.Code(servertest.AuthorizationRequest()))["id_token"])
	s.Advance(10 * time.Second)

	needsSignIn := func(form url.Values) bool {
		return strings.HasPrefix(b.Get("/oauth2/auth?"+form.Encode()).Header.Get("Location"), s.URL+"/login")
	}
	for name, tc := range map[string]struct {
		form url.Values
		want bool
	}{
		"nothing special":    {servertest.AuthorizationRequest(), false},
		"prompt login":       {servertest.AuthorizationRequest("prompt", "login"), true},
		"prompt select":      {servertest.AuthorizationRequest("prompt", "select_account"), true},
		"a large max_age":    {servertest.AuthorizationRequest("max_age", "10000"), false},
		"an elapsed max_age": {servertest.AuthorizationRequest("max_age", "5"), true},
		"max_age 0":          {servertest.AuthorizationRequest("max_age", "0"), true},
		"the subject asked":  {servertest.AuthorizationRequest("claims", `{"id_token":{"sub":{"value":"`+servertest.Text(first["sub"])+`"}}}`), false},
		"another subject":    {servertest.AuthorizationRequest("claims", `{"id_token":{"sub":{"value":"somebody"}}}`), true},
		"unknown parameters": {servertest.AuthorizationRequest("extra", "foobar", "display", "popup", "ui_locales", "xx", "claims_locales", "y z", "login_hint", "ada"), false},
		"an unknown scope":   {servertest.AuthorizationRequest("scope", "openid cookies"), false},
		"acr_values unmet":   {servertest.AuthorizationRequest("acr_values", "urn:example:gold"), false},
	} {
		if got := needsSignIn(tc.form); got != tc.want {
			t.Errorf("%s: sign-in %v, want %v", name, got, tc.want)
		}
	}

	for _, form := range []url.Values{servertest.AuthorizationRequest("prompt", "login"), servertest.AuthorizationRequest("max_age", "0"), servertest.AuthorizationRequest("max_age", "5", "prompt", "select_account")} {
		s.Advance(10 * time.Second)
		again := servertest.Claims(t, s.ExchangeCode(b.Code(form))["id_token"])
		if again["sub"] != first["sub"] || again["auth_time"].(float64) <= first["auth_time"].(float64) {
			t.Errorf("after %v: sub %v auth_time %v, first %v %v", form, again["sub"], again["auth_time"], first["sub"], first["auth_time"])
		}
		first = again
	}
	silent := servertest.Claims(t, s.ExchangeCode(b.Code(servertest.AuthorizationRequest("prompt", "none")))["id_token"])
	if silent["auth_time"] != first["auth_time"] {
		t.Errorf("prompt none changed auth_time from %v to %v", first["auth_time"], silent["auth_time"])
	}
	essential := servertest.AuthorizationRequest("claims", `{"id_token":{"acr":{"essential":true,"values":["urn:example:gold"]}}}`)
	if got := b.Authorize(essential).Location().Query().Get("error"); got != "unmet_authentication_requirements" {
		t.Errorf("an essential acr that cannot be had: error %q", got)
	}
}

// Choosing an account proves nothing: what else the request demands still holds.
func TestPromptSelectAccount(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, nil)
		b := s.NewBrowser()
		first := servertest.Claims(t, s.ExchangeCode(b.Code(servertest.AuthorizationRequest()))["id_token"])
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
			s.Advance(10 * time.Second)
			p := b.Get(b.Get("/oauth2/auth?" + servertest.AuthorizationRequest(tc.changes...).Encode()).Header.Get("Location"))
			if !strings.Contains(p.Body, `id="continue"`) {
				t.Fatalf("%v: no choice: %d %s", tc.changes, p.Status, p.Body)
			}
			p = b.Post(p.FormAction(), url.Values{"request": {p.HiddenField("request")}, "decision": {"continue"}})
			p = b.Get(p.Header.Get("Location"))
			if login := p.Location().Path == "/login"; login != tc.proves {
				t.Errorf("%v: a password after the choice: %v, want %v", tc.changes, login, tc.proves)
			}
			got := servertest.Claims(t, s.ExchangeCode(b.Follow(p).Location().Query().Get("code"))["id_token"])
			if again := got["auth_time"] != first["auth_time"]; again != tc.proves || got["sub"] != first["sub"] {
				t.Errorf("%v: sub %v auth_time %v after %v %v", tc.changes, got["sub"], got["auth_time"], first["sub"], first["auth_time"])
			}
			first = got
		}
	})
}

// ofLostKey returns an ID token with the kid of a key that was deleted.
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
	s := servertest.Start(t, storetest.New(t), nil)
	b := s.NewBrowser()
	hint := servertest.Text(s.ExchangeCode(b.Code(servertest.AuthorizationRequest()))["id_token"])
	s.Advance(time.Hour / 2) // the hint has expired, the session has not
	if got := b.Authorize(servertest.AuthorizationRequest("prompt", "none", "id_token_hint", hint)).Location().Query(); got.Get("code") == "" {
		t.Errorf("hint of the person who is signed in: %v", got)
	}
	if got := b.Authorize(servertest.AuthorizationRequest("client_id", "careful", "id_token_hint", hint)).Location().Query().Get("error"); got != "invalid_request" {
		t.Errorf("hint of another client: error %q", got)
	}
	gone := ofLostKey(t, hint)
	if got := b.Authorize(servertest.AuthorizationRequest("prompt", "none", "id_token_hint", gone)).Location().Query(); got.Get("code") == "" {
		t.Errorf("hint whose key is gone: %v, want what there is without a hint", got)
	}
	if got := s.NewBrowser().Authorize(servertest.AuthorizationRequest("prompt", "none", "id_token_hint", gone)).Location().Query().Get("error"); got != "login_required" {
		t.Errorf("hint whose key is gone, without a session: error %q, want login_required", got)
	}
	if got := b.Authorize(servertest.AuthorizationRequest("id_token_hint", hint[:len(hint)-8]+"AAAAAAAA")).Location().Query().Get("error"); got != "invalid_request" {
		t.Errorf("forged hint: error %q, want invalid_request", got)
	}
	access := servertest.Text(s.ExchangeCode(b.Code(servertest.AuthorizationRequest()))["access_token"])
	if got := b.Authorize(servertest.AuthorizationRequest("id_token_hint", access)).Location().Query().Get("error"); got != "invalid_request" {
		t.Errorf("an access token as hint: error %q", got)
	}
}

// A request continues only in the browser that started it, and is answered once.
func TestAuthorizationRequestIsBoundToItsBrowser(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	b, thief := s.NewBrowser(), s.NewBrowser()
	to := b.Get("/oauth2/auth?" + servertest.AuthorizationRequest().Encode()).Location()
	id := to.Query().Get("request")
	for _, path := range []string{"/oauth2/auth?continue=" + id, "/login?request=" + id, "/consent?request=" + id} {
		if p := thief.Get(path); p.Status != http.StatusBadRequest || p.Header.Get("Location") != "" {
			t.Errorf("%s in another browser: %d to %q", path, p.Status, p.Header.Get("Location"))
		}
	}
	if code := b.Follow(b.Get(to.String())).Status; code != http.StatusOK {
		t.Fatalf("sign-in page: %d", code)
	}
	p := b.Follow(b.Get("/oauth2/auth?continue=" + id))
	if p.Location().Query().Get("code") == "" {
		t.Fatalf("no code: %d %q", p.Status, p.Header.Get("Location"))
	}
	if p := b.Get("/oauth2/auth?continue=" + id); p.Status != http.StatusBadRequest || p.Location().Query().Has("code") {
		t.Errorf("the answered request again: %d to %q", p.Status, p.Header.Get("Location"))
	}
	s.Advance(31 * time.Minute)
	fresh := s.NewBrowser()
	to = fresh.Get("/oauth2/auth?" + servertest.AuthorizationRequest().Encode()).Location()
	s.Advance(31 * time.Minute)
	if p := fresh.Get("/oauth2/auth?continue=" + to.Query().Get("request")); p.Status != http.StatusBadRequest {
		t.Errorf("a request after its time: %d", p.Status)
	}
}

// The page of an expired request links to the initiate_login_uri of the client, with the
// configured issuer.
func TestExpiredRequestOffersInitiateLogin(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	s.ImportClient(`{"client_id": "again", "client_secret": "again-secret-again-secret-again-", "redirect_uris": ["` + servertest.RedirectURI + `"],
		"client_name": "Again & Again", "scope": "openid", "skip_consent": true, "initiate_login_uri": "https://client.example/start"}`)
	b, other := s.NewBrowser(), s.NewBrowser()
	link := `href="https://client.example/start?iss=` + url.QueryEscape(s.Config.Issuer) + `"`
	form := servertest.AuthorizationRequest("client_id", "again", "scope", "openid")
	late := b.Get("/oauth2/auth?" + form.Encode()).Location().Query().Get("request")
	id := b.Get("/oauth2/auth?" + form.Encode()).Location().Query().Get("request")
	foreign := other.Get("/oauth2/auth?continue=" + id)
	if p := b.Follow(b.Get("/oauth2/auth?continue=" + id)); !p.Location().Query().Has("code") {
		t.Fatalf("no code: %d to %s", p.Status, p.Location())
	}
	finished := b.Get("/oauth2/auth?continue=" + id)
	s.Advance(31 * time.Minute)
	for name, p := range map[string]servertest.Response{
		"that was answered": finished, "that ran out": b.Get("/oauth2/auth?continue=" + late),
		"that ran out, at its page": b.Get("/login?request=" + late),
	} {
		if p.Status != http.StatusBadRequest || !strings.Contains(p.Body, link) || !strings.Contains(p.Body, "Again &amp; Again") ||
			!strings.Contains(p.Body, "expired_request") {
			t.Errorf("a request %s: %d %s", name, p.Status, p.Body)
		}
	}
	// A link with another browser's request must not advertise an application here.
	for name, p := range map[string]servertest.Response{
		"of another browser": foreign, "of another browser, run out": other.Get("/oauth2/auth?continue=" + late),
		"of another browser, at its page": other.Get("/login?request=" + late),
	} {
		if p.Status != http.StatusBadRequest || strings.Contains(p.Body, "client.example") || strings.Contains(p.Body, "Again") {
			t.Errorf("a request %s: %d %s", name, p.Status, p.Body)
		}
	}
	if p := b.Get("/oauth2/auth?continue=nothing"); p.Status != http.StatusBadRequest || strings.Contains(p.Body, "restart") {
		t.Errorf("a request of nobody: %d %s", p.Status, p.Body)
	}
}

func TestClaimsParameterInIDToken(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	got := servertest.Claims(t, s.ExchangeCode(s.NewBrowser().Code(servertest.AuthorizationRequest("claims", `{"id_token":{"email":null,"phone_number":{"essential":true}},"userinfo":{"name":null}}`)))["id_token"])
	if got["email"] != "ada@example.com" || got["name"] != nil || got["phone_number"] != nil {
		t.Errorf("ID token = %v, want the requested email and nothing else", got)
	}
}

// Claims requested by name need the same consent as their scope.
func TestRequestedClaimsNeedConsent(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	b := s.NewBrowser()
	form := servertest.AuthorizationRequest("client_id", "careful", "scope", "openid", "prompt", "")
	to := b.Authorize(form).Location()
	if !to.Query().Has("code") {
		t.Fatalf("no code: %v", to)
	}
	if p := b.Get("/oauth2/auth?" + form.Encode()); !p.Location().Query().Has("code") {
		t.Fatalf("the same scope again needs consent: %v", p.Location())
	}
	form.Set("claims", `{"userinfo":{"email":null}}`)
	p := b.Get("/oauth2/auth?" + form.Encode())
	if !strings.HasPrefix(p.Header.Get("Location"), s.URL+"/consent") {
		t.Fatalf("claims beyond the consent: to %v, want the consent page", p.Location())
	}
	if page := b.Get(p.Header.Get("Location")); !strings.Contains(page.Body, "email address") {
		t.Error("the consent page does not name the requested scopes")
	}
}

// A client that manages itself by its secret in the query, where the operator allows that.
func TestClientChangesTakeEffectAtOnce(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), map[string]string{"rate_limits": "off", "registration_query_secrets": "on"})
	p := s.Call(t, http.MethodPost, "/connect/register", "", `{"redirect_uris":["https://a.example/cb"],"token_endpoint_auth_method":"client_secret_post","grant_types":["client_credentials"],"scope":"openid"}`)
	got := p.JSON(t)
	if p.Status != http.StatusCreated {
		t.Fatalf("register: %d %s", p.Status, p.Body)
	}
	path := strings.TrimPrefix(servertest.Text(got["registration_client_uri"]), s.URL)
	secret := url.Values{"client_secret": {servertest.Text(got["client_secret"])}}
	if p := s.Call(t, http.MethodGet, path+"?"+secret.Encode(), "", ""); p.Status != http.StatusOK {
		t.Errorf("read by secret in the query: %d %s", p.Status, p.Body)
	}
	if p := s.Call(t, http.MethodGet, strings.Replace(path, "/connect/", "/oauth2/", 1)+"?"+secret.Encode(), "", ""); p.Status != http.StatusBadRequest {
		t.Errorf("the same under the other path: %d %s", p.Status, p.Body)
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {servertest.Text(got["client_id"])}, "client_secret": {servertest.Text(got["client_secret"])}}
	token := s.PostForm("/oauth2/token", form).JSON(t)["access_token"]
	if !s.IsActive(token) && servertest.Text(token) == "" {
		t.Fatal("no token for the client")
	}
	if p := s.Call(t, http.MethodDelete, path, servertest.Text(got["registration_access_token"]), ""); p.Status != http.StatusNoContent {
		t.Fatalf("delete: %d %s", p.Status, p.Body)
	}
	servertest.WantError(t, s.PostForm("/oauth2/token", form), 401, "invalid_client")
	if s.IsActive(token) {
		t.Error("the token of a deleted client is active")
	}
}

func TestCancelReturnsAccessDenied(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	b := s.NewBrowser()
	page := b.Get(b.Get("/oauth2/auth?" + servertest.AuthorizationRequest().Encode()).Header.Get("Location"))
	if !strings.Contains(page.Body, `id="cancel"`) {
		t.Fatal("the sign-in page has no way back")
	}
	p := b.Follow(b.Post(page.FormAction(), url.Values{"request": {page.HiddenField("request")}, "decision": {"cancel"}}))
	if got := p.Location().Query(); got.Get("error") != "access_denied" || got.Get("state") != "a state" || got.Has("code") {
		t.Errorf("cancelled: to %v, want access_denied with the state", p.Location())
	}
	if p := b.Post(page.FormAction(), url.Values{"request": {page.HiddenField("request")}, "username": {"ada"}, "password": {servertest.Password}}); p.Status != http.StatusBadRequest {
		t.Errorf("signing in to a cancelled request: %d", p.Status)
	}
}
