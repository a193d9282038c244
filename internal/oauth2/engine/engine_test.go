package engine

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/ory/fosite"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
	"github.com/ostiary/ostiary/internal/scope"
)

// issuer issues tokens that are named for their kind.
type issuer struct{}

func (issuer) Code(*grant.Grant) string               { return "code" }
func (issuer) RefreshToken(*grant.WithAccount) string { return "refresh token" }

func (issuer) AccessToken(context.Context, *tokens.Request) (string, time.Duration, error) {
	return "access token", time.Minute, nil
}

func (issuer) IDToken(_ context.Context, _ *tokens.Request, h tokens.IDTokenHashes) (string, error) {
	return "ID token for " + h.Code + "," + h.AccessToken + "," + h.State, nil
}

const (
	verifier  = "a-verifier-of-43-characters-or-more-0123456789"
	challenge = "gwx_1ff33sP-Na7uzErlwZMg02IfMm0pwvZjX6iq0Jg"
)

func testClient() *client.Client {
	c := &client.Client{ID: "rp"}
	c.GrantTypes = []string{client.GrantAuthorizationCode, client.GrantClientCredentials, client.GrantImplicit, client.GrantRefreshToken}
	c.ResponseTypes = append([]string{client.ResponseTypeCode}, client.LegacyResponseTypes()...)
	c.Scope = "openid api"
	c.TokenEndpointAuthMethod = client.AuthBasic
	c.Audience = []string{"https://api.example"}
	return c
}

func testGrant() *grant.WithAccount {
	return &grant.WithAccount{Grant: grant.Grant{
		Subject: "ada", Scopes: []string{"openid", "api"},
		Authorization: grant.Authorization{RedirectURI: "https://rp.example/callback", Challenge: challenge},
	}}
}

func registered() *scope.Set { return scope.NewSet(nil, nil, nil) }

func tokenRequest(g *grant.WithAccount) *tokens.Request {
	return &tokens.Request{
		Client: testClient(), Registered: registered(), Access: scope.Access{Scopes: []string{"openid", "api"}}, Grant: g, Refresh: g != nil,
	}
}

// code is an authorization code.
type code struct {
	err     error
	revoked bool
}

func (c *code) Redeem(context.Context) (*grant.WithAccount, error) { return testGrant(), c.err }

func (c *code) Revoke(context.Context, *grant.WithAccount) error {
	c.revoked = true
	return nil
}

func request(form url.Values) TokenRequest {
	return TokenRequest{testClient(), registered(), &http.Request{Method: http.MethodPost, Form: form, PostForm: form}}
}

func exchangeForm(changes ...string) url.Values {
	form := url.Values{
		"grant_type": {client.GrantAuthorizationCode}, "code": {"code"}, "redirect_uri": {"https://rp.example/callback"}, "code_verifier": {verifier},
	}
	for i := 0; i < len(changes); i += 2 {
		form.Set(changes[i], changes[i+1])
	}
	return form
}

func authorization(responseType string) *Authorization {
	return &Authorization{
		RedirectURI: "https://rp.example/callback", ResponseType: responseType, State: "state", Nonce: "nonce", Challenge: challenge,
		Tokens: tokenRequest(testGrant()),
	}
}

func TestAuthorizeMakesWhatTheResponseTypeNames(t *testing.T) {
	t.Parallel()
	e := New(issuer{})
	for responseType, want := range map[string]AuthorizationResponse{
		"code":                {Code: "code"},
		"id_token":            {IDToken: "ID token for ,,state"},
		"code id_token":       {Code: "code", IDToken: "ID token for code,,state"},
		"id_token token":      {AccessToken: "access token", ExpiresIn: time.Minute, IDToken: "ID token for ,access token,state"},
		"code id_token token": {Code: "code", AccessToken: "access token", ExpiresIn: time.Minute, IDToken: "ID token for code,access token,state"},
	} {
		got, err := e.Authorize(t.Context(), authorization(responseType))
		if err != nil || *got != want {
			t.Errorf("response type %q: %+v, %v, want %+v", responseType, got, err, want)
		}
	}
}

func TestCodeIsExchangedForTokens(t *testing.T) {
	t.Parallel()
	e := New(issuer{})
	run, err := e.RedeemCode(t.Context(), request(exchangeForm()), &code{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := run.Issue(t.Context(), tokenRequest(testGrant()))
	want := tokens.Tokens{AccessToken: "access token", ExpiresIn: time.Minute, RefreshToken: "refresh token", IDToken: "ID token for ,access token,"}
	if err != nil || got != want {
		t.Errorf("Issue = %+v, %v, want %+v", got, err, want)
	}
}

var errLost = errors.New("connection refused")

func TestInvalidCodesAreRejected(t *testing.T) {
	t.Parallel()
	e := New(issuer{})
	for name, tc := range map[string]struct {
		form    url.Values
		redeem  error
		want    error  // the very error, or
		code    string // an error response
		revokes bool
	}{
		"another redirect_uri":     {form: exchangeForm("redirect_uri", "https://rp.example/other"), code: oauth2.CodeInvalidGrant},
		"another code_verifier":    {form: exchangeForm("code_verifier", verifier+"x"), code: oauth2.CodeInvalidGrant},
		"no code_verifier":         {form: exchangeForm("code_verifier", ""), code: oauth2.CodeInvalidGrant},
		"an invalid code":          {form: exchangeForm(), redeem: grant.ErrNotFound, code: oauth2.CodeInvalidGrant},
		"a code that was used":     {form: exchangeForm(), redeem: grant.ErrSpent, code: oauth2.CodeInvalidGrant, revokes: true},
		"a database that is lost":  {form: exchangeForm(), redeem: errLost, want: errLost},
		"a grant type without one": {form: exchangeForm("grant_type", client.GrantRefreshToken), code: oauth2.CodeInvalidRequest},
	} {
		c := &code{err: tc.redeem}
		_, err := e.RedeemCode(t.Context(), request(tc.form), c)
		if tc.want != nil && !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
		response, _ := errors.AsType[*oauth2.Error](err)
		if tc.code != "" && (response == nil || response.Code != tc.code) {
			t.Errorf("%s: %v, want %s", name, err, tc.code)
		}
		if c.revoked != tc.revokes {
			t.Errorf("%s: revoked %v, want %v", name, c.revoked, tc.revokes)
		}
	}
}

func TestClientCredentialsAreChecked(t *testing.T) {
	t.Parallel()
	e := New(issuer{})
	for name, tc := range map[string]struct {
		scope    string
		resource []string
		code     string // empty for tokens
	}{
		"no scope":           {"", nil, ""},
		"a scope":            {"api", nil, ""},
		"a resource":         {"api", []string{"https://api.example"}, ""},
		"a scope too many":   {"api admin", nil, oauth2.CodeInvalidScope},
		"a scope in between": {"api\topenid", nil, oauth2.CodeInvalidScope},
	} {
		form := url.Values{"grant_type": {client.GrantClientCredentials}, "scope": {tc.scope}}
		run, err := e.ClientCredentials(t.Context(), request(form), tc.resource)
		if tc.code != "" {
			if response, _ := errors.AsType[*oauth2.Error](err); response == nil || response.Code != tc.code {
				t.Errorf("%s: %v, want %s", name, err, tc.code)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := run.Issue(t.Context(), tokenRequest(nil))
		if want := (tokens.Tokens{AccessToken: "access token", ExpiresIn: time.Minute}); err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, want)
		}
	}
}

// Without the handlers of fosite the engine issues no token: its results are those of fosite.
func TestEngineIssuesNothingWithoutFosite(t *testing.T) {
	t.Parallel()
	e := New(issuer{})
	config := e.fosite.Config.(engineConfig)
	config.AuthorizeEndpointHandlers, config.TokenEndpointHandlers = fosite.AuthorizeEndpointHandlers{}, fosite.TokenEndpointHandlers{}
	for _, responseType := range testClient().ResponseTypes {
		if got, err := e.Authorize(t.Context(), authorization(responseType)); err == nil {
			t.Errorf("response type %q: %+v, want an error", responseType, got)
		}
	}
	if _, err := e.RedeemCode(t.Context(), request(exchangeForm()), &code{}); err == nil {
		t.Error("a code was redeemed")
	}
	form := url.Values{"grant_type": {client.GrantClientCredentials}}
	if _, err := e.ClientCredentials(t.Context(), request(form), nil); err == nil {
		t.Error("client credentials were accepted")
	}
}

// Storage and strategies return errors for a context without an exchange.
func TestCallsWithoutExchangeFail(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	if _, err := (clientStorage{}).GetClient(ctx, "rp"); err == nil {
		t.Error("GetClient returned a client")
	}
	if _, err := (codeStorage{}).GetAuthorizeCodeSession(ctx, "code", nil); err == nil {
		t.Error("GetAuthorizeCodeSession returned a code")
	}
	if err := (tokenStorage{}).RevokeRefreshToken(ctx, "id"); err == nil {
		t.Error("RevokeRefreshToken succeeded")
	}
	s := strategy{issuer{}}
	if _, _, err := s.GenerateAuthorizeCode(ctx, nil); err == nil {
		t.Error("GenerateAuthorizeCode made a code")
	}
	if _, _, err := s.GenerateAccessToken(ctx, nil); err == nil {
		t.Error("GenerateAccessToken made a token")
	}
	if _, err := s.GenerateIDToken(ctx, 0, nil); err == nil {
		t.Error("GenerateIDToken made a token")
	}
}
