package authorize_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// A wish that cannot be fulfilled, or is not understood, is no error (OpenID
// Connect Core sections 3.1.2.1 and 15.1).
func TestOptionalParametersAreNeverErrors(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), servertest.LegacySettings())
	s.ImportClient(servertest.LegacyClient("legacy", `, "default_acr_values": ["urn:example:gold"], "require_auth_time": true`))
	b := s.NewBrowser()
	b.Code(servertest.AuthorizationRequest()) // signs in
	for _, kind := range append(client.LegacyResponseTypes(), client.ResponseTypeCode) {
		for name, value := range map[string]string{
			"display": "popup", "ui_locales": "xx-Latn de", "claims_locales": "ja", "login_hint": "nobody@example.org",
			"acr_values": "urn:example:gold 1", "extra": "foobar", "claims": `{"id_token":{"acr":{"values":["1"]},"x":{"essential":true}}}`,
			"scope": "openid cookies", "prompt": "none", "max_age": "10000",
		} {
			for _, value := range []string{value, strings.Repeat(value+" ", 3)} {
				if name == "claims" || name == "prompt" || name == "max_age" {
					value = strings.Fields(value)[0]
				}
				p := b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("client_id", "legacy", "response_type", kind, name, value).Encode())
				if _, got := servertest.AuthorizationResponse(t, p); got.Has("error") {
					t.Errorf("%s with %s %q: %v", kind, name, value, got)
				}
			}
		}
	}
}

// With max_age or prompt=login, both ID tokens of a hybrid flow have the same auth_time.
//
// Spec: OpenID Connect Core §2, §3.1.2.1.
func TestReauthenticationForFrontChannelTokens(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), servertest.LegacySettings())
	s.ImportClient(servertest.LegacyClient("legacy", ""))
	b := s.NewBrowser()
	ask := func(changes ...string) (both [2]map[string]any) {
		t.Helper()
		form := servertest.AuthorizationRequest(append([]string{"client_id", "legacy", "response_type", "code id_token token"}, changes...)...)
		_, got := servertest.AuthorizationResponse(t, b.Authorize(form))
		back := s.PostForm("/oauth2/token", servertest.CodeExchange(got.Get("code"), "client_id", "legacy", "client_secret", servertest.OtherSecret))
		if back.Status != http.StatusOK {
			t.Fatalf("%v: exchange: %d %s", changes, back.Status, back.Body)
		}
		both = [2]map[string]any{servertest.Claims(t, got.Get("id_token")), servertest.Claims(t, back.JSON(t)["id_token"])}
		for _, name := range []string{"auth_time", "acr", "sub", "nonce"} {
			if both[0][name] != both[1][name] || both[0][name] == nil {
				t.Errorf("%v: %s is %v and then %v", changes, name, both[0][name], both[1][name])
			}
		}
		return both
	}
	first := ask()[0]["auth_time"].(float64)
	for _, tc := range []struct {
		changes []string
		again   bool
	}{
		{[]string{"prompt", "none"}, false},
		{[]string{"max_age", "10000"}, false},
		{[]string{"max_age", "1"}, true},
		{[]string{"max_age", "0"}, true},
		{[]string{"prompt", "login"}, true},
		{[]string{"prompt", "consent"}, false},
	} {
		s.Advance(2 * time.Second)
		got := ask(tc.changes...)[0]["auth_time"].(float64)
		if (got > first) != tc.again {
			t.Errorf("%v: auth_time %v, before %v; want to sign in again: %v", tc.changes, got, first, tc.again)
		}
		first = got
	}
}
