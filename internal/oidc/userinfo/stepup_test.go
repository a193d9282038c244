package userinfo

import (
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/client"
)

// A token whose user has authenticated too weakly or too long ago gets a challenge with everything
// that the client requires.
func TestUserinfoRequiresAnAuthentication(t *testing.T) {
	t.Parallel()

	minute := int64(60)
	for name, tc := range map[string]struct {
		values    []string
		maxAge    *int64
		acr       string
		age       time.Duration
		challenge string // the end of WWW-Authenticate; empty for a response with claims
	}{
		"nothing is required":             {nil, nil, "", 10 * time.Hour, ""},
		"the level":                       {[]string{"2"}, nil, "2", 10 * time.Hour, ""},
		"a higher level":                  {[]string{"2"}, nil, "phr", 0, ""},
		"one of two values":               {[]string{"urn:example:gold", "2"}, nil, "urn:example:gold", 0, ""},
		"a lower level":                   {[]string{"2"}, nil, "1", 0, `stronger authentication of the user is required.", acr_values="2"`},
		"two values, none reached":        {[]string{"phr", "urn:example:gold"}, nil, "2", 0, `acr_values="phr urn:example:gold"`},
		"no acr at all":                   {[]string{"1"}, nil, "", 0, `acr_values="1"`},
		"the exact age":                   {nil, &minute, "1", time.Minute, ""},
		"too old":                         {nil, &minute, "1", 61 * time.Second, `more recent authentication of the user is required.", max_age="60"`},
		"too old, and a level is reached": {[]string{"2"}, &minute, "2", time.Hour, `acr_values="2", max_age="60"`},
		"both are unmet":                  {[]string{"2"}, &minute, "1", time.Hour, `stronger authentication of the user is required.", acr_values="2", max_age="60"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			u, r := userinfo(t)
			r.AddClient(t, "bank", client.Metadata{
				RedirectURIs: []string{"https://bank.example/cb"}, Scope: "openid", UserinfoACRValues: tc.values, UserinfoMaxAge: tc.maxAge,
			})
			token := held("bank", "ada-subject", "openid")
			token.Authorization.ACR, token.Authorization.AuthTime = tc.acr, r.Now.Add(-tc.age).Unix()
			setTokens(t, u, tokens{"token": token})
			w := ask(t, u, "GET", "", "", "Bearer token")
			challenge := w.Header().Get("WWW-Authenticate")
			switch {
			case tc.challenge == "" && (w.Code != 200 || challenge != ""):
				t.Errorf("%d %q %s, want 200", w.Code, challenge, w.Body)
			case tc.challenge != "" && (w.Code != 401 || !strings.Contains(challenge, `error="insufficient_user_authentication"`) || !strings.HasSuffix(challenge, tc.challenge)):
				t.Errorf("%d %q, want 401 with %q", w.Code, challenge, tc.challenge)
			}
			if strings.Contains(w.Body.String(), "ada") != (tc.challenge == "") {
				t.Errorf("body = %s", w.Body)
			}
		})
	}
}

// A token without auth_time is too old for any age.
func TestUserinfoRequiresATimeOfAuthentication(t *testing.T) {
	t.Parallel()

	u, r := userinfo(t)
	most := int64(1<<31 - 1)
	r.AddClient(t, "bank", client.Metadata{RedirectURIs: []string{"https://bank.example/cb"}, UserinfoMaxAge: &most})
	setTokens(t, u, tokens{"token": held("bank", "ada-subject", "openid")})
	if w := ask(t, u, "GET", "", "", "Bearer token"); w.Code != 401 {
		t.Errorf("%d %s, want 401", w.Code, w.Body)
	}
}
