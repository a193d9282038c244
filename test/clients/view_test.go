//go:build e2e

package clients

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// appView is what an application saw, its library having validated all of it. The
// applications in other languages print it member by member.
type appView struct {
	GoTo string `json:"go_to"` // where the person is sent

	IDToken    claims `json:"id_token"`
	IDTokenAlg string `json:"id_token_alg"`
	Userinfo   claims `json:"userinfo"`

	AccessToken claims `json:"access_token"`
	Refreshed   claims `json:"refreshed_id_token"`

	Introspection        claims `json:"introspection"` // nil for a public application
	RevokedIntrospection claims `json:"introspection_after_revocation"`
	RevokedRefresh       string `json:"refresh_after_revocation"` // the error code

	SignedOut bool `json:"signed_out"`
}

type claims map[string]any

// check holds what the application saw against what it must have seen.
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

// only returns some members. One that is not there is null.
func (c claims) only(names ...string) claims {
	some := claims{}
	for _, name := range names {
		some[name] = c[name]
	}
	return some
}

func wantEqual[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", what, diff)
	}
}

// forgeries are what somebody between the application and the server may try.
func forgeries() map[string]func(*browser) {
	const forged = "somebody-elses-value-with-43-characters-in-" // as long as a challenge must be
	change := func(name string) func(url.Values) { return func(v url.Values) { v.Set(name, forged) } }
	return map[string]func(*browser){
		"an answer to somebody else's state":        func(b *browser) { b.changeResponse = change("state") },
		"an ID token with somebody else's nonce":    func(b *browser) { b.changeRequest = change("nonce") },
		"a code for somebody else's verifier":       func(b *browser) { b.changeRequest = change("code_challenge") },
		"an answer in the name of another server":   func(b *browser) { b.changeResponse = change("iss") },
		"a code that the server never gave anybody": func(b *browser) { b.changeResponse = change("code") },
	}
}

// wantError demands that an application ended with an error that says words.
func wantError(t *testing.T, err error, words string) {
	t.Helper()
	switch {
	case words == "":
		if err != nil {
			t.Errorf("error %v, but the library is not known to look at that", err)
		}
	case err == nil || !strings.Contains(err.Error(), words):
		t.Errorf("error %v, want one that says %q", err, words)
	}
}
