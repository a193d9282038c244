//go:build fault

package fault

import (
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/test/rig"
)

// The database is killed under load. During the outage the server returns only 503 with
// Retry-After; after it, the server recovers without a restart.
func TestDatabaseOutageReturns503(t *testing.T) {
	db := storetest.StartPostgres(t, storetest.Options{Durable: true})
	h := newFixture(t, rig.Options{Database: db.URL()})
	random := newRandom(t)
	requests := outageRequests(t, h)
	for name, send := range requests {
		if got := send(); got.Err != nil || got.Status >= 500 {
			t.Fatalf("%s, before the outage: %v", name, got)
		}
	}

	n := rounds(1000)
	l := startLoad(t, h, n)
	for range max(1, rounds(3)-1) {
		l.waitFor(l.done.Load() + 1 + random.Int64N(expected(n)/4))
		l.recordFault("lose the database")
		db.Kill()
		withoutDatabase(t, h, requests)
		db.Restart()
		l.recordFault("the database is back")
		recovers(t, h)
	}
	l.finish()
}

// withoutDatabase sends all requests for a few seconds. Clients may be cached for 2
// seconds, so client_credentials may succeed at first.
func withoutDatabase(t *testing.T, h *fixture, requests map[string]func() *rig.Response) {
	t.Helper()
	for began := time.Now(); time.Since(began) < 4*time.Second; {
		for name, send := range requests {
			sent := time.Now()
			got := send()
			cached := strings.HasPrefix(name, "client_credentials") && sent.Sub(began) < 3*time.Second
			if got.Status != 503 && (!cached || got.Status != 200) {
				t.Errorf("%s, without a database: %v, want 503", name, got)
			}
			if got.Status == 503 && got.Header.Get("Retry-After") == "" {
				t.Errorf("%s, without a database: 503 without Retry-After", name)
			}
			if took := time.Since(sent); took > 5*time.Second {
				t.Errorf("%s, without a database: took %v", name, took)
			}
		}
		if t.Failed() {
			return
		}
	}
	for path, want := range map[string]int{
		"/health/alive": 200, "/health/ready": 503,
		"/.well-known/openid-configuration": 200, "/.well-known/jwks.json": 200,
	} {
		if got := h.Get(t.Context(), path); got.Status != want {
			t.Errorf("%s, without a database: %v, want %d", path, got, want)
		}
	}
}

// recovers waits until both replicas issue and introspect tokens again.
func recovers(t *testing.T, h *fixture) {
	t.Helper()
	began := time.Now()
	for i := range h.Len() {
		for {
			a, err := h.browsers[0].Authorize(t.Context(), h.client, nil)
			if err == nil {
				got := h.At(i).Exchange(t.Context(), h.client, a.Code, a.Verifier)
				if got.Status == 200 {
					break
				}
			}
			if time.Since(began) > 5*time.Second {
				t.Fatalf("replica %d has not recovered within 5 s", i)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	t.Logf("recovered in %v", time.Since(began).Round(time.Millisecond))
}

// outageRequests returns all requests that need the database.
func outageRequests(t *testing.T, h *fixture) map[string]func() *rig.Response {
	t.Helper()
	ctx, browser := t.Context(), h.browsers[0]
	unused := h.authorize(t, browser)
	access, refresh := h.tokens(t)
	query := url.Values{
		"response_type": {"code"}, "client_id": {h.client.ID}, "redirect_uri": {h.client.RedirectURI}, "scope": {"openid"}, "state": {"x"},
	}
	authorizeURL := h.Issuer + "/oauth2/auth?" + query.Encode()
	login := pageOf(t, h, authorizeURL+"&prompt=login")
	consent := pageOf(t, h, authorizeURL+"&prompt=consent")
	request := url.Values{"request": {login.Query().Get("request")}}
	registered := h.Register(ctx, map[string]any{"redirect_uris": []string{"https://other.example/cb"}})
	if registered.Status != 201 {
		t.Fatalf("register: %v", registered)
	}

	get := func(path, token string) func() *rig.Response {
		return func() *rig.Response {
			return h.Do(ctx, "GET", path, nil, map[string][]string{"Authorization": {"Bearer " + token}})
		}
	}
	form := func(more url.Values) url.Values {
		maps.Copy(more, request)
		return more
	}
	return map[string]func() *rig.Response{
		"authorize":              func() *rig.Response { return browser.Open(ctx, authorizeURL, nil) },
		"authorize, prompt=none": func() *rig.Response { return browser.Open(ctx, authorizeURL+"&prompt=none", nil) },
		"the sign-in page":       func() *rig.Response { return browser.Open(ctx, login.String(), nil) },
		"the consent page":       func() *rig.Response { return browser.Open(ctx, consent.String(), nil) },
		"resuming the request": func() *rig.Response {
			return browser.Open(ctx, h.Issuer+"/oauth2/auth?continue="+request.Get("request"), nil)
		},
		"signing in with a wrong password": func() *rig.Response {
			return browser.Open(ctx, h.Issuer+"/login", form(url.Values{"username": {"ada"}, "password": {"wrong"}}))
		},
		"client_credentials, JWT": func() *rig.Response { return h.Credentials(ctx, &h.clients.Machine) },
		"client_credentials, opaque": func() *rig.Response {
			return h.Credentials(ctx, &h.clients.Opaque)
		},
		"client_credentials, unknown client": func() *rig.Response {
			return h.Credentials(ctx, &rig.Client{ID: "unknown", Secret: "the secret of an unknown client", Method: "client_secret_basic"})
		},
		"exchanging with the wrong verifier": func() *rig.Response { return h.Exchange(ctx, h.client, unused.value, strings.Repeat("x", 43)) },
		"introspecting an access token":      func() *rig.Response { return h.Introspect(ctx, h.client, access) },
		"introspecting a refresh token":      func() *rig.Response { return h.Introspect(ctx, h.client, refresh) },
		"an assertion":                       func() *rig.Response { return h.Introspect(ctx, &h.clients.Keyed, access) },
		"userinfo":                           get("/userinfo", access),
		"reading a registration":             get("/connect/register/"+registered.Text("client_id"), registered.Text("registration_access_token")),
		"registering": func() *rig.Response {
			return h.Register(ctx, map[string]any{"redirect_uris": []string{"https://other.example/cb"}})
		},
	}
}

// pageOf sends an authorization request and returns the URL of the page.
func pageOf(t *testing.T, h *fixture, address string) *url.URL {
	t.Helper()
	got := h.browsers[0].Open(t.Context(), address, nil)
	page, err := url.Parse(got.Header.Get("Location"))
	if err != nil || got.Status != 303 || page.Query().Get("request") == "" {
		t.Fatalf("authorize: %v to %q, want a page", got, got.Header.Get("Location"))
	}
	return page
}
