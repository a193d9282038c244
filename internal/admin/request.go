package admin

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/client"
)

// request is what both apps are told of an authorization request.
type request struct {
	Scopes      []string    `json:"requested_scope"`
	Audience    []string    `json:"requested_access_token_audience"`
	OIDCContext oidcContext `json:"oidc_context"`
	Client      *clientView `json:"client"`
	RequestURL  string      `json:"request_url"`

	asked url.Values
}

// oidcContext is what the request says about the sign-in (OpenID Connect Core
// section 3.1.2.1).
type oidcContext struct {
	ACRValues  []string          `json:"acr_values,omitempty"`
	UILocales  []string          `json:"ui_locales,omitempty"`
	Display    string            `json:"display,omitempty"`
	HintClaims map[string]string `json:"id_token_hint_claims,omitempty"`
	LoginHint  string            `json:"login_hint,omitempty"`
}

func (h *Handler) describe(ctx context.Context, waiting *authrequest.Request) (request, error) {
	asked, err := url.ParseQuery(waiting.Parameters)
	if err != nil {
		return request{}, fmt.Errorf("parse stored request: %w", err)
	}
	c, err := h.Clients.Client(ctx, waiting.ClientID)
	if err == nil && c.Disabled {
		err = client.ErrNotFound
	}
	if err != nil {
		return request{}, err
	}
	q := request{
		Scopes: requested(asked), Audience: resources(asked), Client: viewAsking(c), asked: asked,
		RequestURL: h.requestURL(waiting, ""),
		OIDCContext: oidcContext{
			ACRValues: strings.Fields(asked.Get("acr_values")), UILocales: strings.Fields(asked.Get("ui_locales")),
			Display: asked.Get("display"), LoginHint: asked.Get("login_hint"),
		},
	}
	if subject := asked.Get(authrequest.SubjectParameter); subject != "" {
		q.OIDCContext.HintClaims = map[string]string{"sub": subject}
	}
	return q, nil
}

// requested returns the scopes that the user must agree to, as the authorization endpoint
// worked them out: those requested that the client may have, and those that stand for
// claims requested by name.
func requested(asked url.Values) []string {
	return append([]string{}, strings.Fields(asked.Get(authrequest.ConsentParameter))...)
}

// resources returns what the parameters resource and audience ask for.
func resources(asked url.Values) []string {
	all := []string{}
	for _, name := range []string{"resource", "audience"} {
		for _, value := range asked[name] {
			all = append(all, strings.Fields(value)...)
		}
	}
	return all
}

// requestURL is where the request can be made anew. A request that came as an object
// is there in plain parameters. With a prompt it is asked for instead of the
// request's own.
func (h *Handler) requestURL(waiting *authrequest.Request, prompt string) string {
	if waiting.Device {
		return h.DeviceURL // with the code that the device shows
	}
	form, err := url.ParseQuery(waiting.Parameters)
	if err != nil {
		return h.AuthorizeURL
	}
	form.Del(authrequest.ConsentParameter)
	form.Del(authrequest.SubjectParameter)
	if prompt != "" {
		form.Set("prompt", prompt)
	}
	return h.AuthorizeURL + "?" + form.Encode()
}
