package authorize

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/hashicorp/go-retryablehttp"
	"github.com/ory/fosite"
	fositeoauth2 "github.com/ory/fosite/handler/oauth2"
	"github.com/ory/fosite/handler/openid"
	"github.com/ory/fosite/handler/pkce"
	"github.com/ory/fosite/token/jwt"

	"github.com/ostiary/ostiary/internal/client"
)

// errNoUnit reports a request that reached fosite without a unit of work.
var errNoUnit = errors.New("no unit of work")

// newEngine composes fosite: which of its handlers run, in which order, over our
// storage and strategies.
func newEngine(h *Handler) *fosite.Fosite {
	config := engineConfig{newEngineSettings()}
	store := storage{h}
	strategy := strategy{h}
	idTokens := &openid.IDTokenHandleHelper{IDTokenStrategy: strategy}

	code := &fositeoauth2.AuthorizeExplicitGrantHandler{
		AccessTokenStrategy: strategy, RefreshTokenStrategy: strategy, AuthorizeCodeStrategy: strategy,
		CoreStorage: store, TokenRevocationStorage: store, Config: config,
	}
	oidc := &openid.OpenIDConnectExplicitHandler{
		OpenIDConnectRequestStorage:   store,
		OpenIDConnectRequestValidator: openid.NewOpenIDConnectRequestValidator(nil, config),
		IDTokenHandleHelper:           idTokens, Config: config,
	}
	implicit := &fositeoauth2.AuthorizeImplicitGrantTypeHandler{
		AccessTokenStrategy: strategy, AccessTokenStorage: store, Config: config,
	}
	proof := &pkce.Handler{AuthorizeCodeStrategy: strategy, Storage: store, Config: config}
	own := &fositeoauth2.ClientCredentialsGrantHandler{
		HandleHelper: &fositeoauth2.HandleHelper{
			AccessTokenStrategy: strategy, AccessTokenStorage: store, Config: config,
		},
		Config: config,
	}
	refresh := &refreshHandler{
		RefreshTokenGrantHandler: &fositeoauth2.RefreshTokenGrantHandler{
			AccessTokenStrategy: strategy, RefreshTokenStrategy: strategy,
			TokenRevocationStorage: store, Config: config,
		},
		handler: h,
	}

	// The implicit handler itself is not among them: there is no response type token
	// without an ID token or a code. PKCE needs the code that those before it make.
	config.AuthorizeEndpointHandlers = fosite.AuthorizeEndpointHandlers{
		code, oidc,
		&openid.OpenIDConnectHybridHandler{
			AuthorizeImplicitGrantTypeHandler: implicit, AuthorizeExplicitGrantHandler: code,
			IDTokenHandleHelper: idTokens, OpenIDConnectRequestValidator: oidc.OpenIDConnectRequestValidator,
			OpenIDConnectRequestStorage: store, Config: config,
		},
		&openid.OpenIDConnectImplicitHandler{
			AuthorizeImplicitGrantTypeHandler: implicit,
			IDTokenHandleHelper:               idTokens, OpenIDConnectRequestValidator: oidc.OpenIDConnectRequestValidator,
			Config: config,
		},
		proof,
	}
	config.TokenEndpointHandlers = fosite.TokenEndpointHandlers{
		codeHandler{code, strategy},
		proof, oidc,
		ownHandler{own, strategy},
		refresh,
		deviceHandler{h},
		&openid.OpenIDConnectRefreshHandler{IDTokenHandleHelper: idTokens, Config: config},
	}
	return &fosite.Fosite{Store: store, Config: config}
}

// engineConfig lets the policy differ by request: fosite hands the context to
// each getter, and the unit in it knows the client.
type engineConfig struct {
	*fosite.Config
}

// GetEnforcePKCE is by client: a confidential one may do without, unless it
// registered otherwise.
func (engineConfig) GetEnforcePKCE(ctx context.Context) bool {
	u := unitOf(ctx)
	return u.client != nil && u.client.RequirePKCE
}

// newEngineSettings sets every option, also those that are never read: the
// getters of fosite.Config fill in what is missing at the first request, which
// is a data race, and its defaults are not ours.
func newEngineSettings() *fosite.Config {
	const unused = time.Minute // lifetimes are the strategies' own
	return &fosite.Config{
		AccessTokenLifespan: unused, RefreshTokenLifespan: unused, AuthorizeCodeLifespan: unused, IDTokenLifespan: unused,
		VerifiableCredentialsNonceLifespan: unused, DeviceAndUserCodeLifespan: unused, DeviceAuthTokenPollingInterval: unused,
		PushedAuthorizeContextLifespan: unused, GrantTypeJWTBearerMaxDuration: unused,

		ScopeStrategy:                   fosite.ExactScopeStrategy,
		AudienceMatchingStrategy:        fosite.ExactAudienceMatchingStrategy,
		EnforcePKCEForPublicClients:     true,
		RefreshTokenScopes:              []string{"offline_access", "offline"}, // see grant.Offline
		MinParameterEntropy:             1,
		OmitRedirectScopeParam:          true,
		AllowedPromptValues:             []string{"none"}, // fosite never sees prompt
		JWTScopeClaimKey:                jwt.JWTScopeFieldString,
		RedirectSecureChecker:           func(context.Context, *url.URL) bool { return true }, // only registered ones reach fosite
		ClientAuthenticationStrategy:    authenticated,
		ClientSecretsHasher:             noHasher{},
		JWKSFetcherStrategy:             noFetcher{},
		HTTPClient:                      &retryablehttp.Client{HTTPClient: &http.Client{Transport: noTransport{}}},
		TokenEntropy:                    32,
		PushedAuthorizeRequestURIPrefix: "urn:ietf:params:oauth:request_uri:",
		HashCost:                        12,
	}
}

// authenticated tells fosite which client the endpoint has authenticated.
func authenticated(ctx context.Context, _ *http.Request, _ url.Values) (fosite.Client, error) {
	u := unitOf(ctx)
	if u.client == nil {
		return nil, fosite.ErrInvalidClient
	}
	return u.engineClient(), nil
}

// errUnused reports that fosite tried what it is never asked to do here.
var errUnused = errors.New("not offered to the engine")

type noHasher struct{}

func (noHasher) Compare(context.Context, []byte, []byte) error { return errUnused }
func (noHasher) Hash(context.Context, []byte) ([]byte, error)  { return nil, errUnused }

type noTransport struct{}

func (noTransport) RoundTrip(*http.Request) (*http.Response, error) { return nil, errUnused }

// engineClient shows a client to fosite. It does not implement
// fosite.OpenIDConnectClient: request objects and assertions never reach fosite.
type engineClient struct {
	*client.Client
	scopes      []string // that it may have
	redirectURI string   // the one that has been matched, at the authorization endpoint
}

var (
	_ fosite.Client             = engineClient{}
	_ fosite.ResponseModeClient = engineClient{}
)

func (c engineClient) GetID() string                      { return c.ID }
func (c engineClient) GetHashedSecret() []byte            { return nil }
func (c engineClient) GetRedirectURIs() []string          { return []string{c.redirectURI} }
func (c engineClient) GetGrantTypes() fosite.Arguments    { return c.GrantTypes }
func (c engineClient) GetResponseTypes() fosite.Arguments { return c.ResponseTypes }
func (c engineClient) GetScopes() fosite.Arguments        { return c.scopes }
func (c engineClient) IsPublic() bool                     { return c.Client.IsPublic() }
func (c engineClient) GetAudience() fosite.Arguments      { return c.Audience }

func (c engineClient) GetResponseModes() []fosite.ResponseModeType {
	return []fosite.ResponseModeType{
		fosite.ResponseModeDefault, fosite.ResponseModeQuery, fosite.ResponseModeFragment, fosite.ResponseModeFormPost,
	}
}
