package introspection_test

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// as returns a form that authenticates a service.
func as(client string) url.Values {
	return url.Values{"client_id": {client}, "client_secret": {servertest.OtherSecret}}
}

// service describes a client without people.
func service(id, served string) string {
	return `{"client_id": "` + id + `", "client_secret": "` + servertest.OtherSecret + `", "token_endpoint_auth_method": "client_secret_post",
		"grant_types": ["client_credentials"], "served_resources": [` + served + `]}`
}

// A token is active only for its client and its audience.
//
// Spec: RFC 7662 §2.2, §4.
func TestIntrospectionIsLimitedToConcernedClients(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	s.ImportClient(service("api", `"https://api.example"`), service("stranger", ""),
		strings.ReplaceAll(service("asker", `"https://api.example"`), "served_resources", "audience"))
	p := s.Call(t, http.MethodPost, "/connect/register", "", `{"redirect_uris":["https://a.example/"],"token_endpoint_auth_method":"client_secret_post"}`)
	dynamic := p.JSON(t)
	itself := url.Values{"client_id": {servertest.Text(dynamic["client_id"])}, "client_secret": {servertest.Text(dynamic["client_secret"])}}

	b := s.NewBrowser()
	code := b.Code(servertest.AuthorizationRequest())
	anyones := s.ExchangeCode(code)
	apis := s.ExchangeCode(b.Code(servertest.AuthorizationRequest("resource", "https://api.example")))
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
		form := url.Values{"token": {servertest.Text(tc.token)}, "token_type_hint": {"refresh_token"}}
		maps.Copy(form, tc.form)
		p := s.PostForm("/oauth2/introspect", form)
		if got := p.JSON(t); p.Status != http.StatusOK || got["active"] != tc.want || !tc.want && len(got) != 1 {
			t.Errorf("%s: %d %s, want active %v and nothing else of what is not", name, p.Status, p.Body, tc.want)
		}
	}

	form := as("api")
	form.Set("token", servertest.Text(apis["access_token"]))
	claims := s.PostForm("/oauth2/introspect", form).JSON(t)
	if claims["jti"] != servertest.Claims(t, apis["access_token"])["jti"] {
		t.Errorf("jti %v is not the token's", claims["jti"])
	}
	delete(claims, "jti")
	_, idToken := servertest.VerifyJWT(t, s, apis["id_token"], jose.ES256)
	now, subject := float64(s.Time().Unix()), servertest.Text(idToken["sub"])
	want := map[string]any{
		"active": true, "scope": "openid offline_access api", "client_id": "web", "username": "ada", "token_type": "Bearer",
		"token_use": "access_token", "exp": now + 600, "iat": now, "sub": subject, "aud": []any{"https://api.example", s.URL}, "iss": s.URL,
		"auth_time": now, "acr": "1",
	}
	if diff := cmp.Diff(want, claims); diff != "" {
		t.Errorf("introspection differs (-want +got):\n%s", diff)
	}

	servertest.WantError(t, s.PostForm("/oauth2/introspect", url.Values{"client_id": {"app"}, "token": {"x"}}), 400, "unauthorized_client")
	servertest.WantError(t, s.PostForm("/oauth2/introspect", url.Values{"client_id": {"nobody"}, "token": {"x"}}), 401, "invalid_client")
	servertest.WantError(t, s.PostForm("/oauth2/introspect", nil), 400, "invalid_request")
}

// A refresh token is revoked with its grant, an access token alone.
//
// Spec: RFC 7009 §2.1, §2.2.
func TestRevocation(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	b := s.NewBrowser()
	s.ImportClient(service("other", ""))
	for name, tc := range map[string]struct {
		by               url.Values // the client that revokes; nil for that of the token
		kind, hint       string
		access, together bool // whether the access token, and the other tokens of the response, are still active
	}{
		"an access token ends alone":        {nil, "access_token", "", false, true},
		"a wrong hint does not matter":      {nil, "access_token", "refresh_token", false, true},
		"nor does an unknown one":           {nil, "refresh_token", "saml", false, false},
		"a refresh token takes all along":   {nil, "refresh_token", "", false, false},
		"another client's access token":     {as("other"), "access_token", "", true, true},
		"another client's refresh token":    {as("other"), "refresh_token", "", true, true},
		"what is no token is of no account": {nil, "scope", "", true, true},
	} {
		first := s.ExchangeCode(b.Code(servertest.AuthorizationRequest()))
		got := s.Refresh(first["refresh_token"]).JSON(t)
		form := url.Values{"token": {servertest.Text(got[tc.kind])}, "token_type_hint": {tc.hint}}
		maps.Copy(form, tc.by)
		for range 2 { // revoking twice is no error
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
	servertest.WantError(t, s.PostForm("/oauth2/revoke", nil), 400, "invalid_request")
	servertest.WantError(t, s.PostForm("/oauth2/revoke", url.Values{"client_id": {"nobody"}, "token": {"x"}}), 401, "invalid_client")
}
