package server

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/dpop"
	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/keyring"
	"github.com/ostiary/ostiary/internal/login/external"
	"github.com/ostiary/ostiary/internal/oauth2/assertion"
	"github.com/ostiary/ostiary/internal/oauth2/authorize"
	"github.com/ostiary/ostiary/internal/oauth2/backchannelauth"
	"github.com/ostiary/ostiary/internal/oauth2/clientauth"
	"github.com/ostiary/ostiary/internal/oauth2/deviceauth"
	"github.com/ostiary/ostiary/internal/oauth2/engine"
	"github.com/ostiary/ostiary/internal/oauth2/introspection"
	"github.com/ostiary/ostiary/internal/oauth2/par"
	"github.com/ostiary/ostiary/internal/oauth2/requestobject"
	"github.com/ostiary/ostiary/internal/oauth2/revocation"
	"github.com/ostiary/ostiary/internal/oauth2/token"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
	"github.com/ostiary/ostiary/internal/outbound"
	"github.com/ostiary/ostiary/internal/profile"
)

// OAuth2 holds the OAuth 2.0 endpoints and the reader of their tokens.
type OAuth2 struct {
	Authorize     *authorize.Handler
	Push          *par.Handler
	DeviceAuth    *deviceauth.Handler
	Backchannel   *backchannelauth.Handler
	Decisions     *backchannelauth.Decisions
	Token         *token.Handler
	Introspection *introspection.Handler
	Revocation    *revocation.Handler
	AccessTokens  *tokens.Reader
	Codec         *tokens.Codec
}

// composeOAuth2 composes the OAuth 2.0 endpoints.
func composeOAuth2(ctx context.Context, s *Server) error {
	c := s.Config
	sealer, err := newAccessTokenSealer(ctx, s)
	if err != nil {
		return err
	}
	hooks, err := newTokenHooks(s)
	if err != nil {
		return err
	}
	codec := newCodec(s)
	issuer := newIssuer(s, codec, sealer)
	fosite := engine.New(issuer)
	lifetimes := &issuer.Lifetimes
	authenticator, err := newAuthenticator(s) //nolint:contextcheck // the decoy is created before any request
	if err != nil {
		return err
	}
	requests := newAuthorizationRequests(s, lifetimes)
	nonces := newDPoPNonces(s)
	hooks.Issuer, hooks.Subjects, hooks.ClaimStyle = c.Issuer, s.subjects, issuer.ClaimStyle
	accessTokens := &tokens.Reader{
		Issuer: c.Issuer, Verifier: s.Keys, Sealer: sealer, ClaimStyle: issuer.ClaimStyle, Grants: s.Store.Grants, Now: s.Now,
	}
	s.OAuth2 = OAuth2{
		Authorize: newAuthorize(s, requests, fosite, lifetimes),
		Push: &par.Handler{
			Authenticator: authenticator, Checks: requests, Store: s.Store.PushedRequests, Proofs: newProofs(s, nonces, pathPush),
			Lifetime: pushedLifetime, Now: s.Now,
		},
		DeviceAuth: &deviceauth.Handler{
			Authenticator: authenticator, Checks: requests, Devices: pendingDevices{s.Store.Devices, s.pending}, UserCodes: s.userCodes, Codec: codec,
			VerificationURI: c.URL(pathDevice), Lifetime: c.DeviceCodeLifetime, Interval: c.DevicePollInterval, Now: s.Now,
		},
		Backchannel: newBackchannelAuth(s, authenticator, requests, codec),
		Decisions:   newBackchannelDecisions(s, requests, codec),
		Token: token.New(token.Config{
			Authenticator: authenticator, Scopes: s.scopes, Engine: fosite, Issuer: issuer, Codec: codec, Lifetimes: lifetimes,
			Grants: s.Store.Grants, Devices: pendingDevices{s.Store.Devices, s.pending}, Backchannel: s.Store.Backchannel, Hooks: hooks, RefreshGracePeriod: c.RefreshGrace,
			Proofs: newProofs(s, nonces, pathToken), OneTime: s.Store.Replay, Profile: c.SecurityProfile, IssuerURL: c.Issuer, Exchangeable: accessTokens, RecordExchange: recordExchange(s),
			Assertions: &assertion.Reader{
				Issuer: c.Issuer, TokenEndpoint: c.URL(pathToken), Trusts: assertion.NewCache(s.Store.TrustedIssuers, s.Store.Changes(), s.Now), Replay: s.Store.Replay,
				MaxTTL: c.JWTBearerMaxTTL, NoIAT: c.JWTBearerIATOptional,
			},
			Accounts: s.Store.Accounts, Issued: s.Metrics.CountTokenResponse, Used: s.Usage.Client, Now: s.Now,
		}),
		Introspection: &introspection.Handler{
			Issuer: c.Issuer, Authenticator: authenticator, Used: s.Usage.Client, Clients: s.Clients, AccessTokens: accessTokens, Codec: codec,
			Grants: s.Store.Grants, Scopes: s.scopes, Subjects: s.subjects, Signer: s.Keys, Encrypter: outbound.Encrypter{Keys: s.keySets}, Now: s.Now,
		},
		Revocation: &revocation.Handler{
			Authenticator: authenticator, AccessTokens: accessTokens, Codec: codec, Grants: s.Store.Grants, Now: s.Now,
		},
		AccessTokens: accessTokens,
		Codec:        codec,
	}
	return nil
}

// newCodec returns the maker of codes, refresh tokens and identifiers of requests.
func newCodec(s *Server) *tokens.Codec {
	return tokens.NewCodec(tokenKeys(s.Secrets, "code and refresh token"))
}

// newIssuer returns the issuer of all tokens.
func newIssuer(s *Server, codec *tokens.Codec, sealer *tokens.Sealer) *tokens.Issuer {
	c := s.Config
	return &tokens.Issuer{
		Issuer: c.Issuer, Signer: s.Keys, Encrypter: outbound.Encrypter{Keys: s.keySets}, Codec: codec, Sealer: sealer, Subjects: s.subjects,
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
		Log: s.Log,
	}
}

// newAuthenticator returns the client authenticator of all endpoints.
func newAuthenticator(s *Server) (*clientauth.Authenticator, error) {
	c := s.Config
	anchors, err := newAnchors(c)
	return clientauth.New(clientauth.Config{
		Clients: s.Clients, Replay: s.Store.Replay, KeySets: s.keySets,
		Hasher: hasherWithoutSlot{s.clientHasher}, Sealer: s.Secrets, Throttle: secretThrottle(s),
		Renewals: secretReplacer{s.Store.Clients, s.Clients}, Used: s.Usage.Secret,
		Issuer: c.Issuer, Endpoints: authenticatingEndpoints(c), IssuerAudience: c.ClientAssertionAudience == config.AudienceIssuer,
		Anchors: anchors, Profile: c.SecurityProfile, Now: s.Now,
	}), err
}

func newAuthorizationRequests(s *Server, lifetimes *tokens.Lifetimes) *authorize.Requests {
	c := s.Config
	return &authorize.Requests{
		Issuer: c.Issuer, Clients: s.Clients, Scopes: s.scopes, Hints: s.Keys, Sealer: s.Secrets, Lifetimes: lifetimes,
		RequestObjects: newRequestObjects(s),
		MaxRedirectURL: c.MaxRedirectURLLength, SignUp: c.SignUp.ByThemselves(), LegacyResponseTypes: c.LegacyResponseTypes,
		RequirePushed: c.RequirePushed, Profile: c.SecurityProfile,
	}
}

// newRequestObjects returns what opens request objects.
func newRequestObjects(s *Server) *requestobject.Opener {
	return &requestobject.Opener{
		Issuer: s.Config.Issuer, KeySets: s.keySets, Documents: s.fetcher, Registered: s.registeredFetcher, Replay: s.Store.Replay,
		Profile: s.Config.SecurityProfile, RequireSigned: s.Config.RequireSigned, Now: s.Now,
	}
}

func newAuthorize(s *Server, requests *authorize.Requests, fosite *engine.Engine, lifetimes *tokens.Lifetimes) *authorize.Handler {
	c := s.Config
	signIn, consent := signInProviders(s)
	return authorize.New(authorize.Config{
		Issuer: c.Issuer, AuthorizeURL: c.URL(pathAuthorize), PageURL: c.URL, HighestLevel: s.highestLevel, TermsVersion: c.TermsVersion, DeviceDone: c.DeviceSuccessURL,
		SignIn: signIn, Consent: consent, LoginApp: newLoginApp(s), ConsentApp: &external.Consent{URL: c.ConsentURL},
		Requests: requests, Clients: s.Clients, Store: browserSessions{newPendingRequests(s), s.Store.Sessions}, Pushed: s.Store.PushedRequests, Sessions: s.sessions,
		Grants: s.Store.Grants, Devices: pendingDevices{s.Store.Devices, s.pending}, Used: s.Usage.Client,
		Engine: fosite, Signer: s.Keys, Encrypter: outbound.Encrypter{Keys: s.keySets}, Pages: s.errorPages(), Cookies: s.Cookies, Subjects: s.subjects,
		Lifetimes: lifetimes, RequestLifetime: requestLifetime, MaxRedirectURL: c.MaxRedirectURLLength, Now: s.Now, Log: s.Log,
	})
}

// authenticatingEndpoints returns the URLs at which clients authenticate. Libraries name any
// of them as the audience of their assertions.
func authenticatingEndpoints(c *config.Config) []string {
	var all []string
	for _, path := range []string{pathToken, pathPush, pathIntrospect, pathRevoke, pathDeviceAuth, pathBackchannel} {
		all = append(all, c.URL(path))
		if alias := c.MutualTLSURL(path); alias != "" {
			all = append(all, alias)
		}
	}
	return all
}

// secretThrottle counts failed attempts at client secrets, unless limits are off.
func secretThrottle(s *Server) client.Throttle {
	if !s.Config.RateLimits {
		return nil
	}
	return s.Store.Throttle
}

// newAccessTokenSealer returns the sealer of opaque access tokens. Its keys are derived from
// the system secret and a random value of the database, so that a token cannot be made
// with only one of them.
func newAccessTokenSealer(ctx context.Context, s *Server) (*tokens.Sealer, error) {
	seed, err := s.Store.Seeds.Seed(ctx, "access token")
	if err != nil {
		return nil, err
	}
	keys := tokenKeys(s.Secrets, "access token")
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

// newDPoPNonces returns the nonces of DPoP proofs, which every replica accepts.
func newDPoPNonces(s *Server) *dpop.Nonces { return dpop.NewNonces(nonceKeys(s), s.Now) }

func nonceKeys(s *Server) (keys [][]byte) {
	for _, derived := range s.Secrets.DeriveAll("DPoP nonce") {
		keys = append(keys, derived.Key)
	}
	return keys
}

// pushedLifetime is how long a user may take to begin a request that its client pushed.
//
// Spec: RFC 9126 §2.2, FAPI 2.0 Security Profile §5.3.2.2.
const pushedLifetime = time.Minute

// newProofs verifies the DPoP proofs of the endpoint at a path.
func newProofs(s *Server, nonces *dpop.Nonces, path string) *clientauth.Proofs {
	return &clientauth.Proofs{
		Verifier: &dpop.Verifier{Nonces: nonces, Replay: s.Store.Replay, Alias: aliasOf(s.Config), Now: s.Now}, URL: s.Config.URL(path),
		RequiresNonce: func(c *client.Client) bool { return requiresNonce(s.Config, c) }, Profile: s.Config.SecurityProfile,
	}
}

// requiresNonce reports whether the DPoP proofs of a client need a nonce.
func requiresNonce(c *config.Config, of *client.Client) bool {
	return c.DPoPNonces == config.DPoPNoncesOn || c.DPoPNonces == config.DPoPNoncesClient && of.RequireDPoPNonce
}

// proofNeeds returns whether the DPoP proofs of the client of an access token need a nonce, and the security
// profile of the client.
func proofNeeds(ctx context.Context, s *Server, clientID string) (nonce bool, p profile.Profile, err error) {
	c, err := s.Clients.Client(ctx, clientID)
	if errors.Is(err, client.ErrNotFound) {
		return s.Config.DPoPNonces == config.DPoPNoncesOn, s.Config.SecurityProfile, nil // its tokens are not active
	}
	if err != nil {
		return false, profile.Off, err
	}
	return requiresNonce(s.Config, c), c.ProfileOn(s.Config.SecurityProfile), nil
}
