package admin_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

func TestAPIKeysAuthenticate(t *testing.T) {
	t.Parallel()
	s := servertest.StartWithApps(t, storetest.New(t), map[string]string{"admin_auth": "token"})
	key := func(expires time.Time, scopes ...string) (*apikey.Key, string) {
		k, text := apikey.New("app", scopes, s.Time(), expires)
		if err := s.Store.APIKeys.InsertAPIKey(t.Context(), k); err != nil {
			t.Fatal(err)
		}
		return k, text
	}
	good, text := key(time.Time{}, apikey.RequestsRead, apikey.RequestsWrite)
	_, reading := key(time.Time{}, apikey.RequestsRead)
	_, short := key(s.Time().Add(time.Minute), apikey.RequestsRead)
	login := s.LoginChallenge(s.NewBrowser().Get("/oauth2/auth?" + servertest.AuthorizationRequest().Encode()))
	call := func(method, authorization string) servertest.Response {
		t.Helper()
		path, body := "/oauth2/auth/requests/login", ""
		if method == http.MethodPut {
			path, body = path+"/accept", `{"subject":"jo"}`
		}
		r, err := http.NewRequestWithContext(t.Context(), method, s.AdminURL+path+"?login_challenge="+login, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		return servertest.Send(t, http.DefaultClient, r)
	}
	for _, bad := range []string{"", "Bearer", "Bearer x", text, "Basic " + text, "Bearer " + text[:len(text)-1] + "g"} {
		p := call(http.MethodGet, bad)
		servertest.WantError(t, p, http.StatusUnauthorized, "request_unauthorized")
		if got := p.Header.Get("WWW-Authenticate"); !strings.HasPrefix(got, `Bearer resource_metadata="http://127.0.0.1:4445/.well-known/oauth-protected-resource"`) {
			t.Errorf("WWW-Authenticate = %q", p.Header.Get("WWW-Authenticate"))
		}
	}
	p := call(http.MethodPut, "Bearer "+reading)
	servertest.WantError(t, p, http.StatusForbidden, "request_forbidden")
	if got := p.Header.Get("WWW-Authenticate"); !strings.Contains(got, `scope="requests:write"`) {
		t.Errorf("WWW-Authenticate = %q", got)
	}
	for _, key := range []string{text, reading, short} {
		if p := call(http.MethodGet, "bearer "+key); p.Status != http.StatusOK {
			t.Errorf("with a good key: %d %s", p.Status, p.Body)
		}
	}
	before := s.Store.Statements()
	call(http.MethodGet, "Bearer "+text)
	if got := s.Store.Statements() - before; got != 1 {
		t.Errorf("%d statements, want that for the request alone", got)
	}
	s.Advance(2 * time.Minute)
	servertest.WantError(t, call(http.MethodGet, "Bearer "+short), http.StatusUnauthorized, "request_unauthorized")
	if p := call(http.MethodPut, "Bearer "+text); p.Status != http.StatusOK {
		t.Errorf("accept: %d %s", p.Status, p.Body)
	}
	if err := s.Store.APIKeys.DeleteAPIKey(t.Context(), good.ID); err != nil {
		t.Fatal(err)
	}
	s.Advance(2 * time.Second)
	servertest.WantError(t, call(http.MethodPut, "Bearer "+text), http.StatusUnauthorized, "request_unauthorized")
}

// DNS rebinding: a page makes the browser resolve its own host name to the address of the API.
func TestBrowserRequestsAreRejectedWithoutAuthentication(t *testing.T) {
	t.Parallel()
	s := servertest.StartWithApps(t, storetest.New(t), nil)
	login := s.LoginChallenge(s.NewBrowser().Get("/oauth2/auth?" + servertest.AuthorizationRequest().Encode()))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut,
		s.AdminURL+"/oauth2/auth/requests/login/accept?login_challenge="+login, strings.NewReader(`{"subject":"jo"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Origin", "http://rebound.example")
	servertest.WantError(t, servertest.Send(t, http.DefaultClient, r), http.StatusForbidden, "request_forbidden")

	// A browser sends no Origin with GET requests to the same origin.
	for host, want := range map[string]int{
		"rebound.example:4445": http.StatusForbidden, "localhost.rebound.example": http.StatusForbidden, "notlocalhost": http.StatusForbidden,
		"localhost:4445": http.StatusOK, "LOCALHOST": http.StatusOK, "ostiary.localhost:80": http.StatusOK, "127.0.0.1": http.StatusOK, "[::1]:4445": http.StatusOK,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.AdminURL+"/keys/hydra.openid.id-token", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		if p := servertest.Send(t, http.DefaultClient, r); p.Status != want {
			t.Errorf("with the host %s: %d, want %d", host, p.Status, want)
		}
	}
}
