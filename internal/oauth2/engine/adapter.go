package engine

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/ory/fosite"
	fositeoauth2 "github.com/ory/fosite/handler/oauth2"
	"github.com/ory/fosite/handler/openid"
	"github.com/ory/fosite/handler/pkce"
	"github.com/ory/fosite/token/jwt"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
)

// The storages below answer fosite from the exchange. The first read of a code redeems it,
// which is the one statement of a token request; a new grant is stored once by the
// authorization endpoint. So the methods that create and delete have nothing to do, and there
// are no transactions to join.
type (
	clientStorage struct{}
	codeStorage   struct{ tokenStorage }
	tokenStorage  struct{}
	pkceStorage   struct{}
	openIDStorage struct{}
)

var (
	_ fosite.Storage                      = clientStorage{}
	_ fositeoauth2.CoreStorage            = codeStorage{}
	_ fositeoauth2.TokenRevocationStorage = tokenStorage{}
	_ pkce.PKCERequestStorage             = pkceStorage{}
	_ openid.OpenIDConnectRequestStorage  = openIDStorage{}
)

// GetClient returns the client of the exchange.
func (clientStorage) GetClient(ctx context.Context, id string) (fosite.Client, error) {
	x := exchangeOf(ctx)
	if x.client.Client == nil || x.client.ID != id {
		return nil, fosite.ErrNotFound
	}
	return &x.client, nil
}

func (clientStorage) ClientAssertionJWTValid(context.Context, string) error { return errUnused }

func (clientStorage) SetClientAssertionJWT(context.Context, string, time.Time) error {
	return errUnused
}

// GetAuthorizeCodeSession redeems the code. A later check that fails leaves it redeemed, so
// that a second attempt cannot omit the verifier.
//
// Spec: RFC 6749 §4.1.2.
func (codeStorage) GetAuthorizeCodeSession(ctx context.Context, _ string, _ fosite.Session) (fosite.Requester, error) {
	x := exchangeOf(ctx)
	if x.code == nil {
		return nil, x.fail(errNoExchange)
	}
	err := x.redeem(ctx)
	switch {
	case errors.Is(err, grant.ErrSpent):
		return x.requester, fosite.ErrInvalidatedAuthorizeCode
	case errors.Is(err, grant.ErrNotFound):
		return nil, fosite.ErrNotFound
	case err != nil:
		return nil, x.fail(err)
	}
	return x.requester, nil
}

func (codeStorage) CreateAuthorizeCodeSession(context.Context, string, fosite.Requester) error {
	return nil
}

func (codeStorage) InvalidateAuthorizeCodeSession(context.Context, string) error { return nil }

// RevokeRefreshToken revokes the grant whose code was used before.
func (tokenStorage) RevokeRefreshToken(ctx context.Context, _ string) error {
	x := exchangeOf(ctx)
	if x.grant == nil {
		return x.fail(errNoExchange)
	}
	if err := x.code.Revoke(ctx, x.grant); err != nil {
		return x.fail(err)
	}
	return nil
}

// RevokeAccessToken does nothing: RevokeRefreshToken revokes the grant with its access tokens.
func (tokenStorage) RevokeAccessToken(context.Context, string) error { return nil }

func (tokenStorage) CreateAccessTokenSession(context.Context, string, fosite.Requester) error {
	return nil
}

func (tokenStorage) CreateRefreshTokenSession(context.Context, string, string, fosite.Requester) error {
	return nil
}

func (tokenStorage) RotateRefreshToken(context.Context, string, string) error { return nil }

func (tokenStorage) GetAccessTokenSession(context.Context, string, fosite.Session) (fosite.Requester, error) {
	return nil, errUnused
}

func (tokenStorage) GetRefreshTokenSession(context.Context, string, fosite.Session) (fosite.Requester, error) {
	return nil, errUnused
}

func (tokenStorage) DeleteAccessTokenSession(context.Context, string) error  { return errUnused }
func (tokenStorage) DeleteRefreshTokenSession(context.Context, string) error { return errUnused }

// GetPKCERequestSession returns the authorization request of the redeemed code, if it had a
// challenge.
func (pkceStorage) GetPKCERequestSession(ctx context.Context, _ string, _ fosite.Session) (fosite.Requester, error) {
	x := exchangeOf(ctx)
	if x.grant == nil || x.grant.Authorization.Challenge == "" {
		return nil, fosite.ErrNotFound
	}
	return x.requester, nil
}

func (pkceStorage) CreatePKCERequestSession(context.Context, string, fosite.Requester) error {
	return nil
}

func (pkceStorage) DeletePKCERequestSession(context.Context, string) error { return nil }

// GetOpenIDConnectSession returns the authorization request of the redeemed code, if the
// access token has the scope openid.
func (openIDStorage) GetOpenIDConnectSession(ctx context.Context, _ string, _ fosite.Requester) (fosite.Requester, error) {
	x := exchangeOf(ctx)
	if x.grant == nil || x.tokens == nil || !slices.Contains(x.tokens.Access.Scopes, oauth2.ScopeOpenID) {
		return nil, openid.ErrNoSessionFound
	}
	x.requester.GrantedScope = x.tokens.Access.Scopes
	return x.requester, nil
}

func (openIDStorage) CreateOpenIDConnectSession(context.Context, string, fosite.Requester) error {
	return nil
}

func (openIDStorage) DeleteOpenIDConnectSession(context.Context, string) error { return nil }

// strategy issues the codes and tokens that fosite requests for the exchange.
//
// fosite identifies a token in its storage by a signature. Nothing is stored, so the
// signature is the token. Redeeming a code has validated it.
type strategy struct {
	issuer Issuer
}

var (
	_ fositeoauth2.CoreStrategy         = strategy{}
	_ openid.OpenIDConnectTokenStrategy = strategy{}
)

func (strategy) AuthorizeCodeSignature(_ context.Context, code string) string { return code }
func (strategy) RefreshTokenSignature(_ context.Context, token string) string { return token }
func (strategy) AccessTokenSignature(_ context.Context, token string) string  { return token }

func (strategy) ValidateAuthorizeCode(context.Context, fosite.Requester, string) error { return nil }

func (strategy) ValidateRefreshToken(context.Context, fosite.Requester, string) error {
	return errUnused
}

func (strategy) ValidateAccessToken(context.Context, fosite.Requester, string) error {
	return errUnused
}

// GenerateAuthorizeCode returns the code of the new grant.
func (s strategy) GenerateAuthorizeCode(ctx context.Context, _ fosite.Requester) (code, signature string, err error) {
	x := exchangeOf(ctx)
	if x.tokens == nil || x.tokens.Grant == nil {
		return "", "", x.fail(errNoExchange)
	}
	code = s.issuer.Code(&x.tokens.Grant.Grant)
	return code, code, nil
}

// GenerateRefreshToken is not used: the authorization endpoint issues none, and the token
// endpoint does without fosite's handlers.
func (strategy) GenerateRefreshToken(context.Context, fosite.Requester) (token, signature string, err error) {
	return "", "", errUnused
}

// GenerateAccessToken returns an access token for the authorization response.
func (s strategy) GenerateAccessToken(ctx context.Context, _ fosite.Requester) (token, signature string, err error) {
	x := exchangeOf(ctx)
	if x.tokens == nil {
		return "", "", x.fail(errNoExchange)
	}
	if token, x.expiresIn, err = s.issuer.AccessToken(ctx, x.tokens); err != nil {
		return "", "", x.fail(err)
	}
	return token, token, nil
}

// GenerateIDToken returns the ID token for the grant of the exchange. The lifespan of fosite
// is not used.
func (s strategy) GenerateIDToken(ctx context.Context, _ time.Duration, _ fosite.Requester) (string, error) {
	x := exchangeOf(ctx)
	if x.tokens == nil || x.tokens.Grant == nil {
		return "", x.fail(errNoExchange)
	}
	token, err := s.issuer.IDToken(ctx, x.tokens, x.hashes(ctx))
	if err != nil {
		return "", x.fail(err)
	}
	return token, nil
}

// hashes returns what fosite has put into the response so far. It makes the ID token last.
func (x *exchange) hashes(ctx context.Context) tokens.IDTokenHashes {
	if response, ok := ctx.Value(fosite.AccessResponseContextKey).(fosite.AccessResponder); ok {
		return tokens.IDTokenHashes{AccessToken: response.GetAccessToken()}
	}
	if response, ok := ctx.Value(fosite.AuthorizeResponseContextKey).(fosite.AuthorizeResponder); ok {
		made := response.GetParameters()
		return tokens.IDTokenHashes{Code: made.Get("code"), AccessToken: made.Get("access_token"), State: x.state}
	}
	return tokens.IDTokenHashes{}
}

// engineClient is a client as fosite sees it. It does not implement
// [fosite.OpenIDConnectClient]: request objects and assertions never reach fosite.
type engineClient struct {
	*client.Client
	scopes      []string // that the client may have
	resources   []string // of the request, which have been checked
	redirectURI string   // of the authorization request, which has been checked
}

var (
	_ fosite.Client             = (*engineClient)(nil)
	_ fosite.ResponseModeClient = (*engineClient)(nil)
)

func (c *engineClient) GetID() string                      { return c.ID }
func (c *engineClient) GetHashedSecret() []byte            { return nil }
func (c *engineClient) GetRedirectURIs() []string          { return []string{c.redirectURI} }
func (c *engineClient) GetGrantTypes() fosite.Arguments    { return c.GrantTypes }
func (c *engineClient) GetResponseTypes() fosite.Arguments { return c.ResponseTypes }
func (c *engineClient) GetScopes() fosite.Arguments        { return c.scopes }
func (c *engineClient) IsPublic() bool                     { return c.Client.IsPublic() }
func (c *engineClient) GetAudience() fosite.Arguments      { return c.resources }

func (c *engineClient) GetResponseModes() []fosite.ResponseModeType {
	return []fosite.ResponseModeType{
		fosite.ResponseModeDefault, fosite.ResponseModeQuery, fosite.ResponseModeFragment, fosite.ResponseModeFormPost,
	}
}

// session is the session type that fosite passes through its handlers. The exchange holds the
// facts; fosite only requires a subject.
type session struct {
	claims  jwt.IDTokenClaims
	headers jwt.Headers
}

var _ openid.Session = (*session)(nil)

func newSession(subject string) *session {
	return &session{claims: jwt.IDTokenClaims{Subject: subject}}
}

func (s *session) IDTokenClaims() *jwt.IDTokenClaims { return &s.claims }
func (s *session) IDTokenHeaders() *jwt.Headers      { return &s.headers }
func (s *session) GetUsername() string               { return "" }
func (s *session) GetSubject() string                { return s.claims.Subject }

// SetExpiresAt does nothing: [tokens.Issuer] decides lifetimes.
func (s *session) SetExpiresAt(fosite.TokenType, time.Time) {}

// GetExpiresAt returns the zero time, which fosite replaces by its default.
func (s *session) GetExpiresAt(fosite.TokenType) time.Time { return time.Time{} }

// Clone returns a copy that shares nothing with s.
func (s *session) Clone() fosite.Session { return newSession(s.claims.Subject) }

// engineConfig lets the policy depend on the client of the exchange.
type engineConfig struct {
	*fosite.Config
}

// GetEnforcePKCE reports whether the client registered that it must use PKCE. Public clients
// must in any case.
func (engineConfig) GetEnforcePKCE(ctx context.Context) bool {
	x := exchangeOf(ctx)
	return x.client.Client != nil && x.client.RequirePKCE
}

// authenticated returns the client that the token endpoint has authenticated.
func authenticated(ctx context.Context, _ *http.Request, _ url.Values) (fosite.Client, error) {
	x := exchangeOf(ctx)
	if x.client.Client == nil {
		return nil, fosite.ErrInvalidClient
	}
	return &x.client, nil
}
