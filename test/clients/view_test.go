//go:build e2e

package clients

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// appView has the results that an application got from its library. Applications in
// other languages print it as JSON, member by member.
type appView struct {
	IDToken    claims `json:"id_token"`
	IDTokenAlg string `json:"id_token_alg"`
	Userinfo   claims `json:"userinfo"`

	AccessToken claims `json:"access_token"`
	Refreshed   claims `json:"refreshed_id_token"`

	Introspection        claims `json:"introspection"` // nil for a public application
	RevokedIntrospection claims `json:"introspection_after_revocation"`
	RevokedRefresh       string `json:"refresh_after_revocation"` // error code

	SignedOut bool `json:"signed_out"`
}

type claims map[string]any

// check compares the view with the expected one.
func (s *appView) check(t *testing.T, issuer string, a *app) {
	t.Helper()
	subject := s.IDToken["sub"]
	if subject == "" || subject == nil {
		t.Errorf("the ID token has no subject: %v", s.IDToken)
	}
	wantEqual(t, "algorithm of the ID token", s.IDTokenAlg, a.idTokenAlg)
	for _, token := range []claims{s.IDToken, s.Refreshed} {
		wantEqual(t, "ID token", token.only("iss", "sub", "aud"), claims{"iss": issuer, "sub": subject, "aud": a.ID})
	}
	wantEqual(t, "userinfo", s.Userinfo, claims{
		"sub": subject, "aud": []any{a.ID}, "name": "Ada Lovelace", "preferred_username": "ada", "email": "ada@example.com", "email_verified": true,
	})
	granted := claims{"iss": issuer, "sub": subject, "client_id": a.ID, "aud": []any{issuer}, "scope": scope}
	wantEqual(t, "access token", s.AccessToken.only("iss", "sub", "client_id", "aud", "scope"), granted)
	wantEqual(t, "access token bound to a key", s.AccessToken["cnf"] != nil, a.dpop || a.certificate != nil)

	if a.Method == "none" {
		wantEqual(t, "introspection by a public application", s.Introspection, nil)
	} else {
		granted["active"] = true
		wantEqual(t, "introspection", s.Introspection.only("iss", "sub", "client_id", "aud", "scope", "active"), granted)
		wantEqual(t, "introspection after revocation", s.RevokedIntrospection, claims{"active": false})
	}
	wantEqual(t, "error of a refresh after revocation", s.RevokedRefresh, "invalid_grant")
	wantEqual(t, "signed out", s.SignedOut, true)
}

// only returns the named members; absent ones are nil.
func (c claims) only(names ...string) claims {
	selected := claims{}
	for _, name := range names {
		selected[name] = c[name]
	}
	return selected
}

func wantEqual[T any](t *testing.T, name string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", name, diff)
	}
}

// forgeries tamper with the authorization request or response, as an attacker would.
func forgeries() map[string]func(*browser) {
	const forged = "somebody-elses-value-with-43-characters-in-" // the length of a code challenge
	change := func(name string) func(url.Values) { return func(v url.Values) { v.Set(name, forged) } }
	return map[string]func(*browser){
		"state of another session":          func(b *browser) { b.changeResponse = change("state") },
		"nonce of another session":          func(b *browser) { b.changeRequest = change("nonce") },
		"code_challenge of another session": func(b *browser) { b.changeRequest = change("code_challenge") },
		"iss of another server":             func(b *browser) { b.changeResponse = change("iss") },
		"unknown code":                      func(b *browser) { b.changeResponse = change("code") },
	}
}

// wantError fails the test unless err contains text. If text is empty, the library does
// not detect the forgery and err must be nil.
func wantError(t *testing.T, err error, text string) {
	t.Helper()
	switch {
	case text == "":
		if err != nil {
			t.Errorf("error %v, want nil: the library does not detect this", err)
		}
	case err == nil || !strings.Contains(err.Error(), text):
		t.Errorf("error %v, want one with %q", err, text)
	}
}
