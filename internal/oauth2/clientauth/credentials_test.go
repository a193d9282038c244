package clientauth

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/refusal"
)

func TestClientsAuthenticateByRegisteredMethod(t *testing.T) {
	t.Parallel()

	odd := "a b+c:%&/ü"
	long := odd + longSecret
	a := newAuthenticator(
		withSecret(t, "basic", client.AuthBasic, longSecret),
		withSecret(t, "unsaid", "", longSecret),
		withSecret(t, "post", client.AuthPost, longSecret),
		withSecret(t, "short", client.AuthPost, shortSecret),
		withSecret(t, odd, client.AuthBasic, long),
		withKeys(t, "signer", ecJWK(0)),
		public("app"),
	)
	lower := basic(form(), "basic", longSecret)
	lower.Header.Set("Authorization", "bAsIc  "+strings.TrimPrefix(lower.Header.Get("Authorization"), "Basic "))

	for name, tc := range map[string]struct {
		request *http.Request
		want    string
	}{
		"secret in the header":                       {basic(form(), "basic", longSecret), "basic"},
		"the scheme in another case and two spaces":  {lower, "basic"},
		"no registered method is the header":         {basic(form(), "unsaid", longSecret), "unsaid"},
		"header and the same client_id in the form":  {basic(form("client_id", "basic"), "basic", longSecret), "basic"},
		"id and secret that need encoding":           {basic(form(), odd, long), odd},
		"secret in the form":                         {form("client_id", "post", "client_secret", longSecret), "post"},
		"short secret in the form":                   {form("client_id", "short", "client_secret", shortSecret), "short"},
		"assertion":                                  {asserting(assertion(t, nil, nil)), "signer"},
		"assertion and the same client_id":           {asserting(assertion(t, nil, with("jti", "2")), "client_id", "signer"), "signer"},
		"public client with its client_id":           {form("client_id", "app"), "app"},
		"public client with other parameters beside": {form("client_id", "app", "scope", "openid"), "app"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			c, err := a.Authenticate(t.Context(), tc.request)
			if err != nil {
				t.Fatalf("Authenticate: %v", err)
			}
			if c.ID != tc.want {
				t.Errorf("authenticated %q, want %q", c.ID, tc.want)
			}
		})
	}
}

func TestOtherAuthenticationIsRejected(t *testing.T) {
	t.Parallel()

	disabled := withSecret(t, "disabled", client.AuthPost, longSecret)
	disabled.Disabled = true
	disabledApp := public("disabled-app")
	disabledApp.Disabled = true
	disabledSigner := withKeys(t, "disabled-signer", ecJWK(0))
	disabledSigner.Disabled = true
	a := newAuthenticator(
		withSecret(t, "basic", client.AuthBasic, longSecret),
		withSecret(t, "unsaid", "", longSecret),
		withSecret(t, "post", client.AuthPost, longSecret),
		withKeys(t, "signer", ecJWK(0)), withKeys(t, "other", ecJWK(1)),
		public("app"), disabled, disabledApp, disabledSigner,
	)
	bearer := form("client_id", "app")
	bearer.Header.Set("Authorization", "Bearer "+longSecret)
	otherScheme := basic(form(), "basic", longSecret)
	otherScheme.Header.Set("Authorization", strings.Replace(otherScheme.Header.Get("Authorization"), "Basic", "Digest", 1))
	empty := form("client_id", "app")
	empty.Header.Set("Authorization", "")
	twice := basic(form(), "basic", longSecret)
	twice.Header.Add("Authorization", twice.Header.Get("Authorization"))
	query := form()
	query.URL.RawQuery = url.Values{"client_id": {"post"}, "client_secret": {longSecret}}.Encode()
	signed := assertion(t, nil, nil)

	for name, tc := range map[string]struct {
		request *http.Request
		want    string
	}{
		"nothing at all":                   {form(), oauth2.CodeInvalidClient},
		"credentials in the query":         {query, oauth2.CodeInvalidClient},
		"a secret without a client_id":     {form("client_secret", longSecret), oauth2.CodeInvalidClient},
		"an empty Authorization header":    {empty, oauth2.CodeInvalidClient},
		"a bearer token":                   {bearer, oauth2.CodeInvalidClient},
		"Basic under another scheme":       {otherScheme, oauth2.CodeInvalidClient},
		"two Authorization headers":        {twice, oauth2.CodeInvalidRequest},
		"header and secret":                {basic(form("client_secret", longSecret), "basic", longSecret), oauth2.CodeInvalidRequest},
		"header and assertion":             {basic(asserting(signed), "basic", longSecret), oauth2.CodeInvalidRequest},
		"header and assertion type alone":  {basic(form("client_assertion_type", assertionType), "basic", longSecret), oauth2.CodeInvalidRequest},
		"secret and assertion":             {asserting(signed, "client_id", "post", "client_secret", longSecret), oauth2.CodeInvalidRequest},
		"header and another client_id":     {basic(form("client_id", "post"), "basic", longSecret), oauth2.CodeInvalidRequest},
		"assertion and another client_id":  {asserting(signed, "client_id", "other"), oauth2.CodeInvalidRequest},
		"assertion without its type":       {form("client_assertion", signed), oauth2.CodeInvalidRequest},
		"assertion type alone":             {form("client_assertion_type", assertionType), oauth2.CodeInvalidRequest},
		"a SAML assertion":                 {form("client_assertion", signed, "client_assertion_type", strings.Replace(assertionType, "jwt", "saml2", 1)), oauth2.CodeInvalidClient},
		"assertion type in another case":   {form("client_assertion", signed, "client_assertion_type", strings.ToUpper(assertionType)), oauth2.CodeInvalidClient},
		"a disabled client":                {form("client_id", "disabled", "client_secret", longSecret), oauth2.CodeInvalidClient},
		"a disabled public client":         {form("client_id", "disabled-app"), oauth2.CodeInvalidClient},
		"a disabled client's assertion":    {asserting(assertion(t, nil, edits{"iss": "disabled-signer", "sub": "disabled-signer"})), oauth2.CodeInvalidClient},
		"a client_id that is no text":      {form("client_id", "\xff"), oauth2.CodeInvalidClient},
		"an unknown client":                {form("client_id", "nobody", "client_secret", longSecret), oauth2.CodeInvalidClient},
		"an unknown public client":         {form("client_id", "nobody"), oauth2.CodeInvalidClient},
		"a wrong secret in the header":     {basic(form(), "basic", longSecret+"x"), oauth2.CodeInvalidClient},
		"no secret in the header":          {basic(form(), "basic", ""), oauth2.CodeInvalidClient},
		"an endless secret":                {form("client_id", "post", "client_secret", strings.Repeat("x", 9000)), oauth2.CodeInvalidClient},
		"an endless client_id":             {form("client_id", strings.Repeat("x", 9000)), oauth2.CodeInvalidClient},
		"the form instead of the header":   {form("client_id", "basic", "client_secret", longSecret), oauth2.CodeInvalidClient},
		"the form instead of the default":  {form("client_id", "unsaid", "client_secret", longSecret), oauth2.CodeInvalidClient},
		"the header instead of the form":   {basic(form(), "post", longSecret), oauth2.CodeInvalidClient},
		"only the client_id of a secret's": {form("client_id", "post"), oauth2.CodeInvalidClient},
		"only the client_id of a signer":   {form("client_id", "other"), oauth2.CodeInvalidClient},
		"a secret of a signer":             {form("client_id", "other", "client_secret", longSecret), oauth2.CodeInvalidClient},
		"a secret of a public client":      {form("client_id", "app", "client_secret", longSecret), oauth2.CodeInvalidClient},
		"a public client in the header":    {basic(form(), "app", ""), oauth2.CodeInvalidClient},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			c, err := a.Authenticate(t.Context(), tc.request)
			if err == nil {
				t.Fatalf("authenticated %q", c.ID)
			}
			got := refusalOf(t, err)
			if got.Code != tc.want {
				t.Errorf("refusal = %+v, want code %s", got, tc.want)
			}
			if refusal.Of(&got).Text != got.Description && got.Description != failed("", refusal.AuthFailed).Description {
				t.Errorf("refusal = %+v tells what only the log may know", got)
			}
			if want := map[string]int{oauth2.CodeInvalidClient: 401, oauth2.CodeInvalidRequest: 400}[tc.want]; got.Status != want {
				t.Errorf("status = %d, want %d", got.Status, want)
			}
			for _, r := range got.Description {
				if r < ' ' || r > '~' || r == '"' || r == '\\' {
					t.Errorf("description %q holds %q, which no error_description may", got.Description, r)
				}
			}
		})
	}
}

func TestCauseIsLoggedAndNotSent(t *testing.T) {
	t.Parallel()

	disabled := withSecret(t, "disabled", client.AuthPost, longSecret)
	disabled.Disabled = true
	a := newAuthenticator(withSecret(t, "post", client.AuthPost, longSecret), disabled)
	for id, want := range map[string]string{
		"unknown": "not registered", "disabled": "disabled", "post": "wrong",
	} {
		_, err := a.Authenticate(t.Context(), form("client_id", id, "client_secret", longSecret+"x"))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), longSecret) {
			t.Errorf("the error for %q is %v, want %q in it and no secret", id, err, want)
		}
	}
}

func TestDatabaseOutageReturns503(t *testing.T) {
	t.Parallel()

	signer := withKeys(t, "signer", ecJWK(0))
	for name, tc := range map[string]struct {
		damage  func(*Config)
		request *http.Request
	}{
		"while a secret's client is looked up":   {func(c *Config) { c.Clients = lost{} }, basic(form(), "basic", longSecret)},
		"while a public client is looked up":     {func(c *Config) { c.Clients = lost{} }, form("client_id", "app")},
		"while an assertion's is looked up":      {func(c *Config) { c.Clients = lost{} }, asserting(assertion(t, nil, nil))},
		"while the keys of a client are fetched": {func(c *Config) { c.KeySets = lost{} }, asserting(assertion(t, nil, nil))},
		"while an assertion is spent":            {func(c *Config) { c.Replay = lost{} }, asserting(assertion(t, nil, nil))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			config := newAuthenticator(signer).cfg
			tc.damage(&config)
			checkFault(t, New(config), tc.request, errLost)
		})
	}
}
