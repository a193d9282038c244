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

// An attacker has a copy of the database and the logs. No credential of users and
// clients must be readable in them (security statement S1).
func TestNoCredentialInDatabaseOrLogs(t *testing.T) {
	eachEngine(t, func(t *testing.T, h *fixture) { //nolint:thelper // this function is the test, not a helper
		credentials := useCredentials(t, h)
		for i := range h.Len() {
			h.Stop(i) // flushes the logs
		}
		for where, content := range map[string][]byte{
			"the database": storetest.Everything(t, h.Database),
			"the logs":     []byte(h.Logs()),
		} {
			if !bytes.Contains(content, []byte("trusted")) {
				t.Fatalf("%s lack the name of the client", where)
			}
			for name, credential := range credentials {
				for form, text := range encodings(t, name, credential) {
					if bytes.Contains(content, text) {
						t.Errorf("%s have a %s, %s", where, name, form)
					}
				}
			}
		}
	})
}

// encodings returns a credential in the encodings to search for.
func encodings(t *testing.T, name, credential string) map[string][]byte {
	t.Helper()
	if len(credential) < 16 {
		t.Fatalf("%s is %q, which is too short to search for", name, credential)
	}
	all := map[string][]byte{
		"unchanged":       []byte(credential),
		"in a URL":        []byte(url.QueryEscape(credential)),
		"in hexadecimals": []byte(hex.EncodeToString([]byte(credential))),
		"in base64":       []byte(base64.RawStdEncoding.EncodeToString([]byte(credential))),
	}
	// The secret part of a token is the last one: its signature or its encrypted part.
	last := credential[strings.LastIndexByte(credential, '.')+1:]
	all["last part"] = []byte(last)
	if raw, err := base64.RawURLEncoding.DecodeString(last); err == nil && len(raw) >= 16 {
		all["decoded"] = raw
		all["decoded, in hexadecimals"] = []byte(hex.EncodeToString(raw))
	}
	return all
}

// useCredentials sends requests with all credentials, successful and failing ones, and
// returns the credentials.
func useCredentials(t *testing.T, h *fixture) map[string]string {
	t.Helper()
	ctx := t.Context()
	found := map[string]string{"password": h.user.Password, "system secret": h.Secret()}
	browser := rig.NewBrowser(h.Endpoint, h.user)
	for _, c := range []*rig.Client{&h.clients.Web, &h.clients.Post, &h.clients.Native, &h.clients.Keyed} {
		a, err := browser.Authorize(ctx, c, nil)
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
	cookies(t, h, browser, found)
	registration(t, h, found)
	return found
}

// mistakes sends credentials in the wrong parameters.
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

// cookies adds the cookies of a signed-in user with an open authorization request.
func cookies(t *testing.T, h *fixture, browser *rig.Browser, found map[string]string) {
	t.Helper()
	query := url.Values{
		"response_type": {"code"}, "client_id": {h.client.ID}, "redirect_uri": {h.client.RedirectURI}, "scope": {"openid"}, "prompt": {"login"},
	}
	browser.Open(t.Context(), h.Issuer+"/oauth2/auth?"+query.Encode(), nil)
	kinds := map[string]bool{}
	for _, cookie := range browser.Cookies() {
		found["cookie "+cookie.Name] = cookie.Value
		kinds[strings.Split(cookie.Name, "_")[1]] = true
	}
	if !kinds["session"] || !kinds["request"] {
		t.Errorf("cookies %v, want one of the session and one of the request", kinds)
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
