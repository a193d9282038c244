package admin

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/client"
)

// authorizationRequest holds the members that login and consent requests have in common.
type authorizationRequest struct {
	Scopes      []string    `json:"requested_scope"`
	Audience    []string    `json:"requested_access_token_audience"`
	OIDCContext oidcContext `json:"oidc_context"`
	Client      *clientView `json:"client"`
	RequestURL  string      `json:"request_url"`

	parameters url.Values
}

// oidcContext holds the parameters of the request that concern authentication.
//
// Spec: OpenID Connect Core §3.1.2.1.
type oidcContext struct {
	ACRValues  []string          `json:"acr_values,omitempty"`
	UILocales  []string          `json:"ui_locales,omitempty"`
	Display    string            `json:"display,omitempty"`
	HintClaims map[string]string `json:"id_token_hint_claims,omitempty"`
	LoginHint  string            `json:"login_hint,omitempty"`
}

// requestDescriber describes authorization requests to login and consent apps.
type requestDescriber struct {
	clients      Clients
	authorizeURL string
	deviceURL    string
}

// describe returns the description of a pending request. The error is client.ErrNotFound if
// the client is unknown or disabled.
func (d *requestDescriber) describe(ctx context.Context, pending *authrequest.Request) (authorizationRequest, error) {
	parameters, err := url.ParseQuery(pending.Parameters)
	if err != nil {
		return authorizationRequest{}, fmt.Errorf("parse stored request: %w", err)
	}
	c, err := d.clients.Client(ctx, pending.ClientID)
	if err == nil && c.Disabled {
		err = client.ErrNotFound
	}
	if err != nil {
		return authorizationRequest{}, err
	}
	view := authorizationRequest{
		Scopes: requestedScopes(parameters), Audience: requestedAudience(parameters), Client: viewNestedClient(c), parameters: parameters,
		RequestURL: d.requestURL(pending, ""),
		OIDCContext: oidcContext{
			ACRValues: strings.Fields(parameters.Get("acr_values")), UILocales: strings.Fields(parameters.Get("ui_locales")),
			Display: parameters.Get("display"), LoginHint: parameters.Get("login_hint"),
		},
	}
	if subject := parameters.Get(authrequest.SubjectParameter); subject != "" {
		view.OIDCContext.HintClaims = map[string]string{"sub": subject}
	}
	return view, nil
}

// requestedScopes returns the scopes that need the user's consent, as the authorization
// endpoint determined them: the requested scopes that the client is allowed, and the scopes
// of claims that are requested by name.
func requestedScopes(parameters url.Values) []string {
	return append([]string{}, strings.Fields(parameters.Get(authrequest.ConsentParameter))...)
}

// requestedAudience returns the values of the parameters resource and audience.
func requestedAudience(parameters url.Values) []string {
	all := []string{}
	for _, name := range []string{"resource", "audience"} {
		for _, value := range parameters[name] {
			all = append(all, strings.Fields(value)...)
		}
	}
	return all
}

// requestURL returns the URL that starts the same request again. The parameters of a request
// object are plain parameters there. A prompt that is not empty replaces that of the request.
func (d *requestDescriber) requestURL(pending *authrequest.Request, prompt string) string {
	if pending.Device {
		return d.deviceURL // the user enters the code of the device again
	}
	form, err := url.ParseQuery(pending.Parameters)
	if err != nil {
		return d.authorizeURL
	}
	if sealed := form.Get(authrequest.TrialParameter); sealed != "" {
		form = url.Values{"client_id": {pending.ClientID}, "request_uri": {authrequest.TrialURI + sealed}}
	}
	form.Del(authrequest.ConsentParameter)
	form.Del(authrequest.SubjectParameter)
	if prompt != "" {
		form.Set("prompt", prompt)
	}
	return d.authorizeURL + "?" + form.Encode()
}

// answeredBefore returns the error for a request that an app has already answered.
func (d *requestDescriber) answeredBefore(pending *authrequest.Request) error {
	return &answeredError{redirect{d.requestURL(pending, "")}}
}
