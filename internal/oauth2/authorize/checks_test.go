package authorize

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/oauth2/requestobject"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/scope"
)

const testChallenge = "gwx_1ff33sP-Na7uzErlwZMg02IfMm0pwvZjX6iq0Jg"

// hints verifies hints by a table from the token to its payload.
type hints map[string]string

func (h hints) VerifyHint(token string) ([]byte, error) {
	switch payload := h[token]; payload {
	case "stale":
		return nil, jwks.ErrStale
	case "unknown key":
		return nil, jwks.ErrUnknownKey
	case "":
		return nil, jwks.ErrBadSignature
	default:
		return []byte(payload), nil
	}
}

func testRequests() *Requests {
	return &Requests{
		Issuer: "https://op.example", MaxRedirectURL: 2000, LegacyResponseTypes: true,
		Hints: hints{
			"valid":           `{"iss":"https://op.example","aud":"rp","sub":"ada","exp":1}`,
			"of another":      `{"iss":"https://op.example","aud":"other","sub":"ada","exp":1}`,
			"userinfo":        `{"iss":"https://op.example","aud":"rp","sub":"ada"}`,
			"keys are stale":  "stale",
			"key was deleted": "unknown key",
		},
	}
}

func testClient() *client.Client {
	c := &client.Client{ID: "rp"}
	c.RedirectURIs = []string{"https://rp.example/callback"}
	c.GrantTypes = []string{client.GrantAuthorizationCode, client.GrantImplicit, client.GrantRefreshToken}
	c.ResponseTypes = append([]string{client.ResponseTypeCode}, client.LegacyResponseTypes()...)
	c.Scope = "openid email offline_access"
	c.Audience = []string{"https://api.example"}
	c.TokenEndpointAuthMethod = client.AuthBasic
	return c
}

// testForm returns a valid request for a code, changed by pairs of name and value.
func testForm(changes ...string) url.Values {
	form := url.Values{
		"client_id": {"rp"}, "redirect_uri": {"https://rp.example/callback"}, "response_type": {"code"}, "scope": {"openid"},
		"state": {"state"}, "code_challenge": {testChallenge}, "code_challenge_method": {"S256"},
	}
	for i := 0; i < len(changes); i += 2 {
		if changes[i+1] == "" {
			form.Del(changes[i])
		} else {
			form.Set(changes[i], changes[i+1])
		}
	}
	return form
}

func checkedRequest(tb testing.TB, q *Requests, c *client.Client, form url.Values, at endpoint) (*AuthorizationRequest, error) {
	tb.Helper()
	a, err := newRequest(c, form)
	if err != nil {
		tb.Fatal(err)
	}
	a.registered = scope.NewSet(nil, nil, nil)
	return a, q.check(a, at)
}

// Each endpoint checks its own parameters, in this order.
func TestParametersAreCheckedAtTheirEndpoints(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		at   endpoint
		want string
	}{
		"authorization": {atAuthorize, "response_mode state registration response_type scope authorization_details resource claims scope code_challenge dpop_jkt nonce prompt max_age id_token_hint claims acr_values security_profile"},
		"device":        {atDevice, "scope authorization_details resource claims "},
		"verification":  {atVerification, "scope authorization_details resource claims max_age acr_values"},
		"app":           {atApp, "scope"},
		"backchannel":   {atBackchannel, "scope authorization_details resource claims scope id_token_hint acr_values "},
	} {
		var parameters []string
		for _, c := range checks {
			if c.endpoints&tc.at != 0 {
				parameters = append(parameters, c.parameter)
			}
		}
		if got := strings.Join(parameters, " "); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func TestAuthorizationRequestIsRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		form url.Values
		want string // the error code; empty for a request that is accepted
	}{
		"a valid request":                     {testForm(), ""},
		"unknown response_mode":               {testForm("response_mode", "web_message"), oauth2.CodeInvalidRequest},
		"a state that is too long":            {testForm("state", strings.Repeat("s", 2000)), oauth2.CodeInvalidRequest},
		"the same state by form_post":         {testForm("state", strings.Repeat("s", 2000), "response_mode", "form_post"), ""},
		"registration":                        {testForm("registration", "{}"), oauth2.CodeRegistrationNotSupported},
		"no response_type":                    {testForm("response_type", ""), oauth2.CodeInvalidRequest},
		"unknown response_type":               {testForm("response_type", "code token id_token device"), oauth2.CodeUnsupportedResponseType},
		"tokens in the query":                 {testForm("response_type", "code id_token", "nonce", "n", "response_mode", "query"), oauth2.CodeInvalidRequest},
		"malformed scope":                     {testForm("scope", `a"b`), oauth2.CodeInvalidScope},
		"a resource of another client":        {testForm("resource", "https://other.example"), oauth2.CodeInvalidTarget},
		"its own resource":                    {testForm("resource", "https://api.example"), ""},
		"malformed claims":                    {testForm("claims", "{"), oauth2.CodeInvalidRequest},
		"an ID token without openid":          {testForm("response_type", "id_token", "nonce", "n", "scope", "email"), oauth2.CodeInvalidScope},
		"challenge method without challenge":  {testForm("code_challenge", ""), oauth2.CodeInvalidRequest},
		"plain challenge":                     {testForm("code_challenge_method", "plain"), oauth2.CodeInvalidRequest},
		"a challenge of 42 characters":        {testForm("code_challenge", testChallenge[1:]), oauth2.CodeInvalidRequest},
		"no PKCE":                             {testForm("code_challenge", "", "code_challenge_method", ""), ""},
		"an ID token without nonce":           {testForm("response_type", "id_token"), oauth2.CodeInvalidRequest},
		"unknown prompt":                      {testForm("prompt", "perhaps"), oauth2.CodeInvalidRequest},
		"prompt none and login":               {testForm("prompt", "none login"), oauth2.CodeInvalidRequest},
		"prompt create":                       {testForm("prompt", "create"), oauth2.CodeInvalidRequest},
		"negative max_age":                    {testForm("max_age", "-1"), oauth2.CodeInvalidRequest},
		"max_age that is no number":           {testForm("max_age", "soon"), oauth2.CodeInvalidRequest},
		"a hint that does not verify":         {testForm("id_token_hint", "made up"), oauth2.CodeInvalidRequest},
		"a hint for another client":           {testForm("id_token_hint", "of another"), oauth2.CodeInvalidRequest},
		"a userinfo response as hint":         {testForm("id_token_hint", "userinfo"), oauth2.CodeInvalidRequest},
		"a hint whose key was deleted":        {testForm("id_token_hint", "key was deleted"), ""},
		"a sub that is no string":             {testForm("claims", `{"id_token":{"sub":{"value":7}}}`), oauth2.CodeInvalidRequest},
		"an acr that is no string":            {testForm("claims", `{"id_token":{"acr":{"values":[["a"]]}}}`), oauth2.CodeInvalidRequest},
		"a sub for userinfo is not evaluated": {testForm("claims", `{"userinfo":{"sub":{"value":7}}}`), ""},
	} {
		_, err := checkedRequest(t, testRequests(), testClient(), tc.form, atAuthorize)
		response, _ := errors.AsType[*oauth2.Error](err)
		if got := err == nil && tc.want == "" || response != nil && response.Code == tc.want; !got {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
	if _, err := checkedRequest(t, testRequests(), testClient(), testForm("id_token_hint", "keys are stale"), atAuthorize); !errors.Is(err, jwks.ErrStale) {
		t.Errorf("a hint that cannot be verified now: %v, want %v", err, jwks.ErrStale)
	}
}

func TestRegistrationLimitsRequests(t *testing.T) {
	t.Parallel()
	withoutPKCE := testForm("code_challenge", "", "code_challenge_method", "")
	for name, tc := range map[string]struct {
		change func(*client.Client, *Requests)
		form   url.Values
		want   string
	}{
		"PKCE of a public client":         {func(c *client.Client, _ *Requests) { c.TokenEndpointAuthMethod = client.AuthNone }, withoutPKCE, oauth2.CodeInvalidRequest},
		"PKCE that was registered":        {func(c *client.Client, _ *Requests) { c.RequirePKCE = true }, withoutPKCE, oauth2.CodeInvalidRequest},
		"a grant type not registered":     {func(c *client.Client, _ *Requests) { c.GrantTypes = nil }, testForm(), oauth2.CodeUnauthorizedClient},
		"a response type not registered":  {func(c *client.Client, _ *Requests) { c.ResponseTypes = nil }, testForm("response_type", "id_token", "nonce", "n"), oauth2.CodeUnsupportedResponseType},
		"legacy response types are off":   {func(_ *client.Client, q *Requests) { q.LegacyResponseTypes = false }, testForm("response_type", "id_token", "nonce", "n"), oauth2.CodeUnsupportedResponseType},
		"prompt create with sign-up":      {func(_ *client.Client, q *Requests) { q.SignUp = true }, testForm("prompt", "create"), ""},
		"implicit without the grant type": {func(c *client.Client, _ *Requests) { c.GrantTypes = c.GrantTypes[:1] }, testForm("response_type", "id_token", "nonce", "n"), oauth2.CodeUnauthorizedClient},
	} {
		c, q := testClient(), testRequests()
		tc.change(c, q)
		_, err := checkedRequest(t, q, c, tc.form, atAuthorize)
		response, _ := errors.AsType[*oauth2.Error](err)
		if got := err == nil && tc.want == "" || response != nil && response.Code == tc.want; !got {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
}

func TestChecksReadTheRequest(t *testing.T) {
	t.Parallel()
	form := testForm("response_type", "token id_token code", "scope", "openid email email offline_access unknown", "nonce", "n",
		"prompt", "login consent", "max_age", "60", "id_token_hint", "valid", "resource", "https://api.example",
		"claims", `{"id_token":{"acr":{"essential":true,"values":["gold","silver"]}}}`)
	a, err := checkedRequest(t, testRequests(), testClient(), form, atAuthorize)
	if err != nil {
		t.Fatal(err)
	}
	if a.responseType != "code id_token token" || a.responseMode != modeFragment || a.nonce != "n" || a.challenge != testChallenge {
		t.Errorf("response type %q by %q, nonce %q, challenge %q", a.responseType, a.responseMode, a.nonce, a.challenge)
	}
	if want := []string{"openid", "email", "offline_access"}; !slices.Equal(a.access.Scopes, want) {
		t.Errorf("scopes %q, want %q", a.access.Scopes, want)
	}
	if a.maxAge == nil || *a.maxAge != 60 || !a.prompts(promptLogin) || !a.prompts(promptConsent) || a.prompts(promptNone) {
		t.Errorf("max_age %v, prompt %q", a.maxAge, a.prompt)
	}
	if a.requirements.subject != "ada" || a.requirements.met("bronze") || !a.requirements.met("silver") {
		t.Errorf("requirements %+v, want the subject of the hint and one of two values of acr", a.requirements)
	}
	if !a.plan(0, time.Now()).Refresh {
		t.Error("the request leads to no refresh token")
	}
	if d := a.dropped(); d.Unknown != 1 || len(d.NotAllowed)+len(d.NotGranted) > 0 {
		t.Errorf("dropped %+v, want one unknown scope", d)
	}
}

func TestOfflineAccessNeedsACode(t *testing.T) {
	t.Parallel()
	form := testForm("response_type", "id_token", "nonce", "n", "scope", "openid offline_access")
	a, err := checkedRequest(t, testRequests(), testClient(), form, atAuthorize)
	if err != nil || slices.Contains(a.access.Scopes, "offline_access") {
		t.Errorf("scopes %q, %v, want no offline_access", a.access.Scopes, err)
	}
	if d := a.dropped(); !slices.Equal(d.NotApplicable, []string{"offline_access"}) {
		t.Errorf("dropped %+v, want offline_access as not applicable", d)
	}
}

// A request that is stored and read again leads to the same request, and keeps no parameter
// that is not one of an authorization request.
func TestStoredRequestsAreReadAgain(t *testing.T) {
	t.Parallel()
	form := testForm("client_secret", "a secret", "id_token_hint", "valid", "max_age", "60", authrequest.ConsentParameter, "everything")
	a, err := checkedRequest(t, testRequests(), testClient(), form, atAuthorize)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := a.encode()
	if err != nil {
		t.Fatal(err)
	}
	stored, err := url.ParseQuery(encoded)
	if err != nil {
		t.Fatal(err)
	}
	if stored.Has("client_secret") || stored.Has("id_token_hint") || stored.Get(authrequest.ConsentParameter) != "openid" || stored.Get(authrequest.SubjectParameter) != "ada" {
		t.Errorf("stored %v", stored)
	}
	again, err := checkedRequest(t, testRequests(), testClient(), stored, atAuthorize)
	if err != nil || again.requirements.subject != "ada" || *again.maxAge != 60 || again.state != "state" {
		t.Errorf("read again %+v, %v", again, err)
	}
}

func TestLongRequestsAreNotStored(t *testing.T) {
	t.Parallel()
	for name, form := range map[string]url.Values{
		"long":              testForm("login_hint", strings.Repeat("a", maxParameters)),
		"long once encoded": testForm("login_hint", strings.Repeat("/", maxEncoded/3)),
	} {
		a, err := checkedRequest(t, testRequests(), testClient(), form, atAuthorize)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.encode(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// The checks of the authorization endpoint that administrators read have the parameters in the order
// of the table, each once.
func TestChecksAreExplainedInTheirOrder(t *testing.T) {
	t.Parallel()
	var explained []string
	for _, c := range refusal.EndpointOf("/oauth2/auth").Checks {
		explained = append(explained, c.Parameters...)
	}
	at := -1
	for _, c := range checks {
		if c.endpoints&atAuthorize == 0 {
			continue
		}
		place := slices.Index(explained, c.parameter)
		switch {
		case place < 0:
			t.Errorf("no check is about %s", c.parameter)
		case place < at && c.parameter != "scope" && c.parameter != "claims": // which are checked twice
			t.Errorf("%s is explained before %s, and checked after it", c.parameter, explained[at])
		}
		at = max(at, place)
	}
}

// A request object may have each parameter that a request may have, and two that are never stored.
func TestRequestObjectsMayHaveEachParameter(t *testing.T) {
	t.Parallel()
	want, got := append(storedParameters(), "id_token_hint", "registration"), requestobject.Parameters()
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("parameters of request objects differ from those of requests (-want +got):\n%s", diff)
	}
}
