//go:build fault

package fault

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/test/rig"
)

// Somebody steals the database and the logs. None of the credentials that people
// and clients held can be found there in a form that could be used (security
// statement S1).
func TestNoCredentialInDatabaseOrLogs(t *testing.T) {
	eachEngine(t, func(t *testing.T, h *fixture) { //nolint:thelper // this function is the test, not a helper
		credentials := useCredentials(t, h)
		for i := range h.Len() {
			h.Stop(i) // what was buffered comes out
		}
		for where, content := range map[string][]byte{
			"the database": storetest.Everything(t, h.Database),
			"the logs":     []byte(h.Logs()),
		} {
			if !bytes.Contains(content, []byte("trusted")) {
				t.Fatalf("%s do not even hold the client's name", where)
			}
			for name, credential := range credentials {
				for form, text := range encodings(t, name, credential) {
					if bytes.Contains(content, text) {
						t.Errorf("%s hold a %s, %s", where, name, form)
					}
				}
			}
		}
	})
}

// encodings are the ways in which somebody could find a credential.
func encodings(t *testing.T, name, credential string) map[string][]byte {
	t.Helper()
	if len(credential) < 16 {
		t.Fatalf("%s is %q, which is too short to search for", name, credential)
	}
	all := map[string][]byte{
		"as it is":        []byte(credential),
		"in a URL":        []byte(url.QueryEscape(credential)),
		"in hexadecimals": []byte(hex.EncodeToString([]byte(credential))),
		"in base64":       []byte(base64.RawStdEncoding.EncodeToString([]byte(credential))),
	}
	// What is secret in a token comes last: its signature, or its seal.
	last := credential[strings.LastIndexByte(credential, '.')+1:]
	all["without its head"] = []byte(last)
	if raw, err := base64.RawURLEncoding.DecodeString(last); err == nil && len(raw) >= 16 {
		all["decoded"] = raw
		all["decoded, in hexadecimals"] = []byte(hex.EncodeToString(raw))
	}
	return all
}

// useCredentials does everything that takes credentials, with what succeeds and what
// does not, and returns them all.
func useCredentials(t *testing.T, h *fixture) map[string]string {
	t.Helper()
	ctx := t.Context()
	found := map[string]string{"password": h.user.Password, "system secret": h.Secret()}
	person := rig.NewBrowser(h.Endpoint, h.user)
	for _, c := range []*rig.Client{&h.clients.Web, &h.clients.Post, &h.clients.Native, &h.clients.Keyed} {
		a, err := person.Authorize(ctx, c, nil)
		if err != nil {
			t.Fatal(err)
		}
		first := h.Exchange(ctx, c, a.Code, a.Verifier)
		second := h.Refresh(ctx, c, first.Text("refresh_token"))
		for kind, value := range map[string]string{
			"code": a.Code, "verifier": a.Verifier, "ID token": first.Text("id_token"),
			"access token": first.Text("access_token"), "refresh token": first.Text("refresh_token"),
			"second access token": second.Text("access_token"), "second refresh token": second.Text("refresh_token"),
		} {
			found[kind+" of "+c.ID] = value
		}
		if c.Secret != "" {
			found["secret of "+c.ID] = c.Secret
		}
		for _, got := range []*rig.Response{
			h.Userinfo(ctx, first.Text("access_token")), h.Introspect(ctx, &h.clients.Web, first.Text("access_token")),
			h.Exchange(ctx, c, a.Code, a.Verifier), h.Revoke(ctx, c, second.Text("access_token")), h.Revoke(ctx, c, second.Text("refresh_token")),
			h.Userinfo(ctx, second.Text("access_token")), h.Refresh(ctx, c, second.Text("refresh_token")),
			h.Get(ctx, "/userinfo?access_token="+first.Text("access_token")), h.Get(ctx, "/"+a.Code), h.Get(ctx, "/oauth2/auth?code="+a.Code),
		} {
			if got.Err != nil || got.Status >= 500 {
				t.Errorf("%s: %v", c.ID, got)
			}
		}
	}
	for _, c := range []*rig.Client{&h.clients.Machine, &h.clients.Opaque} {
		got := h.Credentials(ctx, c)
		found["access token of "+c.ID], found["secret of "+c.ID] = got.Text("access_token"), c.Secret
		h.Revoke(ctx, c, got.Text("access_token"))
	}
	mistakes(t, h, found)
	cookies(t, h, person, found)
	registration(t, h, found)
	return found
}

// mistakes puts credentials where they do not belong.
func mistakes(t *testing.T, h *fixture, found map[string]string) {
	t.Helper()
	wrong := rig.Client{ID: h.clients.Web.ID, Secret: "a mistyped secret of a client, 0123456789", Method: "client_secret_basic"}
	found["mistyped secret"] = wrong.Secret
	if got := h.Credentials(t.Context(), &wrong); got.Status != 401 {
		t.Errorf("a mistyped secret: %v", got)
	}
	swapped := rig.NewBrowser(h.Endpoint, rig.User{Username: "my password as a name 0123456789", Password: "a mistyped password, 0123456789"})
	found["password typed as a name"], found["mistyped password"] = swapped.User.Username, swapped.User.Password
	if _, err := swapped.Authorize(t.Context(), h.client, nil); err == nil {
		t.Error("signed in with a mistyped password")
	}
	assertion, err := h.clients.Keyed.Assertion("https://elsewhere.example")
	if err != nil {
		t.Fatal(err)
	}
	found["assertion"] = assertion
	h.Do(t.Context(), "POST", "/oauth2/token", url.Values{
		"grant_type": {"client_credentials"}, "client_assertion": {assertion},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
	}, map[string][]string{})
}

// cookies are those of a person in the middle of signing in again.
func cookies(t *testing.T, h *fixture, person *rig.Browser, found map[string]string) {
	t.Helper()
	query := url.Values{
		"response_type": {"code"}, "client_id": {h.client.ID}, "redirect_uri": {h.client.RedirectURI}, "scope": {"openid"}, "prompt": {"login"},
	}
	person.Open(t.Context(), h.Issuer+"/oauth2/auth?"+query.Encode(), nil)
	kinds := map[string]bool{}
	for _, cookie := range person.Cookies() {
		found["cookie "+cookie.Name] = cookie.Value
		kinds[strings.Split(cookie.Name, "_")[1]] = true
	}
	if !kinds["session"] || !kinds["request"] {
		t.Errorf("the person has cookies %v, want one of the session and one of the request", kinds)
	}
}

func registration(t *testing.T, h *fixture, found map[string]string) {
	t.Helper()
	got := h.Register(t.Context(), map[string]any{"redirect_uris": []string{"https://other.example/cb"}})
	if got.Status != 201 {
		t.Errorf("register: %v", got)
	}
	found["registered secret"], found["registration access token"] = got.Text("client_secret"), got.Text("registration_access_token")
}
