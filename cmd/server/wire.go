package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ostiary/ostiary/internal/admin"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/devicecode"
	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/keyring"
	"github.com/ostiary/ostiary/internal/login"
	"github.com/ostiary/ostiary/internal/metrics"
	"github.com/ostiary/ostiary/internal/middleware"
	"github.com/ostiary/ostiary/internal/oauth2/assertion"
	oauth2 "github.com/ostiary/ostiary/internal/oauth2/authorize"
	"github.com/ostiary/ostiary/internal/oauth2/clientauth"
	"github.com/ostiary/ostiary/internal/oauth2/requestobject"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
	"github.com/ostiary/ostiary/internal/oidc/discovery"
	"github.com/ostiary/ostiary/internal/oidc/logout"
	"github.com/ostiary/ostiary/internal/oidc/userinfo"
	"github.com/ostiary/ostiary/internal/outbound"
	"github.com/ostiary/ostiary/internal/outbox"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/registration"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store"
)

const (
	requestLifetime = 30 * time.Minute // an authorization request waits so long for a person
	cachedClients   = 10_000
)

// app is the server, put together from a configuration.
type app struct {
	config  *config.Config
	log     *slog.Logger
	now     func() time.Time
	store   *store.Store
	secrets *keyring.Keyring
	keys    *jwks.Manager
	hasher  *credential.Hasher
	// subjects gives the names under which clients know people.
	subjects client.Subjects
	// clientHasher is for clients' short secrets: a flood of those must not keep
	// people out.
	clientHasher *credential.Hasher
	// adminHasher is for the secrets that operators choose.
	adminHasher *credential.Hasher
	cookies     session.Cookies
	pages       *pages.Pages
	// fetcher fetches what clients' URLs point to. What anybody can make the server
	// fetch, for clients that registered themselves, has a room of its own.
	fetcher, registeredFetcher *outbound.Client
	keySets                    *outbound.KeySets

	stopping    stopping
	warnOfProxy func(http.Handler) http.Handler // one for both listeners
	metrics     *metrics.Metrics
	refusals    *refusal.Recorder
	reporter    *refusal.Reporter
	room        room
	limited     map[string]*atomic.Uint64 // refusals by rate limit
	waiting     waitingStore

	clients      *store.ClientCache
	scopes       *store.ScopeCache
	userCodes    *devicecode.UserCodes
	courier      *outbox.Courier
	sessions     *session.Manager
	oauth2       *oauth2.Handler
	userinfo     *userinfo.Handler
	logout       *logout.Handler
	discovery    *discovery.Handler
	registration *registration.Handler
	login        *login.Service
	operator     *admin.Handler
}

// openStore opens the database that the configuration names.
func openStore(ctx context.Context, c *config.Config, log *slog.Logger) (*store.Store, error) {
	s, err := store.Open(ctx, store.Config{
		URL: c.DatabaseURL.Reveal(), MaxConns: c.DatabaseMaxConnections,
		// How long a grant lives, the grant itself says; these two say when to look.
		LongestGrant: max(c.RefreshAbsoluteLifetime, c.LongestTokenLifetime) + requestLifetime,
		Linger:       max(requestLifetime, c.DeviceCodeLifetime),
		Audit:        c.AuditRetention,
		Now:          now, Log: log, WithoutSlot: middleware.Aside,
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// systemSecrets returns the system secrets of the configuration.
func systemSecrets(c *config.Config) (*keyring.Keyring, error) {
	texts := make([]string, 0, len(c.SystemSecrets))
	for _, secret := range c.SystemSecrets {
		texts = append(texts, secret.Reveal())
	}
	return keyring.New(texts...)
}

// newKeys returns the key manager over an open store.
func newKeys(c *config.Config, s *store.Store, secrets *keyring.Keyring, log *slog.Logger, now func() time.Time) (*jwks.Manager, error) {
	return jwks.New(jwks.Config{
		Changes: s.Changes(),
		Store:   s, Keyring: secrets, Now: now, Log: log, Settle: s.Settle,
		Algorithms:    []jwks.Algorithm{jwks.RS256, jwks.PS256, jwks.ES256, jwks.EdDSA},
		CacheLifetime: c.KeySetCache, RotateEvery: c.KeyRotateEvery,
		TokenLifetime: c.LongestTokenLifetime,
		HintLifetime:  c.KeySetCache + max(c.SessionAbsoluteLifetime, c.RememberedAbsoluteLifetime),
	})
}

// newApp puts the server together over an open store.
func newApp(ctx context.Context, c *config.Config, s *store.Store, log *slog.Logger, now func() time.Time) (*app, error) {
	a := &app{
		config: c, log: log, now: now, store: s,
		cookies: session.Cookies{Secure: c.HTTPS(), Path: c.Path()},
		clients: store.NewClientCache(s, cachedClients),
		scopes:  newScopeCache(c, s),
	}
	a.warnOfProxy = middleware.WarnOfProxy(c.TrustedProxies, log)
	a.hasher, a.clientHasher, a.adminHasher = newHashers(c)
	if err := a.learnHashes(ctx); err != nil {
		return nil, err
	}
	var err error
	if a.secrets, err = systemSecrets(c); err != nil {
		return nil, err
	}
	if a.keys, err = newKeys(c, s, a.secrets, log, now); err != nil {
		return nil, err
	}
	if err := a.keys.Start(ctx); err != nil {
		return nil, fmt.Errorf("start keys: %w", err)
	}
	if a.fetcher, err = newFetcher(c); err != nil {
		return nil, err
	}
	a.registeredFetcher = a.fetcher.Apart()
	// Clients' keys have room of their own: anybody can make us fetch a request
	// object, and that must keep no client from authenticating.
	a.keySets = outbound.NewKeySets(a.fetcher.Apart(), now)
	a.keySets.Log = log
	if a.pages, err = pages.New(c.Path()); err != nil {
		return nil, fmt.Errorf("parse pages: %w", err)
	}
	if a.subjects.Salt, err = s.Seed(ctx, "pairwise subject"); err != nil {
		return nil, err
	}
	if a.cookies.StateKey, err = s.Seed(ctx, "browser state"); err != nil {
		return nil, err
	}
	a.room = a.newRoom()
	a.waiting = a.newWaitingStore()
	a.wireDevices()
	a.wireRefusals()
	a.wireMetrics() //nolint:contextcheck // it is asked later
	a.wireNotices()
	if err := a.wireTokens(ctx); err != nil {
		return nil, err
	}
	a.wireOIDC()
	if err := a.wireRegistration(ctx); err != nil {
		return nil, err
	}
	a.wireLogin()
	a.wireAdmin()
	a.discovery, err = discovery.New(ctx, a.capabilities(), a.scopes, now)
	if err != nil {
		return nil, fmt.Errorf("write discovery: %w", err)
	}
	return a, nil
}

// authenticatingEndpoints are the URLs at which clients authenticate, any of which
// libraries name as the audience of their assertions.
func authenticatingEndpoints(c *config.Config) []string {
	return []string{c.URL(pathToken), c.URL(pathIntrospect), c.URL(pathRevoke), c.URL(pathDeviceAuth)}
}

func (a *app) wireTokens(ctx context.Context) error {
	sealer, err := a.newSealer(ctx)
	if err != nil {
		return err
	}
	hooks, err := a.hooks()
	if err != nil {
		return err
	}
	c, signUp := a.config, ""
	if c.SignUp {
		signUp = c.URL(pathSignUp)
	}
	a.oauth2 = oauth2.New(oauth2.Config{
		Issuer:       c.Issuer,
		AuthorizeURL: c.URL(pathAuthorize), LoginURL: c.URL(pathLogin), ConsentURL: c.URL(pathConsent), SignUpURL: signUp,
		LoginApp: c.LoginURL, ConsentApp: c.ConsentURL, DeviceURL: c.URL(pathDevice), DeviceDone: c.DeviceSuccessURL,
		Clients: a.clients,
		Authenticator: clientauth.New(clientauth.Config{ //nolint:contextcheck // its decoy is made at once
			Clients: a.clients, Replay: a.store, KeySets: a.keySets,
			Slow: asideHasher{a.clientHasher}, Vault: a.secrets, Guesses: a.secretGuesses(),
			Renewals: renewals{a.store, a.clients},
			Issuer:   c.Issuer, Endpoints: authenticatingEndpoints(c), IssuerAudience: c.ClientAssertionAudience == config.AudienceIssuer, Now: a.now,
		}),
		Grants: a.store, Sessions: a.waiting, Devices: a.waiting, UserCodes: a.userCodes, Entrance: a.store, SessionManager: a.sessions, Keys: a.keys, Pages: a.errorPages(), Cookies: a.cookies, Subjects: a.subjects,
		RequestObjects: &requestobject.Opener{Issuer: c.Issuer, KeySets: a.keySets, Documents: a.fetcher, Registered: a.registeredFetcher, Now: a.now},
		Assertions: &assertion.Reader{
			Issuer: c.Issuer, TokenEndpoint: c.URL(pathToken), Trusts: assertion.NewCache(a.store, a.store.Changes()), Replay: a.store,
			MaxTTL: c.JWTBearerMaxTTL, NoIAT: c.JWTBearerIATOptional,
		},
		Hooks:               hooks,
		LegacyResponseTypes: c.LegacyResponseTypes,
		MaxRedirectURL:      c.MaxRedirectURLLength,
		Codec:               tokens.NewCodec(tokenKeys(a.secrets, "code and refresh token")),
		Sealer:              sealer,
		Encrypter:           outbound.Encrypter{Keys: a.keySets},
		Scopes:              a.scopes,
		Lifetimes: oauth2.Lifetimes{
			Code: c.CodeLifetime, AccessToken: c.AccessTokenLifetime, IDToken: c.IDTokenLifetime, LongestToken: c.LongestTokenLifetime,
			RefreshIdle: c.RefreshIdleLifetime, RefreshAbsolute: c.RefreshAbsoluteLifetime, RefreshGrace: c.RefreshGrace,
			Request: requestLifetime, Device: c.DeviceCodeLifetime, DeviceWait: c.DevicePollInterval,
		},
		OpaqueAccessToken: c.AccessTokenFormat == config.FormatOpaque,
		MinimalIDToken:    c.IDTokenClaims == config.IDTokenMinimal,
		AccessTokenAlg:    jwks.Algorithm(c.AccessTokenAlg),
		Issued:            a.metrics.CountTokenResponse,
		ClaimStyle: oauth2.ClaimStyle{
			TopLevel: c.AllowedTopLevelClaims, Mirror: c.MirrorTopLevelClaims, Scope: oauth2.ScopeClaim(c.ScopeClaim),
		},
		Now: a.now, Log: a.log,
	})
	return nil
}

// secretGuesses counts guesses at clients' secrets, unless limits are off.
func (a *app) secretGuesses() client.Throttle {
	if !a.config.RateLimits {
		return nil
	}
	return a.store
}

// newFetcher returns what fetches the URLs that clients register.
func newFetcher(c *config.Config) (*outbound.Client, error) {
	o := outbound.Config{AllowPrivate: c.OutboundAllowPrivate, Aside: middleware.Aside}
	var err error
	if o.CA, err = outboundCA(c); err != nil {
		return nil, err
	}
	fetcher, err := outbound.New(o)
	if err != nil {
		return nil, fmt.Errorf("outbound client: %w", err)
	}
	return fetcher, nil
}

// newSealer returns what seals opaque access tokens. Its keys need a random value
// of the database beside the system secret, so that neither alone makes a token.
func (a *app) newSealer(ctx context.Context) (*tokens.Sealer, error) {
	seed, err := a.store.Seed(ctx, "access token")
	if err != nil {
		return nil, err
	}
	keys := tokenKeys(a.secrets, "access token")
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

func sessionLifetimes(c *config.Config) session.Lifetimes {
	return session.Lifetimes{Idle: c.SessionIdleLifetime, Absolute: c.SessionAbsoluteLifetime}
}

func rememberedLifetimes(c *config.Config) session.Lifetimes {
	return session.Lifetimes{Idle: c.RememberedIdleLifetime, Absolute: c.RememberedAbsoluteLifetime}
}

// wireDevices finds devices by the codes that they show.
func (a *app) wireDevices() {
	a.userCodes = &devicecode.UserCodes{Store: a.store}
	for _, derived := range a.secrets.DeriveAll("user code") {
		a.userCodes.Keys = append(a.userCodes.Keys, derived.Key)
	}
	if a.config.RateLimits {
		a.userCodes.Guesses = a.store
	}
}

func (a *app) wireOIDC() {
	var tickets [][]byte
	for _, derived := range a.secrets.DeriveAll("sign-out ticket") {
		tickets = append(tickets, derived.Key)
	}
	a.userinfo = &userinfo.Handler{
		Issuer: a.config.Issuer, Tokens: a.oauth2, Clients: a.clients, Scopes: a.scopes, Signer: a.keys, Encrypter: outbound.Encrypter{Keys: a.keySets},
		Subjects: a.subjects, Now: a.now, Log: a.log,
	}
	a.logout = &logout.Handler{
		Issuer: a.config.Issuer, Path: pathLogout, App: a.config.LogoutURL, After: a.config.PostLogoutURL, Keys: tickets,
		Verifier: a.keys, Clients: a.clients, Sessions: a.store, Manager: a.sessions, Requests: a.waiting, Browser: a.cookies, Pages: a.errorPages(),
		Subjects: a.subjects, MaxRedirectURL: a.config.MaxRedirectURLLength, Now: a.now, Log: a.log,
	}
}

func (a *app) wireLogin() {
	c := a.config
	a.login = login.New(login.Config{
		Issuer: strings.TrimSuffix(c.Issuer, "/"), Iss: c.Issuer,
		Accounts: a.store, Sessions: a.store, SessionManager: a.sessions, Requests: a.store, Clients: a.clients, Scopes: a.scopes, Attempts: a.store, SetupLinks: a.store,
		Devices: a.waiting, UserCodes: a.userCodes, DeviceApp: c.DeviceURL,
		Hasher: a.hasher, Pages: a.pages, Cookies: a.cookies,
		Lifetimes: login.Lifetimes{
			Consent: c.ConsentLifetime, Grant: c.RefreshAbsoluteLifetime, Device: c.DeviceCodeLifetime,
		},
		SignUp: c.SignUp, LoginApp: c.LoginURL != "", RateLimits: c.RateLimits, Address: middleware.Address, Networks: middleware.NetworkList, AccountDigest: a.accountDigest(),
		Now: a.now, Log: a.log,
	})
}

// capabilities says what is wired, for discovery to publish.
func (a *app) capabilities() discovery.Capabilities {
	caps := discovery.Capabilities{
		Issuer:        a.config.Issuer,
		Authorization: pathAuthorize, Token: pathToken, Userinfo: pathUserinfo, JWKS: pathKeys,
		Introspection: pathIntrospect, Revocation: pathRevoke, EndSession: pathLogout, CheckSession: pathCheck,
		DeviceAuthorization: pathDeviceAuth,
		Scopes:              a.config.DefaultScopes,
		GrantTypes:          client.GrantTypes(), ResponseTypes: []string{client.ResponseTypeCode}, ResponseModes: []string{"query", "fragment", "form_post"},
		AuthMethods: client.AuthMethods(), SubjectTypes: client.SubjectTypes(),
		IDTokenEncryptionAlgs: client.EncryptionAlgs(), IDTokenEncryptionEncs: client.EncryptionEncs(),
		UserinfoEncryptionAlgs: client.EncryptionAlgs(), UserinfoEncryptionEncs: client.EncryptionEncs(),
		UILocales:                []string{"en"},
		Prompts:                  []string{"none", "login", "consent", "select_account"},
		RequestObjectAlgs:        requestobject.Algorithms(),
		RevocationAuthMethods:    client.AuthMethods(),
		IntrospectionAuthMethods: []string{client.AuthBasic, client.AuthPost, client.AuthSecretJWT, client.AuthPrivateKeyJWT},
	}
	if a.config.LoginURL == "" { // otherwise the classes are the app's to name
		caps.ACRValues = []string{session.ACRPassword}
	}
	if a.config.SignUp {
		caps.Prompts = append(caps.Prompts, "create")
	}
	if a.config.LegacyResponseTypes {
		caps.GrantTypes = append(caps.GrantTypes, client.GrantImplicit)
		caps.ResponseTypes = append(caps.ResponseTypes, client.LegacyResponseTypes()...)
	}
	for _, alg := range a.keys.Algorithms() {
		caps.SigningAlgs = append(caps.SigningAlgs, string(alg))
		caps.AuthSigningAlgs = append(caps.AuthSigningAlgs, string(alg))
	}
	caps.AuthSigningAlgs = append(caps.AuthSigningAlgs, client.SecretAlgs()...)
	if a.config.Registration != config.RegistrationClosed {
		caps.Registration = pathRegister
	}
	return caps
}
