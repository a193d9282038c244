package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

func TestAPIKeysAreMadeListedAndRevoked(t *testing.T) {
	t.Parallel()

	sh := newShell(t)
	var made apiKeyView
	sh.json(&made, "apikeys", "create", "login app", "--scope", "requests:write", "--scope", "requests:read", "--scope", "requests:read", "--expires-in", "24h")
	if id, ok := apikey.Parse(made.Key); !ok || id != made.ID || strings.Join(made.Scopes, " ") != "requests:read requests:write" || made.ExpiresAt.IsZero() {
		t.Fatalf("apikeys create made %+v", made)
	}
	var all []apiKeyView
	sh.json(&all, "apikeys", "list")
	if len(all) != 1 || all[0].ID != made.ID || all[0].Key != "" || all[0].Name != "login app" {
		t.Errorf("apikeys list shows %+v", all)
	}
	if got := sh.refused("apikeys", "create", "x", "--scope", "everything"); !strings.Contains(got, "there is no scope everything") {
		t.Errorf("an unknown scope: %s", got)
	}
	if got := sh.refused("apikeys", "revoke", made.ID, "another"); !strings.Contains(got, "nothing was revoked") {
		t.Errorf("an unknown key: %s", got)
	}
	sh.must("apikeys", "revoke", made.ID)
	sh.json(&all, "apikeys", "list")
	if len(all) != 0 {
		t.Errorf("after revoking, apikeys list shows %+v", all)
	}
}

func TestTheAdministratorsAPITakesAKey(t *testing.T) {
	t.Parallel()
	s := startApart(t, storetest.New(t), map[string]string{"admin_auth": "token"})
	key := func(expires time.Time, scopes ...string) (*apikey.Key, string) {
		k, text := apikey.New("app", scopes, s.time(), expires)
		if err := s.store.InsertAPIKey(t.Context(), k); err != nil {
			t.Fatal(err)
		}
		return k, text
	}
	good, text := key(time.Time{}, apikey.RequestsRead, apikey.RequestsWrite)
	_, reading := key(time.Time{}, apikey.RequestsRead)
	_, short := key(s.time().Add(time.Minute), apikey.RequestsRead)
	login := s.login(s.browser().get("/oauth2/auth?" + asking().Encode()))
	call := func(method, authorization string) reply {
		t.Helper()
		path, body := "/oauth2/auth/requests/login", ""
		if method == http.MethodPut {
			path, body = path+"/accept", `{"subject":"jo"}`
		}
		r, err := http.NewRequestWithContext(t.Context(), method, s.operator+path+"?login_challenge="+login, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		return send(t, http.DefaultClient, r)
	}
	for _, bad := range []string{"", "Bearer", "Bearer x", text, "Basic " + text, "Bearer " + text[:len(text)-1] + "g"} {
		p := call(http.MethodGet, bad)
		wantError(t, p, http.StatusUnauthorized, "request_unauthorized")
		if p.header.Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("WWW-Authenticate = %q", p.header.Get("WWW-Authenticate"))
		}
	}
	p := call(http.MethodPut, "Bearer "+reading)
	wantError(t, p, http.StatusForbidden, "request_forbidden")
	if got := p.header.Get("WWW-Authenticate"); !strings.Contains(got, `scope="requests:write"`) {
		t.Errorf("WWW-Authenticate = %q", got)
	}
	for _, key := range []string{text, reading, short} {
		if p := call(http.MethodGet, "bearer "+key); p.status != http.StatusOK {
			t.Errorf("with a good key: %d %s", p.status, p.body)
		}
	}
	before := s.store.Statements()
	call(http.MethodGet, "Bearer "+text)
	if got := s.store.Statements() - before; got != 1 {
		t.Errorf("%d statements, want that for the request alone", got)
	}
	s.pass(2 * time.Minute)
	wantError(t, call(http.MethodGet, "Bearer "+short), http.StatusUnauthorized, "request_unauthorized")
	if p := call(http.MethodPut, "Bearer "+text); p.status != http.StatusOK {
		t.Errorf("accept: %d %s", p.status, p.body)
	}
	if err := s.store.DeleteAPIKey(t.Context(), good.ID); err != nil {
		t.Fatal(err)
	}
	s.pass(2 * time.Second)
	wantError(t, call(http.MethodPut, "Bearer "+text), http.StatusUnauthorized, "request_unauthorized")
}

// A page that makes a browser take the administrators' address for its own site's
// gets nowhere.
func TestNoBrowserCallsAnOpenAPI(t *testing.T) {
	t.Parallel()
	s := startApart(t, storetest.New(t), nil)
	login := s.login(s.browser().get("/oauth2/auth?" + asking().Encode()))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut,
		s.operator+"/oauth2/auth/requests/login/accept?login_challenge="+login, strings.NewReader(`{"subject":"jo"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Origin", "http://rebound.example")
	wantError(t, send(t, http.DefaultClient, r), http.StatusForbidden, "request_forbidden")

	// To what a page reads of its own site a browser adds no Origin.
	for host, want := range map[string]int{
		"rebound.example:4445": http.StatusForbidden, "localhost.rebound.example": http.StatusForbidden, "notlocalhost": http.StatusForbidden,
		"localhost:4445": http.StatusOK, "LOCALHOST": http.StatusOK, "ostiary.localhost:80": http.StatusOK, "127.0.0.1": http.StatusOK, "[::1]:4445": http.StatusOK,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.operator+"/keys/hydra.openid.id-token", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		if p := send(t, http.DefaultClient, r); p.status != want {
			t.Errorf("with the host %s: %d, want %d", host, p.status, want)
		}
	}
}

// Whom a login app brought is found by their subject, having no name.
func TestWhoAnAppBroughtIsManagedByTheirSubject(t *testing.T) {
	t.Parallel()

	sh := newShell(t)
	sh.must("users", "create", "ada", "--generate")
	if err := sh.store().InsertAccount(t.Context(), account.NewExternal("jo at home", time.Now())); err != nil {
		t.Fatal(err)
	}
	var all []userView
	sh.json(&all, "users", "list")
	if len(all) != 2 || all[0].Username != "" || all[0].Subject != "jo at home" || all[0].HasPassword {
		t.Errorf("users list shows %+v", all)
	}
	if got := sh.must("users", "disable", "jo at home"); !strings.Contains(got, "jo at home is disabled") {
		t.Errorf("users disable says %s", got)
	}
	if got := sh.refused("users", "set-password", "jo at home", "--generate"); !strings.Contains(got, "signs in with an app") {
		t.Errorf("users set-password says %s", got)
	}
	sh.must("users", "delete", "--yes", "jo at home")
}
