// Package sdk runs the published Go SDKs of Ory Hydra against the whole server: every
// method that the contract covers.
package sdk

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/test/rig"
)

// URLs of the custom apps and of the client. No server listens there.
const (
	loginApp   = "https://apps.example/login"
	consentApp = "https://apps.example/consent"
	logoutApp  = "https://apps.example/logout"
	callback   = "https://client.example/callback"
)

// fixture is a running server with an API key.
type fixture struct {
	*rig.Cluster

	t   *testing.T
	key string
}

// eachEngine runs a test on each engine.
func eachEngine(t *testing.T, test func(t *testing.T, h *fixture)) {
	t.Helper()
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			c := rig.Serve(t, rig.Options{Database: rig.Database(t, engine), Env: map[string]string{
				"LOGIN_URL": loginApp, "CONSENT_URL": consentApp, "LOGOUT_URL": logoutApp, "ACCESS_TOKEN_FORMAT": "opaque",
			}})
			args := []string{"apikeys", "create", "sdk", "--json"}
			for _, scope := range []string{
				"clients:read", "clients:write", "requests:read", "requests:write", "sessions:read", "sessions:write", "tokens:read", "tokens:write",
				"keys:read", "keys:write", "keys:export", "issuers:read", "issuers:write",
			} {
				args = append(args, "--scope="+scope)
			}
			var made struct{ Key string }
			if err := json.Unmarshal([]byte(rig.Command(t, c, args...)), &made); err != nil {
				t.Fatal(err)
			}
			test(t, &fixture{c, t, made.Key})
		})
	}
}

// coverage records the methods of an SDK that were called.
type coverage struct {
	t      *testing.T
	called map[string]bool
}

// check fails the test unless the response of a method has the status and was decoded.
func (r *coverage) check(method string, resp *http.Response, err error, want int) {
	r.t.Helper()
	r.called[method] = true
	if resp == nil {
		r.t.Fatalf("%s: no response: %v", method, err)
	}
	if err != nil && want < http.StatusBadRequest || resp.StatusCode != want {
		body, _ := io.ReadAll(resp.Body)
		r.t.Fatalf("%s: %d, want %d: %v\n%s", method, resp.StatusCode, want, err, body)
	}
}

// wantAll fails the test if a method of the interfaces was neither called nor excluded.
func (r *coverage) wantAll(excluded map[string]string, interfaces ...reflect.Type) {
	r.t.Helper()
	for _, api := range interfaces {
		for method := range api.Methods() {
			if strings.HasSuffix(method.Name, "Execute") {
				continue
			}
			if _, excluded := excluded[method.Name]; r.called[method.Name] == excluded {
				r.t.Errorf("%s must be called or excluded, and not both", method.Name)
			}
		}
	}
}

// browser is the browser of a user.
type browser struct {
	h      *fixture
	client *http.Client
}

func (h *fixture) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return &browser{h, &http.Client{
		Jar: jar, Transport: h.HTTP.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// followTo opens a URL and follows redirects of the server until one has the prefix
// want. It returns the query of that URL.
func (b *browser) followTo(address, want string) url.Values {
	b.h.t.Helper()
	for range 5 {
		r, err := http.NewRequestWithContext(b.h.t.Context(), http.MethodGet, address, http.NoBody)
		if err != nil {
			b.h.t.Fatal(err)
		}
		resp, err := b.client.Do(r)
		if err != nil {
			b.h.t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close() // only read
		address = resp.Header.Get("Location")
		if strings.HasPrefix(address, want) {
			u, err := url.Parse(address)
			if err != nil {
				b.h.t.Fatal(err)
			}
			return u.Query()
		}
		if !strings.HasPrefix(address, b.h.Issuer) {
			b.h.t.Fatalf("no redirect to %s: %d to %q\n%s", want, resp.StatusCode, address, body)
		}
	}
	b.h.t.Fatalf("no redirect to %s", want)
	return nil
}

// authorize sends an authorization request and returns the login challenge.
func (b *browser) authorize(clientID string) string {
	b.h.t.Helper()
	query := url.Values{
		"client_id": {clientID}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid offline_access"},
		"state": {"a-state-of-some-length"}, "nonce": {"a-nonce-of-some-length"},
	}
	return b.followTo(b.h.Issuer+"/oauth2/auth?"+query.Encode(), loginApp).Get("login_challenge")
}

func (h *fixture) wantEqual(name string, got, want any) {
	h.t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		h.t.Errorf("%s is %v, want %v", name, got, want)
	}
}
