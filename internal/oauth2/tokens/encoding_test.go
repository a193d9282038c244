package tokens_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// spellings returns token as a careless decoder would read it too.
func spellings(token string) map[string]string {
	middle := len(token) / 2
	last := token[len(token)-1]
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	at := strings.IndexByte(alphabet, last)
	return map[string]string{
		"with a line break":              token[:middle] + "\n" + token[middle:],
		"with a carriage return":         token[:middle] + "\r\n" + token[middle:],
		"with a line break at its end":   token + "\n",
		"with a space at its end":        token + " ",
		"with a space before it":         " " + token,
		"with a tab in it":               token[:middle] + "\t" + token[middle:],
		"with padding":                   token + "=",
		"with more padding":              token + "==",
		"in capitals":                    strings.ToUpper(token),
		"in small letters":               strings.ToLower(token),
		"in the other alphabet":          strings.NewReplacer("-", "+", "_", "/").Replace(token[7:]) + token[:7],
		"with other spare bits":          token[:len(token)-1] + string(alphabet[at^1]),
		"less its last character":        token[:len(token)-1],
		"with a character more":          token + "A",
		"twice":                          token + token,
		"less its first":                 token[1:],
		"with a dot":                     token + ".",
		"percent-encoded":                strings.ReplaceAll(token, "_", "%5F"),
		"with a soft hyphen":             token[:middle] + "\u00ad" + token[middle:],
		"in letters that look the same":  strings.Replace(token, "o", "\u043e", 1) + "\u200b",
		"with the prefix in other case":  strings.ToUpper(token[:4]) + token[4:],
		"with what follows it in a list": token + "," + token,
	}
}

// A token has one spelling, while it lives and when it was revoked: otherwise
// what denies one would not deny the other.
func TestHostileTokenHasOneEncoding(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	b := s.NewBrowser()
	good := s.ExchangeCode(b.Code(servertest.AuthorizationRequest()))
	opaqueForm := url.Values{"grant_type": {"client_credentials"}, "client_id": {"post"}, "client_secret": {servertest.PostSecret}}
	tokens := map[string]string{
		"access token":  servertest.Text(good["access_token"]),
		"refresh token": servertest.Text(good["refresh_token"]),
		"opaque token":  servertest.Text(s.PostForm("/oauth2/token", opaqueForm).JSON(t)["access_token"]),
	}
	asPost := func(token string) url.Values {
		return url.Values{"token": {token}, "client_id": {"post"}, "client_secret": {servertest.PostSecret}}
	}
	try := func(when string) {
		for kind, token := range tokens {
			for how, spelling := range spellings(token) {
				if spelling == token {
					continue
				}
				if s.IsActive(spelling) || s.PostForm("/oauth2/introspect", asPost(spelling)).JSON(t)["active"] == true {
					t.Errorf("%s, %s %s is active", when, kind, how)
				}
				if p := s.Refresh(spelling); p.Status != http.StatusBadRequest {
					t.Errorf("%s, %s %s refreshes: %d", when, kind, how, p.Status)
				}
				form := url.Values{"access_token": {spelling}, "client_id": {"in place of a header"}}
				if p := s.PostForm("/userinfo", form); p.Status != http.StatusUnauthorized {
					t.Errorf("%s, %s %s at userinfo: %d", when, kind, how, p.Status)
				}
			}
		}
	}
	try("alive")
	code := b.Code(servertest.AuthorizationRequest())
	for how, spelling := range spellings(code) {
		if p := s.PostForm("/oauth2/token", servertest.CodeExchange(spelling)); p.Status != 400 || p.JSON(t)["error"] != "invalid_grant" {
			t.Errorf("code %s: %d %s", how, p.Status, p.Body)
		}
	}
	s.ExchangeCode(code) // which none of them burned

	if !s.IsActive(tokens["access token"]) || !s.IsActive(tokens["refresh token"]) || !s.IsActive(tokens["opaque token"]) {
		t.Fatal("the tokens are not active: nothing was tried")
	}
	if p := s.PostForm("/userinfo", url.Values{"access_token": {tokens["access token"]}, "client_id": {"x"}}); p.Status != http.StatusOK {
		t.Fatalf("userinfo by POST: %d: nothing was tried", p.Status)
	}
	for _, form := range []url.Values{
		{"token": {tokens["access token"]}}, asPost(tokens["opaque token"]), {"token": {tokens["refresh token"]}},
	} {
		if p := s.PostForm("/oauth2/revoke", form); p.Status != http.StatusOK {
			t.Fatalf("revoke: %d %s", p.Status, p.Body)
		}
	}
	for kind, token := range tokens {
		if s.IsActive(token) {
			t.Errorf("%s is active after its revocation", kind)
		}
	}
	try("revoked")
	if p := s.Userinfo(tokens["access token"]); p.Status != http.StatusUnauthorized {
		t.Errorf("userinfo with a revoked token: %d", p.Status)
	}
}
