package servertest

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/store/storetest"
)

// as returns a form that authenticates a service.
func as(client string) url.Values {
	return url.Values{"client_id": {client}, "client_secret": {OtherSecret}}
}

// service describes a client without people.
func service(id, served string) string {
	return `{"client_id": "` + id + `", "client_secret": "` + OtherSecret + `", "token_endpoint_auth_method": "client_secret_post",
		"grant_types": ["client_credentials"], "served_resources": [` + served + `]}`
}

// What introspection says, and to whom (RFC 7662 sections 2.2 and 4).
func TestIntrospectionTellsThoseConcerned(t *testing.T) {
	t.Parallel()
	s := Start(t, storetest.New(t), nil)
	s.ImportClient(service("api", `"https://api.example"`), service("stranger", ""),
		strings.ReplaceAll(service("asker", `"https://api.example"`), "served_resources", "audience"))
	p := s.Call(t, http.MethodPost, "/connect/register", "", `{"redirect_uris":["https://a.example/"],"token_endpoint_auth_method":"client_secret_post"}`)
	dynamic := p.JSON(t)
	itself := url.Values{"client_id": {Text(dynamic["client_id"])}, "client_secret": {Text(dynamic["client_secret"])}}

	b := s.NewBrowser()
	code := b.Code(AuthorizationRequest())
	anyones := s.ExchangeCode(code)
	apis := s.ExchangeCode(b.Code(AuthorizationRequest("resource", "https://api.example")))
	own := url.Values{}
	for name, tc := range map[string]struct {
		form  url.Values
		token any
		want  bool
	}{
		"its own":                         {own, anyones["access_token"], true},
		"its own, for a resource":         {own, apis["access_token"], true},
		"its own refresh token":           {own, anyones["refresh_token"], true},
		"one for the resource it is":      {as("api"), apis["access_token"], true},
		"one for another resource":        {as("stranger"), apis["access_token"], false},
		"one for a resource it may ask":   {as("asker"), apis["access_token"], false},
		"one for no resource":             {as("stranger"), anyones["access_token"], true},
		"one for no resource, by dynamic": {itself, anyones["access_token"], false},
		"another's refresh token":         {as("api"), apis["refresh_token"], false},
		"a code":                          {own, code, false},
		"an ID token":                     {own, anyones["id_token"], false},
		"garbage":                         {own, "garbage", false},
	} {
		form := url.Values{"token": {Text(tc.token)}, "token_type_hint": {"refresh_token"}}
		maps.Copy(form, tc.form)
		p := s.PostForm("/oauth2/introspect", form)
		if got := p.JSON(t); p.Status != http.StatusOK || got["active"] != tc.want || !tc.want && len(got) != 1 {
			t.Errorf("%s: %d %s, want active %v and nothing else of what is not", name, p.Status, p.Body, tc.want)
		}
	}

	form := as("api")
	form.Set("token", Text(apis["access_token"]))
	said := s.PostForm("/oauth2/introspect", form).JSON(t)
	if said["jti"] != Claims(t, apis["access_token"])["jti"] {
		t.Errorf("jti %v is not the token's", said["jti"])
	}
	delete(said, "jti")
	now, person := float64(s.Time().Unix()), s.verifiedSubject(t, apis)
	want := map[string]any{
		"active": true, "scope": "openid offline_access api", "client_id": "web", "username": "ada", "token_type": "Bearer",
		"token_use": "access_token", "exp": now + 600, "iat": now, "sub": person, "aud": []any{"https://api.example", s.URL}, "iss": s.URL,
		"auth_time": now, "acr": "urn:ostiary:acr:password",
	}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Errorf("introspection differs (-want +got):\n%s", diff)
	}

	WantError(t, s.PostForm("/oauth2/introspect", url.Values{"client_id": {"app"}, "token": {"x"}}), 400, "unauthorized_client")
	WantError(t, s.PostForm("/oauth2/introspect", url.Values{"client_id": {"nobody"}, "token": {"x"}}), 401, "invalid_client")
	WantError(t, s.PostForm("/oauth2/introspect", nil), 400, "invalid_request")
}

// What revocation ends, and what it leaves alone (RFC 7009 sections 2.1 and 2.2).
func TestRevocationEndsWhatItNames(t *testing.T) {
	t.Parallel()
	s := Start(t, storetest.New(t), nil)
	b := s.NewBrowser()
	s.ImportClient(service("other", ""))
	for name, tc := range map[string]struct {
		by               url.Values // whom it comes from, if not from whom the token is for
		kind, hint       string
		access, together bool // what lives on: the access token, and what came with it
	}{
		"an access token ends alone":        {nil, "access_token", "", false, true},
		"a wrong hint does not matter":      {nil, "access_token", "refresh_token", false, true},
		"nor does an unknown one":           {nil, "refresh_token", "saml", false, false},
		"a refresh token takes all along":   {nil, "refresh_token", "", false, false},
		"another client's access token":     {as("other"), "access_token", "", true, true},
		"another client's refresh token":    {as("other"), "refresh_token", "", true, true},
		"what is no token is of no account": {nil, "scope", "", true, true},
	} {
		first := s.ExchangeCode(b.Code(AuthorizationRequest()))
		got := s.Refresh(first["refresh_token"]).JSON(t)
		form := url.Values{"token": {Text(got[tc.kind])}, "token_type_hint": {tc.hint}}
		maps.Copy(form, tc.by)
		for range 2 { // what is revoked already is no error
			if p := s.PostForm("/oauth2/revoke", form); p.Status != http.StatusOK || p.Body != "" {
				t.Errorf("%s: %d %q, want 200 and nothing", name, p.Status, p.Body)
			}
		}
		if alive := s.IsActive(got["access_token"]); alive != tc.access {
			t.Errorf("%s: the access token is active: %v, want %v", name, alive, tc.access)
		}
		for what, token := range map[string]any{"access token from before": first["access_token"], "refresh token": got["refresh_token"]} {
			if alive := s.IsActive(token); alive != tc.together {
				t.Errorf("%s: the %s is active: %v, want %v", name, what, alive, tc.together)
			}
		}
	}
	WantError(t, s.PostForm("/oauth2/revoke", nil), 400, "invalid_request")
	WantError(t, s.PostForm("/oauth2/revoke", url.Values{"client_id": {"nobody"}, "token": {"x"}}), 401, "invalid_client")
}

// consentTo answers the consent page that p leads to.
func (b *Browser) consentTo(p Response, decision string) Response {
	b.Server.TB.Helper()
	to := p.Header.Get("Location")
	if !strings.HasPrefix(to, b.Server.URL+"/consent") {
		b.Server.TB.Fatalf("answer %d to %q, want the consent page", p.Status, to)
	}
	form := b.Get(to)
	return b.Follow(b.Post(form.FormAction(), url.Values{"request": {form.HiddenField("request")}, "decision": {decision}}))
}

// A refusal goes to the client in its words (RFC 6749 section 4.1.2.1), and a
// later request asks again.
func TestAPersonMayRefuse(t *testing.T) {
	t.Parallel()
	s := Start(t, storetest.New(t), nil)
	b := s.NewBrowser()
	b.Code(AuthorizationRequest()) // signs in
	form := AuthorizationRequest("client_id", "careful", "scope", "openid")
	for range 2 {
		got := b.consentTo(b.Get("/oauth2/auth?"+form.Encode()), "deny").Location().Query()
		if got.Get("error") != "access_denied" || got.Get("state") != "a state" || got.Get("iss") != s.URL || got.Has("code") {
			t.Errorf("refused: %v", got)
		}
	}
	if got := b.consentTo(b.Get("/oauth2/auth?"+form.Encode()), "accept").Location().Query(); !got.Has("code") {
		t.Errorf("accepted: %v", got)
	}
}

// An earlier consent stands, but not where anything on the device can pretend to
// be the client (RFC 8252 section 8.6), nor against prompt=consent.
func TestWhenConsentIsAskedForAgain(t *testing.T) {
	t.Parallel()
	s := Start(t, storetest.New(t), nil)
	b := s.NewBrowser()
	web := AuthorizationRequest("client_id", "careful", "scope", "openid")
	native := AuthorizationRequest("client_id", "app", "redirect_uri", "com.example.app:/cb", "scope", "openid")
	loopback := AuthorizationRequest("client_id", "app", "redirect_uri", "http://127.0.0.1:7/cb", "scope", "openid")
	for _, form := range []url.Values{web, native, loopback} {
		b.Code(form)
	}
	with := func(form url.Values, prompt string) url.Values {
		changed := maps.Clone(form)
		changed.Set("prompt", prompt)
		return changed
	}
	for name, tc := range map[string]struct {
		form url.Values
		page bool
		err  string
	}{
		"a web client":                       {web, false, ""},
		"a web client, quietly":              {with(web, "none"), false, ""},
		"a web client that wants to ask":     {with(web, "consent"), true, ""},
		"a scheme of its own":                {native, true, ""},
		"a scheme of its own, quietly":       {with(native, "none"), false, "consent_required"},
		"a loopback address":                 {loopback, true, ""},
		"a loopback address, quietly":        {with(loopback, "none"), false, "consent_required"},
		"a web client that was never agreed": {with(AuthorizationRequest("client_id", "careful", "scope", "openid", "claims", `{"userinfo":{"email":null}}`), "none"), false, "consent_required"},
	} {
		to := b.Get("/oauth2/auth?" + tc.form.Encode()).Location()
		if page := strings.HasPrefix(to.String(), s.URL+"/consent"); page != tc.page {
			t.Errorf("%s: asks %v, want %v (%s)", name, page, tc.page, to)
		}
		if got := to.Query().Get("error"); got != tc.err {
			t.Errorf("%s: error %q, want %q", name, got, tc.err)
		}
	}
}

// A client that registered default_max_age gets no older sign-in unless it asks
// for one (OpenID Connect Registration section 2).
func TestADefaultMaxAgeHoldsWhereNoneIsAskedFor(t *testing.T) {
	t.Parallel()
	s := Start(t, storetest.New(t), nil)
	s.ImportClient(`{"client_id": "strict", "client_secret": "` + OtherSecret + `", "redirect_uris": ["` + RedirectURI + `"],
		"scope": "openid", "skip_consent": true, "default_max_age": 30}`)
	b := s.NewBrowser()
	b.Code(AuthorizationRequest())
	s.Advance(30 * time.Second)
	for name, tc := range map[string]struct {
		form url.Values
		want string
	}{
		"the default":   {AuthorizationRequest("client_id", "strict", "prompt", "none"), "login_required"},
		"a wider one":   {AuthorizationRequest("client_id", "strict", "prompt", "none", "max_age", "3600"), ""},
		"another asker": {AuthorizationRequest("prompt", "none"), ""},
	} {
		if got := b.Get("/oauth2/auth?" + tc.form.Encode()).Location().Query().Get("error"); got != tc.want {
			t.Errorf("%s: error %q, want %q", name, got, tc.want)
		}
	}
}

// A form of another site does nothing here, whatever cookies come with it
// (RFC 6749 section 10.12).
func TestFormsOfOtherSitesDoNothing(t *testing.T) {
	t.Parallel()
	s := Start(t, storetest.New(t), map[string]string{"sign_up": "on"})
	b := s.NewBrowser()
	id := b.Get("/oauth2/auth?" + AuthorizationRequest().Encode()).Location().Query().Get("request")
	form := url.Values{"request": {id}, "username": {"ada"}, "password": {Password}, "decision": {"accept"}}
	for name, header := range map[string][2]string{
		"another site":               {"Sec-Fetch-Site", "cross-site"},
		"a site beside":              {"Sec-Fetch-Site", "same-site"},
		"another site, by its name":  {"Origin", "https://evil.example"},
		"somebody who hides theirs":  {"Origin", "null"},
		"another port of this host":  {"Origin", "http://127.0.0.1:1"},
		"this host under a sub-name": {"Origin", strings.Replace(s.URL, "//", "//a.", 1)},
	} {
		for _, path := range []string{"/login", "/signup", "/consent", "/setup"} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+path, strings.NewReader(form.Encode()))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set(header[0], header[1])
			if p := Send(t, b.Client, r); p.Status != http.StatusForbidden || p.Header.Get("Set-Cookie") != "" {
				t.Errorf("%s from %s: %d, want 403", path, name, p.Status)
			}
		}
	}
	if p := b.Post("/login", form); p.Status != http.StatusSeeOther {
		t.Errorf("our own form: %d", p.Status)
	}
}
