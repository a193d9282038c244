package engine

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"

	"github.com/ory/fosite"
	fositeoauth2 "github.com/ory/fosite/handler/oauth2"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
	"github.com/ostiary/ostiary/internal/scope"
)

// Code is the authorization code of a token request.
type Code interface {
	// Redeem marks the code as used and returns its grant. It returns [grant.ErrNotFound] for
	// an invalid code, and [grant.ErrSpent] with the grant for a code that was used before;
	// Revoke then revokes that grant.
	Redeem(ctx context.Context) (*grant.WithAccount, error)
	Revoke(ctx context.Context, g *grant.WithAccount) error
}

// TokenRequest is a token request of an authenticated client.
type TokenRequest struct {
	Client     *client.Client
	Registered *scope.Set    // the scopes at the time of the request
	HTTP       *http.Request // its form has been parsed and checked
}

// Run is a token request that fosite has accepted.
type Run struct {
	engine   *Engine
	exchange exchange
	request  fosite.AccessRequester
}

// RedeemCode redeems an authorization code, and compares redirect_uri and code_verifier with
// the authorization request. Its error is an [oauth2.Error] or a failure of the server.
//
// Spec: RFC 6749 §4.1.3, RFC 7636 §4.6.
func (e *Engine) RedeemCode(ctx context.Context, r TokenRequest, code Code) (*Run, error) {
	run := &Run{engine: e, exchange: exchange{code: code}}
	return run, run.start(ctx, &r)
}

// ClientCredentials checks the scopes that a client requests for itself, with checked resources. Its
// error is an [oauth2.Error] or a failure of the server.
//
// Spec: RFC 6749 §4.4.2.
func (e *Engine) ClientCredentials(ctx context.Context, r TokenRequest, resources []string) (*Run, error) {
	if len(resources) > 0 { // fosite reads them from another parameter
		form := maps.Clone(r.HTTP.PostForm)
		form["audience"] = resources
		r.HTTP = &http.Request{Method: http.MethodPost, Form: form, PostForm: form}
	}
	run := &Run{engine: e, exchange: exchange{client: engineClient{resources: resources}}}
	return run, run.start(ctx, &r)
}

// start runs the handlers of fosite that check and redeem.
func (r *Run) start(ctx context.Context, t *TokenRequest) (err error) {
	x := &r.exchange
	x.setClient(t.Client, t.Registered)
	r.request, err = r.engine.fosite.NewAccessRequest(x.in(ctx), t.HTTP, newSession(t.Client.ID))
	return x.result(err)
}

// Issue issues the tokens of the accepted request, as [tokens.Issuer.Issue] does.
//
// Spec: RFC 6749 §4.1.4, §4.4.3, OpenID Connect Core §3.1.3.3.
func (r *Run) Issue(ctx context.Context, t *tokens.Request) (tokens.Tokens, error) {
	x := &r.exchange
	x.tokens = t
	response, err := r.engine.fosite.NewAccessResponse(x.in(ctx), r.request)
	if err := x.result(err); err != nil {
		return tokens.Tokens{}, err
	}
	refresh, _ := response.GetExtra("refresh_token").(string)
	idToken, _ := response.GetExtra("id_token").(string)
	return tokens.Tokens{
		AccessToken: response.GetAccessToken(), ExpiresIn: x.expiresIn, RefreshToken: refresh, IDToken: idToken,
	}, nil
}

// codeHandler and clientCredentialsHandler are those of fosite, except that they issue tokens
// without the copies of the request that a store of tokens would need.
type (
	codeHandler struct {
		*fositeoauth2.AuthorizeExplicitGrantHandler

		issuer Issuer
	}
	clientCredentialsHandler struct {
		*fositeoauth2.ClientCredentialsGrantHandler

		issuer Issuer
	}
)

var (
	_ fosite.TokenEndpointHandler = codeHandler{}
	_ fosite.TokenEndpointHandler = clientCredentialsHandler{}
)

// PopulateTokenEndpointResponse issues the access and refresh token for a redeemed code.
func (h codeHandler) PopulateTokenEndpointResponse(ctx context.Context, request fosite.AccessRequester, response fosite.AccessResponder) error {
	if !h.CanHandleTokenEndpointRequest(ctx, request) {
		return fosite.ErrUnknownRequest
	}
	x := exchangeOf(ctx)
	if x.tokens == nil || x.tokens.Grant == nil {
		return x.fail(errNoExchange)
	}
	if x.tokens.Refresh {
		response.SetExtra("refresh_token", h.issuer.RefreshToken(x.tokens.Grant))
	}
	return x.issueAccessToken(ctx, h.issuer, response)
}

// PopulateTokenEndpointResponse issues an access token that a client gets for itself.
func (h clientCredentialsHandler) PopulateTokenEndpointResponse(ctx context.Context, request fosite.AccessRequester, response fosite.AccessResponder) error {
	if !h.CanHandleTokenEndpointRequest(ctx, request) {
		return fosite.ErrUnknownRequest
	}
	x := exchangeOf(ctx)
	if x.tokens == nil || x.tokens.Grant != nil {
		return x.fail(errNoExchange)
	}
	return x.issueAccessToken(ctx, h.issuer, response)
}

func (x *exchange) issueAccessToken(ctx context.Context, issuer Issuer, response fosite.AccessResponder) error {
	token, expiresIn, err := issuer.AccessToken(ctx, x.tokens)
	if err != nil {
		return x.fail(err)
	}
	x.expiresIn = expiresIn
	response.SetAccessToken(token)
	response.SetTokenType("bearer")
	return nil
}

// redeem redeems the code of the exchange and makes its grant known to fosite.
func (x *exchange) redeem(ctx context.Context) (err error) {
	g, err := x.code.Redeem(ctx)
	if err != nil && !errors.Is(err, grant.ErrSpent) {
		return err
	}
	x.grant, x.client.redirectURI = g, g.Authorization.RedirectURI
	x.requester = fosite.NewRequest()
	x.requester.ID = g.ID.String()
	x.requester.Client = &x.client
	x.requester.RequestedScope, x.requester.GrantedScope = g.Scopes, g.Scopes
	x.requester.RequestedAudience, x.requester.GrantedAudience = g.Resources, g.Resources
	x.requester.Session = newSession(g.Subject)
	x.requester.Form = url.Values{"redirect_uri": {g.Authorization.RedirectURI}}
	setChallenge(x.requester.Form, g.Authorization.Challenge)
	return err
}
