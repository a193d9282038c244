// Package engine runs the flows that fosite serves: the authorization code flow with PKCE,
// the implicit and hybrid flows, and client credentials. It is the only package that imports
// fosite.
//
// fosite is the engine and never the edge. Requests are checked before it sees them, and
// responses and errors are written elsewhere. It calls storage and strategies many times per
// request, and passes them only a context. The engine answers these calls from one [exchange]
// in that context, which exists only inside of this package: callers pass explicit values and
// get explicit results.
package engine

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ory/fosite"
	fositeoauth2 "github.com/ory/fosite/handler/oauth2"
	"github.com/ory/fosite/handler/openid"
	"github.com/ory/fosite/handler/pkce"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
	"github.com/ostiary/ostiary/internal/scope"
)

// Issuer issues the codes and tokens that fosite requests, as [tokens.Issuer] does.
type Issuer interface {
	Code(g *grant.Grant) string
	AccessToken(ctx context.Context, r *tokens.Request) (token string, expiresIn time.Duration, err error)
	RefreshToken(g *grant.WithAccount) string
	IDToken(ctx context.Context, r *tokens.Request, hashes tokens.IDTokenHashes) (string, error)
}

// Engine runs fosite.
type Engine struct {
	fosite *fosite.Fosite
}

// New composes fosite: which of its handlers run, in which order, over the storage and
// strategies of this package.
func New(issuer Issuer) *Engine {
	config := engineConfig{newSettings()}
	strategy := strategy{issuer}
	idTokens := &openid.IDTokenHandleHelper{IDTokenStrategy: strategy}

	code := &fositeoauth2.AuthorizeExplicitGrantHandler{
		AccessTokenStrategy: strategy, RefreshTokenStrategy: strategy, AuthorizeCodeStrategy: strategy,
		CoreStorage: codeStorage{}, TokenRevocationStorage: tokenStorage{}, Config: config,
	}
	explicit := &openid.OpenIDConnectExplicitHandler{
		OpenIDConnectRequestStorage:   openIDStorage{},
		OpenIDConnectRequestValidator: openid.NewOpenIDConnectRequestValidator(nil, config),
		IDTokenHandleHelper:           idTokens, Config: config,
	}
	implicit := &fositeoauth2.AuthorizeImplicitGrantTypeHandler{
		AccessTokenStrategy: strategy, AccessTokenStorage: tokenStorage{}, Config: config,
	}
	proof := &pkce.Handler{AuthorizeCodeStrategy: strategy, Storage: pkceStorage{}, Config: config}

	// The implicit handler is not in the list, since no response type is token alone. PKCE
	// needs the code of the handlers before it.
	config.AuthorizeEndpointHandlers = fosite.AuthorizeEndpointHandlers{
		code, explicit,
		&openid.OpenIDConnectHybridHandler{
			AuthorizeImplicitGrantTypeHandler: implicit, AuthorizeExplicitGrantHandler: code,
			IDTokenHandleHelper: idTokens, OpenIDConnectRequestValidator: explicit.OpenIDConnectRequestValidator,
			OpenIDConnectRequestStorage: openIDStorage{}, Config: config,
		},
		&openid.OpenIDConnectImplicitHandler{
			AuthorizeImplicitGrantTypeHandler: implicit,
			IDTokenHandleHelper:               idTokens, OpenIDConnectRequestValidator: explicit.OpenIDConnectRequestValidator,
			Config: config,
		},
		proof,
	}
	config.TokenEndpointHandlers = fosite.TokenEndpointHandlers{
		codeHandler{code, issuer},
		proof, explicit,
		clientCredentialsHandler{&fositeoauth2.ClientCredentialsGrantHandler{
			HandleHelper: &fositeoauth2.HandleHelper{AccessTokenStrategy: strategy, AccessTokenStorage: tokenStorage{}, Config: config},
			Config:       config,
		}, issuer},
	}
	return &Engine{&fosite.Fosite{Store: clientStorage{}, Config: config}}
}

// Authorization is an authorization request that has been checked, and the grant that is
// about to be stored.
type Authorization struct {
	RedirectURI  string
	ResponseType string
	State        string // of the client, for s_hash
	Nonce        string
	Challenge    string // by S256; empty for none
	Tokens       *tokens.Request
}

// AuthorizationResponse holds the code and tokens that fosite made. Only those of the
// response type are set.
type AuthorizationResponse struct {
	Code        string
	AccessToken string
	ExpiresIn   time.Duration // of the access token
	IDToken     string
}

// Authorize runs the authorization endpoint of fosite. Its error is an [oauth2.Error] or a
// failure of the server.
func (e *Engine) Authorize(ctx context.Context, a *Authorization) (*AuthorizationResponse, error) {
	x := &exchange{state: a.State, tokens: a.Tokens}
	x.setClient(a.Tokens.Client, a.Tokens.Registered)
	x.client.redirectURI, x.client.resources = a.RedirectURI, a.Tokens.Access.Resources
	ctx = x.in(ctx)
	request, err := e.fosite.NewAuthorizeRequest(ctx, &http.Request{Method: http.MethodGet, Form: a.form()})
	if err := x.result(err); err != nil {
		return nil, err
	}
	for _, scope := range a.Tokens.Access.Scopes {
		request.GrantScope(scope)
	}
	for _, resource := range a.Tokens.Access.Resources {
		request.GrantAudience(resource)
	}
	response, err := e.fosite.NewAuthorizeResponse(ctx, request, newSession(a.Tokens.Grant.Subject))
	if err := x.result(err); err != nil {
		return nil, err
	}
	made := response.GetParameters()
	return &AuthorizationResponse{
		Code: made.Get("code"), AccessToken: made.Get("access_token"), ExpiresIn: x.expiresIn, IDToken: made.Get("id_token"),
	}, nil
}

// form returns the parameters that fosite sees. Parameters that it would interpret differently
// or check again are left out. It requires a state; the response has the state of the client.
func (a *Authorization) form() url.Values {
	form := url.Values{
		"client_id":     {a.Tokens.Client.ID},
		"redirect_uri":  {a.RedirectURI},
		"response_type": {a.ResponseType},
		"state":         {"-"},
	}
	if scopes := a.Tokens.Access.Scopes; len(scopes) > 0 {
		form.Set("scope", joinScopes(scopes))
	}
	if resources := a.Tokens.Access.Resources; len(resources) > 0 {
		form["audience"] = resources
	}
	if a.Nonce != "" {
		form.Set("nonce", a.Nonce)
	}
	setChallenge(form, a.Challenge)
	return form
}

// errNoExchange reports a call of fosite outside of an exchange, or in the wrong one.
var errNoExchange = errors.New("no exchange")

// exchange is one authorization or token request. Storage and strategies of fosite find it
// in their context.
type exchange struct {
	client engineClient
	tokens *tokens.Request // input of the issuer; nil until tokens are issued
	state  string          // authorization: the client's

	code      Code               // token request with a code
	grant     *grant.WithAccount // of the redeemed code
	requester *fosite.Request    // the authorization request of grant, as fosite sees it

	expiresIn time.Duration // of the access token, once it is issued

	// err is the first failure of the server. fosite turns such failures into decisions about
	// the request, so it takes precedence over the errors of fosite.
	err error
}

func (x *exchange) setClient(c *client.Client, registered *scope.Set) {
	x.client.Client, x.client.scopes = c, registered.Allowed(c)
}

type exchangeKey struct{}

// in returns a context that holds the exchange.
func (x *exchange) in(ctx context.Context) context.Context {
	return context.WithValue(ctx, exchangeKey{}, x)
}

// exchangeOf returns the exchange in ctx. Without one it returns a failed exchange, for which
// nothing is issued.
func exchangeOf(ctx context.Context) *exchange {
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return x
	}
	return &exchange{err: errNoExchange}
}

// fail keeps the first failure of the server, and returns err.
func (x *exchange) fail(err error) error {
	if x.err == nil {
		x.err = err
	}
	return err
}

// result returns the error of a run that ended in err of fosite.
func (x *exchange) result(err error) error {
	if x.err != nil {
		return x.err
	}
	return fromFosite(err)
}

// fromFosite returns the error response for a decision of fosite, which has error codes that
// are not registered. It returns other errors unchanged.
func fromFosite(err error) error {
	decision, ok := errors.AsType[*fosite.RFC6749Error](err)
	if !ok || decision.CodeField >= http.StatusInternalServerError {
		return err
	}
	code := decision.ErrorField
	switch code {
	case oauth2.CodeInvalidRequest, oauth2.CodeInvalidGrant, oauth2.CodeInvalidScope, oauth2.CodeUnauthorizedClient,
		oauth2.CodeUnsupportedResponseType, oauth2.CodeAccessDenied, oauth2.CodeInvalidClient:
	default:
		code = oauth2.CodeInvalidRequest
	}
	response := oauth2.StandardError(code)
	if code == oauth2.CodeInvalidClient {
		response.Status = http.StatusUnauthorized
	}
	response.Err = err
	return response
}

func setChallenge(form url.Values, challenge string) {
	if challenge != "" {
		form.Set("code_challenge", challenge)
		form.Set("code_challenge_method", "S256")
	}
}

func joinScopes(scopes []string) string { return strings.Join(scopes, " ") }
