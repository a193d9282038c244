package server

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/keyring"
	"github.com/ostiary/ostiary/internal/login/external"
	"github.com/ostiary/ostiary/internal/oauth2/assertion"
	"github.com/ostiary/ostiary/internal/oauth2/authorize"
	"github.com/ostiary/ostiary/internal/oauth2/clientauth"
	"github.com/ostiary/ostiary/internal/oauth2/deviceauth"
	"github.com/ostiary/ostiary/internal/oauth2/engine"
	"github.com/ostiary/ostiary/internal/oauth2/introspection"
	"github.com/ostiary/ostiary/internal/oauth2/requestobject"
	"github.com/ostiary/ostiary/internal/oauth2/revocation"
	"github.com/ostiary/ostiary/internal/oauth2/token"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
	"github.com/ostiary/ostiary/internal/outbound"
)

// OAuth2 holds the OAuth 2.0 endpoints, and what reads their tokens.
type OAuth2 struct {
	Authorize     *authorize.Handler
	DeviceAuth    *deviceauth.Handler
	Token         *token.Handler
	Introspection *introspection.Handler
	Revocation    *revocation.Handler
	AccessTokens  *tokens.Reader
	Codec         *tokens.Codec
}

// operatorTokens is what the administrators' API needs to know about tokens.
type operatorTokens struct {
	*introspection.Handler
	*tokens.Reader
}

// wireOAuth2 composes the OAuth 2.0 endpoints.
func (a *Server) wireOAuth2(ctx context.Context) error {
	c := a.Config
	sealer, err := a.newSealer(ctx)
	if err != nil {
		return err
	}
	hooks, err := a.hooks()
	if err != nil {
		return err
	}
	codec := tokens.NewCodec(tokenKeys(a.Secrets, "code and refresh token"))
	issuer := a.newIssuer(codec, sealer)
	fosite := engine.New(issuer)
	lifetimes := &issuer.Lifetimes
	authenticator := a.newAuthenticator() //nolint:contextcheck // the decoy is created before any request
	requests := a.newAuthorizationRequests(lifetimes)
	hooks.Issuer, hooks.Subjects, hooks.ClaimStyle = c.Issuer, a.subjects, issuer.ClaimStyle
	accessTokens := &tokens.Reader{
		Issuer: c.Issuer, Verifier: a.Keys, Sealer: sealer, ClaimStyle: issuer.ClaimStyle, Grants: a.Store.Grants, Now: a.Now,
	}
	a.OAuth2 = OAuth2{
		Authorize: a.newAuthorize(requests, fosite, lifetimes),
		DeviceAuth: &deviceauth.Handler{
			Authenticator: authenticator, Checks: requests, Devices: pendingDevices{a.Store.Devices, a.pending}, UserCodes: a.userCodes, Codec: codec,
			VerificationURI: c.URL(pathDevice), Lifetime: c.DeviceCodeLifetime, Interval: c.DevicePollInterval, Now: a.Now,
		},
		Token: token.New(token.Config{
			Authenticator: authenticator, Scopes: a.scopes, Engine: fosite, Issuer: issuer, Codec: codec, Lifetimes: lifetimes,
			Grants: a.Store.Grants, Devices: pendingDevices{a.Store.Devices, a.pending}, Hooks: hooks, RefreshGracePeriod: c.RefreshGrace,
			Assertions: &assertion.Reader{
				Issuer: c.Issuer, TokenEndpoint: c.URL(pathToken), Trusts: assertion.NewCache(a.Store.TrustedIssuers, a.Store.Changes(), a.Now), Replay: a.Store.Replay,
				MaxTTL: c.JWTBearerMaxTTL, NoIAT: c.JWTBearerIATOptional,
			},
			Issued: a.Metrics.CountTokenResponse, Now: a.Now,
		}),
		Introspection: &introspection.Handler{
			Issuer: c.Issuer, Authenticator: authenticator, Clients: a.Clients, AccessTokens: accessTokens, Codec: codec,
			Grants: a.Store.Grants, Scopes: a.scopes, Subjects: a.subjects, Now: a.Now,
		},
		Revocation: &revocation.Handler{
			Authenticator: authenticator, AccessTokens: accessTokens, Codec: codec, Grants: a.Store.Grants, Now: a.Now,
		},
		AccessTokens: accessTokens,
		Codec:        codec,
	}
	return nil
}

// newIssuer returns the issuer of all tokens.
func (a *Server) newIssuer(codec *tokens.Codec, sealer *tokens.Sealer) *tokens.Issuer {
	c := a.Config
	return &tokens.Issuer{
		Issuer: c.Issuer, Signer: a.Keys, Encrypter: outbound.Encrypter{Keys: a.keySets}, Codec: codec, Sealer: sealer, Subjects: a.subjects,
		Lifetimes: tokens.Lifetimes{
			Code: c.CodeLifetime, AccessToken: c.AccessTokenLifetime, IDToken: c.IDTokenLifetime, LongestToken: c.LongestTokenLifetime,
			RefreshIdle: c.RefreshIdleLifetime, RefreshAbsolute: c.RefreshAbsoluteLifetime,
		},
		OpaqueAccessToken: c.AccessTokenFormat == config.FormatOpaque,
		MinimalIDToken:    c.IDTokenClaims == config.IDTokenMinimal,
		AccessTokenAlg:    jwks.Algorithm(c.AccessTokenAlg),
		ClaimStyle: tokens.ClaimStyle{
			TopLevel: c.AllowedTopLevelClaims, Mirror: c.MirrorTopLevelClaims, Scope: tokens.ScopeClaim(c.ScopeClaim),
		},
		Log: a.Log,
	}
}

// newAuthenticator returns what authenticates clients at all endpoints.
func (a *Server) newAuthenticator() *clientauth.Authenticator {
	c := a.Config
	return clientauth.New(clientauth.Config{
		Clients: a.Clients, Replay: a.Store.Replay, KeySets: a.keySets,
		Slow: asideHasher{a.clientHasher}, Vault: a.Secrets, Guesses: a.secretGuesses(),
		Renewals: renewals{a.Store.Clients, a.Clients},
		Issuer:   c.Issuer, Endpoints: authenticatingEndpoints(c), IssuerAudience: c.ClientAssertionAudience == config.AudienceIssuer, Now: a.Now,
	})
}

func (a *Server) newAuthorizationRequests(lifetimes *tokens.Lifetimes) *authorize.Requests {
	c := a.Config
	return &authorize.Requests{
		Issuer: c.Issuer, Clients: a.Clients, Scopes: a.scopes, Hints: a.Keys, Lifetimes: lifetimes,
		RequestObjects: &requestobject.Opener{Issuer: c.Issuer, KeySets: a.keySets, Documents: a.fetcher, Registered: a.registeredFetcher, Now: a.Now},
		MaxRedirectURL: c.MaxRedirectURLLength, SignUp: c.SignUp, LegacyResponseTypes: c.LegacyResponseTypes,
	}
}

func (a *Server) newAuthorize(requests *authorize.Requests, fosite *engine.Engine, lifetimes *tokens.Lifetimes) *authorize.Handler {
	c := a.Config
	signIn, consent := a.providers()
	return authorize.New(authorize.Config{
		Issuer: c.Issuer, AuthorizeURL: c.URL(pathAuthorize), DeviceDone: c.DeviceSuccessURL,
		SignIn: signIn, Consent: consent, LoginApp: a.loginApp(), ConsentApp: &external.Consent{URL: c.ConsentURL},
		Requests: requests, Clients: a.Clients, Store: browserSessions{a.pendingRequests(), a.Store.Sessions}, Sessions: a.sessions,
		Grants: a.Store.Grants, Devices: pendingDevices{a.Store.Devices, a.pending},
		Engine: fosite, Pages: a.errorPages(), Cookies: a.Cookies, Subjects: a.subjects,
		Lifetimes: lifetimes, RequestLifetime: requestLifetime, MaxRedirectURL: c.MaxRedirectURLLength, Now: a.Now, Log: a.Log,
	})
}

// authenticatingEndpoints returns the URLs at which clients authenticate. Libraries name any
// of them as the audience of their assertions.
func authenticatingEndpoints(c *config.Config) []string {
	return []string{c.URL(pathToken), c.URL(pathIntrospect), c.URL(pathRevoke), c.URL(pathDeviceAuth)}
}

// secretGuesses counts failed attempts at client secrets, unless limits are off.
func (a *Server) secretGuesses() client.Throttle {
	if !a.Config.RateLimits {
		return nil
	}
	return a.Store.Throttle
}

// newSealer returns what seals opaque access tokens. Its keys need a random value of the
// database beside the system secret, so that neither alone makes a token.
func (a *Server) newSealer(ctx context.Context) (*tokens.Sealer, error) {
	seed, err := a.Store.Seeds.Seed(ctx, "access token")
	if err != nil {
		return nil, err
	}
	keys := tokenKeys(a.Secrets, "access token")
	for i := range keys {
		mac := hmac.New(sha256.New, keys[i].Secret)
		mac.Write(seed)
		keys[i].Secret = mac.Sum(nil)
	}
	return tokens.NewSealer(keys)
}

// tokenKeys returns one key for each system secret, the current one first.
func tokenKeys(secrets *keyring.Keyring, label string) []tokens.Key {
	var keys []tokens.Key
	for _, derived := range secrets.DeriveAll(label) {
		keys = append(keys, tokens.Key{Tag: derived.Tag, Secret: derived.Key})
	}
	return keys
}
