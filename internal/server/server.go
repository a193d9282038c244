// Package server composes the authorization server: it connects the endpoints to the store,
// mounts every URL (routes.go), and runs listeners, background work and shutdown. It is the
// only package that knows all others.
package server

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/ostiary/ostiary/internal/activity"
	"github.com/ostiary/ostiary/internal/admin"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/config"
	accountconsole "github.com/ostiary/ostiary/internal/console/account"
	adminconsole "github.com/ostiary/ostiary/internal/console/admin"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/datafile"
	"github.com/ostiary/ostiary/internal/demoresource"
	"github.com/ostiary/ostiary/internal/devicecode"
	"github.com/ostiary/ostiary/internal/dpop"
	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/keyring"
	"github.com/ostiary/ostiary/internal/login"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/metrics"
	"github.com/ostiary/ostiary/internal/middleware"
	"github.com/ostiary/ostiary/internal/oauth2/authorize"
	"github.com/ostiary/ostiary/internal/oauth2/requestobject"
	"github.com/ostiary/ostiary/internal/oidc/discovery"
	"github.com/ostiary/ostiary/internal/oidc/logout"
	"github.com/ostiary/ostiary/internal/oidc/userinfo"
	"github.com/ostiary/ostiary/internal/outbound"
	"github.com/ostiary/ostiary/internal/outbox"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/passkey"
	"github.com/ostiary/ostiary/internal/passwordpolicy"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/registration"
	"github.com/ostiary/ostiary/internal/scope"
	"github.com/ostiary/ostiary/internal/secondfactor"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/statistics"
	"github.com/ostiary/ostiary/internal/store"
)

const (
	requestLifetime = 30 * time.Minute // of a pending authorization request
	cachedClients   = 10_000
)

// Options are the settings and dependencies of a server.
type Options struct {
	Config  *config.Config
	Store   *store.Store
	Log     *slog.Logger
	Now     func() time.Time
	Version string // of the build
}

// Server is an authorization server with all of its endpoints. Commands and tests use the
// exported fields in addition to the handlers.
type Server struct {
	Options

	Secrets *keyring.Keyring
	Keys    *jwks.Manager
	Hasher  *credential.Hasher
	// subjects computes the subject identifiers of users per client.
	subjects client.Subjects
	// clientHasher hashes short client secrets, so that a flood of them does not block users.
	clientHasher *credential.Hasher
	// adminHasher hashes the client secrets that operators choose.
	adminHasher *credential.Hasher
	Cookies     session.Cookies
	pages       *pages.Pages
	// fetcher fetches the URLs of clients. Those of self-registered clients have separate
	// limits, since any client can register.
	fetcher, registeredFetcher *outbound.Client
	keySets                    *outbound.KeySets

	stopping    stopping
	warnOfProxy func(http.Handler) http.Handler // shared by both listeners
	Metrics     *metrics.Metrics
	Refusals    *refusal.Recorder
	Statistics  *statistics.Recorder
	certificate atomic.Pointer[certificate] // nil without TLS
	Failures    *activity.Recorder          // failed sign-ins
	Usage       *client.Usage               // last uses of clients and secrets
	reporter    *refusal.Reporter
	admission   admissionLimits
	rateLimited map[string]*atomic.Uint64 // rejected requests by rate limit
	pending     pendingLimit

	Clients        *store.ClientCache
	scopes         *store.ScopeCache
	userCodes      *devicecode.UserCodes
	Outbox         *outbox.Dispatcher
	Mail           *mail.Worker // nil without a mail server
	MailOutbox     mail.Outbox
	DataFiles      *datafile.Worker
	sessions       *session.Manager
	SecondFactors  *secondfactor.Service
	TrustedDevices *secondfactor.TrustedDevices
	OAuth2         OAuth2
	usedProofs     *dpop.Seen // at the resources of this server
	resources      []publishedResource
	userinfo       *userinfo.Handler
	demo           *demoresource.Handler // nil if it is off
	logout         *logout.Handler
	discovery      *discovery.Handler
	registration   *registration.Handler
	login          *login.Service
	passwordPolicy *passwordpolicy.Policy
	BreachChecks   *passwordpolicy.SignInChecks // nil without a list of breached passwords
	relyingParty   *passkey.RelyingParty        // nil if passkeys are off
	account        *accountconsole.Console
	AdminAPI       *admin.Handler
	adminConsole   *adminconsole.Console // nil if there is none, like consolePages
	consolePages   *pages.Pages
}

// OpenStore opens the database that the configuration names.
func OpenStore(ctx context.Context, c *config.Config, log *slog.Logger) (*store.Store, error) {
	s, err := store.Open(ctx, store.Config{
		URL: c.DatabaseURL.Reveal(), MaxConns: c.DatabaseMaxConnections,
		// The lifetime of a grant is stored with it; these two are upper bounds for the search
		// of expired partitions.
		GrantLifetime:   max(c.RefreshAbsoluteLifetime, c.LongestTokenLifetime) + requestLifetime,
		RequestLifetime: max(requestLifetime, c.DeviceCodeLifetime),
		AuditRetention:  c.AuditRetention,
		Inactivity:      store.InactivityRule{DisableAfter: c.DisableInactiveAfter, WarnBefore: c.WarnInactiveBefore},
		Now:             time.Now, Log: log, WithoutSlot: middleware.WithoutSlot,
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// SystemSecrets returns the keyring of the configured system secrets.
func SystemSecrets(c *config.Config) (*keyring.Keyring, error) {
	texts := make([]string, 0, len(c.SystemSecrets))
	for _, secret := range c.SystemSecrets {
		texts = append(texts, secret.Reveal())
	}
	return keyring.New(texts...)
}

// NewKeys returns the signing key manager over an open store.
func NewKeys(c *config.Config, s *store.Store, secrets *keyring.Keyring, log *slog.Logger, now func() time.Time) (*jwks.Manager, error) {
	return jwks.New(jwks.Config{
		Changes: s.Changes(),
		Store:   s.Keys, Keyring: secrets, Now: now, Log: log, Settle: s.Settle,
		Algorithms:    []jwks.Algorithm{jwks.RS256, jwks.PS256, jwks.ES256, jwks.EdDSA},
		CacheLifetime: c.KeySetCache, RotateEvery: c.KeyRotateEvery,
		TokenLifetime: c.LongestTokenLifetime,
		HintLifetime:  c.KeySetCache + max(c.SessionAbsoluteLifetime, c.RememberedAbsoluteLifetime),
	})
}

// New composes a server over an open store. It creates missing signing keys.
func New(ctx context.Context, o Options) (*Server, error) {
	c, db, log, now := o.Config, o.Store, o.Log, o.Now
	s := &Server{
		Options: o,
		Cookies: session.Cookies{Secure: c.HTTPS(), Path: c.Path()},
		Clients: store.NewClientCache(db, cachedClients, builtInClients(c)...),
		scopes:  newScopeCache(c, db),
	}
	s.warnOfProxy = middleware.WarnOfUntrustedProxy(c.TrustedProxies, log)
	s.Hasher, s.clientHasher, s.adminHasher = newHashers(c)
	if err := learnHashCosts(ctx, s); err != nil {
		return nil, err
	}
	var err error
	if s.Secrets, err = SystemSecrets(c); err != nil {
		return nil, err
	}
	if s.Keys, err = NewKeys(c, db, s.Secrets, log, now); err != nil {
		return nil, err
	}
	if err := s.Keys.Start(ctx); err != nil {
		return nil, fmt.Errorf("start keys: %w", err)
	}
	if s.fetcher, err = newFetcher(c); err != nil {
		return nil, err
	}
	s.registeredFetcher = s.fetcher.WithSeparateLimit()
	// Client key sets have separate limits: any client can make the server fetch a request
	// object, which must not keep other clients from authenticating.
	s.keySets = outbound.NewKeySets(s.fetcher.WithSeparateLimit(), now)
	s.keySets.Log = log
	if s.pages, err = pages.New(pageOptions(s)); err != nil {
		return nil, fmt.Errorf("parse pages: %w", err)
	}
	if s.subjects.Salt, err = db.Seeds.Seed(ctx, "pairwise subject"); err != nil {
		return nil, err
	}
	if s.Cookies.StateKey, err = db.Seeds.Seed(ctx, "browser state"); err != nil {
		return nil, err
	}
	s.admission = newAdmissionLimits(s)
	s.pending = newPendingLimit(s)
	composeUserCodes(s)
	composeRefusals(s)
	s.Usage = &client.Usage{Store: db.Clients, Now: now, Log: log}
	s.Failures = &activity.Recorder{Store: db.Activity, Log: log}
	composeMetrics(s) //nolint:contextcheck // called later, with another context
	composeStatistics(s)
	composeSessions(s)
	composeSecondFactors(s)
	if err := composeMail(s); err != nil {
		return nil, err
	}
	if err := composeOAuth2(ctx, s); err != nil {
		return nil, err
	}
	if err := composeResources(s); err != nil {
		return nil, err
	}
	if err := composeOIDC(s); err != nil {
		return nil, err
	}
	if err := composeRegistration(ctx, s); err != nil {
		return nil, err
	}
	if err := composePasskeys(ctx, s); err != nil {
		return nil, err
	}
	if s.passwordPolicy, err = newPasswordPolicy(s); err != nil {
		return nil, err
	}
	s.BreachChecks = passwordpolicy.NewSignInChecks(s.passwordPolicy.Breaches, db.BreachChecks, now, log)
	composeLogin(s)
	composeAccountConsole(s)
	if err := composeAdmin(s); err != nil {
		return nil, err
	}
	if err := composeAdminConsole(s); err != nil {
		return nil, err
	}
	s.discovery, err = discovery.New(ctx, capabilities(s), s.scopes, now)
	if err != nil {
		return nil, fmt.Errorf("write discovery: %w", err)
	}
	return s, nil
}

// pageOptions returns the settings of the pages at the issuer.
func pageOptions(s *Server) pages.Options {
	c := s.Config
	o := pages.Options{
		Base: c.Path(), Languages: c.Languages, Cookie: session.LanguageCookie{Of: s.Cookies}, Theme: c.PageTheme(),
		Files: pages.Files{Logo: c.LogoFile, LogoDark: c.LogoDarkFile, Favicon: c.FaviconFile, Stylesheet: c.StylesheetFile},
	}
	if c.HasAccountPages() {
		o.AccountURL = c.URL(accountconsole.Root)
	}
	return o
}

// newFetcher returns the HTTP client for the URLs that clients register.
func newFetcher(c *config.Config) (*outbound.Client, error) {
	o := outbound.Config{AllowPrivate: c.OutboundAllowPrivate, WithoutSlot: middleware.WithoutSlot}
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

func sessionLifetimes(c *config.Config) session.Lifetimes {
	return session.Lifetimes{Idle: c.SessionIdleLifetime, Absolute: c.SessionAbsoluteLifetime}
}

func rememberedLifetimes(c *config.Config) session.Lifetimes {
	return session.Lifetimes{Idle: c.RememberedIdleLifetime, Absolute: c.RememberedAbsoluteLifetime}
}

// composeUserCodes creates the lookup of devices by user code.
func composeUserCodes(s *Server) {
	s.userCodes = &devicecode.UserCodes{Store: s.Store.Devices}
	for _, derived := range s.Secrets.DeriveAll("user code") {
		s.userCodes.Keys = append(s.userCodes.Keys, derived.Key)
	}
	if s.Config.RateLimits {
		s.userCodes.Throttle = s.Store.Throttle
	}
}

func composeOIDC(s *Server) error {
	protected, err := newResource(s, ownResource{path: pathUserinfo, name: "UserInfo", scopes: scope.UserinfoScopes(), formBody: true})
	if err != nil {
		return err
	}
	var tickets [][]byte
	for _, derived := range s.Secrets.DeriveAll("sign-out ticket") {
		tickets = append(tickets, derived.Key)
	}
	s.userinfo = &userinfo.Handler{
		Issuer: s.Config.Issuer, Resource: protected, Clients: s.Clients, Scopes: s.scopes, Signer: s.Keys, Encrypter: outbound.Encrypter{Keys: s.keySets},
		Subjects: s.subjects, Now: s.Now, Log: s.Log,
	}
	s.logout = &logout.Handler{
		Issuer: s.Config.Issuer, Path: pathLogout, App: s.Config.LogoutURL, After: s.Config.PostLogoutURL, Keys: tickets,
		Verifier: s.Keys, Clients: s.Clients, Sessions: s.Store.Sessions, Manager: s.sessions, Requests: pendingLogouts{s.Store.LogoutRequests, s.pending}, Browser: s.Cookies, Pages: s.errorPages(),
		Subjects: s.subjects, MaxRedirectURL: s.Config.MaxRedirectURLLength, Now: s.Now, Log: s.Log,
	}
	return nil
}

// capabilities returns the enabled features for discovery.
func capabilities(s *Server) discovery.Capabilities {
	caps := discovery.Capabilities{
		Issuer: s.Config.Issuer, ProtectedResources: publicResources(s),
		Authorization: pathAuthorize, Token: pathToken, Userinfo: pathUserinfo, JWKS: pathKeys,
		Introspection: pathIntrospect, Revocation: pathRevoke, Push: pathPush, RequirePushed: s.Config.RequirePushed, EndSession: pathLogout, CheckSession: pathCheck,
		DeviceAuthorization: pathDeviceAuth, Backchannel: pathBackchannel, DeliveryModes: client.DeliveryModes(),
		Scopes:     s.Config.DefaultScopes,
		GrantTypes: client.GrantTypes(), ResponseTypes: []string{client.ResponseTypeCode}, ResponseModes: authorize.ResponseModes(),
		AuthMethods: client.AuthMethods(mutualTLSMethods(s.Config)...), SubjectTypes: client.SubjectTypes(),
		ResponseEncryptionAlgs: client.EncryptionAlgs(), ResponseEncryptionEncs: client.EncryptionEncs(),
		IDTokenEncryptionAlgs: client.EncryptionAlgs(), IDTokenEncryptionEncs: client.EncryptionEncs(),
		UserinfoEncryptionAlgs: client.EncryptionAlgs(), UserinfoEncryptionEncs: client.EncryptionEncs(),
		UILocales:                s.Config.Languages,
		Prompts:                  []string{"none", "login", "consent", "select_account"},
		RequestObjectAlgs:        requestobject.Algorithms(),
		DPoPAlgs:                 dpop.Algorithms(),
		RevocationAuthMethods:    client.AuthMethods(mutualTLSMethods(s.Config)...),
		IntrospectionAuthMethods: append([]string{client.AuthBasic, client.AuthPost, client.AuthSecretJWT, client.AuthPrivateKeyJWT}, mutualTLSMethods(s.Config)...),
		MutualTLS:                s.Config.MutualTLSURL(""),
	}
	if s.Config.LoginURL == "" { // a custom login app defines its own values
		caps.ACRValues = session.Levels()[1:3]
		if s.relyingParty != nil {
			caps.ACRValues = append(caps.ACRValues, session.LevelPhishingResistant)
		}
	}
	if s.Config.SignUp.ByThemselves() {
		caps.Prompts = append(caps.Prompts, "create")
	}
	if s.Config.LegacyResponseTypes {
		caps.GrantTypes = append(caps.GrantTypes, client.GrantImplicit)
		caps.ResponseTypes = append(caps.ResponseTypes, client.LegacyResponseTypes()...)
	}
	for _, alg := range s.Keys.Algorithms() {
		caps.SigningAlgs = append(caps.SigningAlgs, string(alg))
		caps.AuthSigningAlgs = append(caps.AuthSigningAlgs, string(alg))
	}
	caps.AuthSigningAlgs = append(caps.AuthSigningAlgs, client.SecretAlgs()...)
	if s.Config.Registration != config.RegistrationClosed {
		caps.Registration = pathRegister
	}
	caps.RequireSigned = s.Config.RequireSigned
	narrowByProfile(&caps, s.Config.SecurityProfile)
	return caps
}
