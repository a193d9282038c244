// Package config holds all settings of the server in one struct.
//
// Sources in increasing precedence: defaults, file, environment, flags. One table of
// keys (keys.go) drives all of them and docs/configuration.md, so a setting cannot be
// missing in one place. A configuration is either valid as a whole or rejected with a
// list of all errors, which never show a secret.
package config

import (
	"log/slog"
	"net/netip"
	"time"

	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/profile"
	"github.com/ostiary/ostiary/internal/theme"
)

// Registration controls client registration over the network.
type Registration string

// Values of [Registration]: no client, clients with an initial access token, all clients.
const (
	RegistrationClosed Registration = "closed"
	RegistrationToken  Registration = "token"
	RegistrationOpen   Registration = "open"
)

// AdminAuth is how callers of the admin API authenticate.
type AdminAuth string

// Values of [AdminAuth]. [AdminNone] requires a loopback or Unix-socket listener.
const (
	AdminToken AdminAuth = "token"
	AdminNone  AdminAuth = "none"
)

// IssuerPath describes how a proxy forwards the path of the issuer.
type IssuerPath string

// Values of [IssuerPath]: the proxy forwards the path, or strips it.
const (
	PathKept     IssuerPath = "kept"
	PathStripped IssuerPath = "stripped"
)

// TokenFormat is the format of an access token.
type TokenFormat string

// Values of [TokenFormat]: a JWT (RFC 9068), or an encrypted token that only this server
// can read.
const (
	FormatJWT    TokenFormat = "jwt"
	FormatOpaque TokenFormat = "opaque"
)

// AccountPages is whether users have the account console.
type AccountPages string

// Values of [AccountPages]: unless there is a login app, always, or never.
const (
	AccountPagesAuto AccountPages = "auto"
	AccountPagesOn   AccountPages = "on"
	AccountPagesOff  AccountPages = "off"
)

// SecondFactor is the condition for a second factor after a password.
type SecondFactor string

// Values of [SecondFactor]: for users who have one, only if an application or
// second_factor_for requires it, or for all users.
const (
	SecondFactorWhenEnrolled SecondFactor = "when_enrolled"
	SecondFactorOnDemand     SecondFactor = "on_demand"
	SecondFactorRequired     SecondFactor = "required"
)

// SigningAlg is a signature algorithm, with its name from RFC 7518 or RFC 8037.
type SigningAlg string

// Values of [SigningAlg].
const (
	AlgES256 SigningAlg = "ES256"
	AlgRS256 SigningAlg = "RS256"
	AlgPS256 SigningAlg = "PS256"
	AlgEdDSA SigningAlg = "EdDSA"
)

// ScopeClaim is how an access token lists its scopes.
type ScopeClaim string

// Values of [ScopeClaim]: scope, a string; scp, an array; or both.
const (
	ScopeText  ScopeClaim = "string"
	ScopeArray ScopeClaim = "list"
	ScopeBoth  ScopeClaim = "both"
)

// IDTokenClaims selects the user claims in ID tokens from the token endpoint.
type IDTokenClaims string

// Values of [IDTokenClaims]: the claims of the granted scopes, or only claims requested by
// name.
const (
	IDTokenGranted IDTokenClaims = "granted"
	IDTokenMinimal IDTokenClaims = "minimal"
)

// DPoPNonces selects the clients whose DPoP proofs need a nonce.
type DPoPNonces string

// Values of [DPoPNonces]: no client, all, or the ones with require_dpop_nonce.
const (
	DPoPNoncesOff    DPoPNonces = "off"
	DPoPNoncesOn     DPoPNonces = "on"
	DPoPNoncesClient DPoPNonces = "client"
)

// AssertionAudience selects the valid audiences of client assertions.
type AssertionAudience string

// Values of [AssertionAudience]: the issuer and the endpoints at which clients
// authenticate, or only the issuer (RFC 10070).
const (
	AudienceBaseline AssertionAudience = "baseline"
	AudienceIssuer   AssertionAudience = "issuer"
)

// LogFormat is the format of log lines.
type LogFormat string

// Values of [LogFormat].
const (
	LogText LogFormat = "text"
	LogJSON LogFormat = "json"
)

// Config is a complete configuration. The zero value is invalid: start from [Default] or
// [Load].
type Config struct {
	// Origins are the sources of the settings that are not defaults, by name.
	Origins map[string]string

	Issuer     string
	IssuerPath IssuerPath

	Listen      string
	AdminListen string
	// Console is where the administrators' console is served, and ConsoleURL its origin on the
	// admin listener. See [Config.ConsoleRoot].
	Console    ConsolePlace
	ConsoleURL string
	// SocketMode is the file mode of Unix sockets, and SocketGroup their group by name or
	// number. Zero and empty use the defaults of the system; with only a group, the mode is
	// 0660.
	SocketMode     int
	SocketGroup    string
	TLSCertFile    string
	TLSKeyFile     string
	TrustedProxies []netip.Prefix
	MutualTLS      MutualTLS
	// PublicVersion shows the version of the build on the public listener.
	PublicVersion  bool
	RateLimits     bool
	MaxConnections int
	// MaxConnectionsPerNetwork bounds the connections per IPv4 address or IPv6 /64; wider
	// networks may have twice as many at each level. 0 is an eighth of MaxConnections.
	MaxConnectionsPerNetwork int
	// MinBodyRate is in bytes per second, once a body has taken five seconds.
	MinBodyRate             int
	MaxSlowBodiesPerNetwork int
	// MaxWaitingRequestsMiB bounds the memory, in MiB, of authorization requests that wait
	// for a user.
	MaxWaitingRequestsMiB           int
	MaxWaitingRequestsPerNetworkMiB int
	// MaxRedirectURLLength bounds the length, in bytes, of a redirect to a client.
	MaxRedirectURLLength int
	// AdmissionSlots bounds the concurrent requests per type; 0 derives it from the number
	// of database connections and processors.
	AdmissionSlots  int
	AdmissionWait   time.Duration
	ShutdownDelay   time.Duration
	ShutdownTimeout time.Duration

	DatabaseURL            Secret
	DatabaseMaxConnections int
	SystemSecrets          []Secret

	Registration       Registration
	RegistrationTokens []Secret
	RegistrationScopes []string
	DefaultScopes      []string
	AdminAuth          AdminAuth
	// RotatedSecretLifetime is how long a rotated client secret stays valid.
	RotatedSecretLifetime time.Duration
	// AuditRetention is how long audit events are kept.
	AuditRetention time.Duration

	ClientAssertionAudience AssertionAudience
	// RequirePushed requires that clients push their authorization requests.
	RequirePushed bool
	// DemoResource serves a protected resource to try out access tokens.
	DemoResource bool
	CIBA         CIBA
	Security
	// DPoPNonces is whose DPoP proofs need a nonce.
	DPoPNonces DPoPNonces
	// RegistrationQuerySecrets accepts client secrets in the query of registration requests.
	RegistrationQuerySecrets bool
	// SoftwareStatementKeysFile has the keys of trusted issuers of software statements.
	SoftwareStatementKeysFile string

	// Theme is the look of the pages, and the others its files: images, and a style sheet that
	// follows the built-in one.
	Theme                                               theme.Theme
	LogoFile, LogoDarkFile, FaviconFile, StylesheetFile string
	// Languages are the languages of the pages, the default first.
	Languages []string

	// AccountPages is whether users have the account console. See [Config.HasAccountPages].
	AccountPages AccountPages
	// SignUp controls who may create an account, and SignUpDomains lists the domains of
	// addresses that may. SignUpVerify requires a confirmed address; it is off only in dev.
	SignUp        SignUp
	SignUpDomains []string
	SignUpVerify  bool
	SignUpProof   bool // whether browsers compute a proof of work for a sign-up

	// TermsURL is the page with the terms that users accept, and TermsVersion the version that
	// they have to have accepted; both are empty for none.
	TermsURL, TermsVersion string

	// BreachedPasswordsURL and BreachedPasswordsFile are lists of passwords that users may not
	// choose; at most one is set.
	BreachedPasswordsURL  string
	BreachedPasswordsFile string
	// DisableInactiveAfter is how long accounts may be unused, 0 for no limit, and
	// WarnInactiveBefore how long before it users get a message.
	DisableInactiveAfter, WarnInactiveBefore time.Duration
	// SignInCode lets users sign in with a mailed code, if the server sends mail.
	SignInCode bool

	Passkeys     Passkeys
	SecondFactor SecondFactor
	// SecondFactorFor requires a second factor of administrators and members of groups:
	// "administrators", "group:NAME".
	SecondFactorFor []string
	// SecondFactorGrace is how long users may sign in without the second factor that they have
	// to enrol.
	SecondFactorGrace time.Duration
	// MailURL is the mail server; empty if the server sends no mail. MailFrom is the sender,
	// MailCAFile has additional CA certificates for the connection, and MailTemplates is a
	// folder with texts.
	MailURL                             Secret
	MailFrom, MailCAFile, MailTemplates string
	// SupportAddress is where users write for help.
	SupportAddress string

	// LoginURL, ConsentURL, LogoutURL and DeviceURL are custom apps that replace built-in
	// pages. The others are custom pages that users are redirected to at the end of a flow.
	LoginURL, ConsentURL, LogoutURL, DeviceURL string
	ErrorURL, PostLogoutURL, DeviceSuccessURL  string

	// LegacyResponseTypes lets clients register and use implicit and hybrid response types
	// (RFC 9700 section 2.1.2 advises against them).
	LegacyResponseTypes bool

	AccessTokenFormat       TokenFormat
	AccessTokenAlg          SigningAlg
	IDTokenClaims           IDTokenClaims
	AllowedTopLevelClaims   []string
	MirrorTopLevelClaims    bool
	ScopeClaim              ScopeClaim
	CodeLifetime            time.Duration
	DeviceCodeLifetime      time.Duration
	DevicePollInterval      time.Duration
	AccessTokenLifetime     time.Duration
	IDTokenLifetime         time.Duration
	LongestTokenLifetime    time.Duration
	RefreshIdleLifetime     time.Duration
	RefreshAbsoluteLifetime time.Duration
	RefreshGrace            time.Duration

	// TokenHook and RefreshTokenHook are called before tokens are issued.
	TokenHook, RefreshTokenHook Hook

	// JWTBearerMaxTTL bounds the lifetime of assertions from trusted issuers;
	// JWTBearerIATOptional accepts them without iat.
	JWTBearerMaxTTL      time.Duration
	JWTBearerIATOptional bool

	SessionIdleLifetime        time.Duration
	SessionAbsoluteLifetime    time.Duration
	RememberedIdleLifetime     time.Duration
	RememberedAbsoluteLifetime time.Duration
	ConsentLifetime            time.Duration

	KeyRotateEvery time.Duration
	KeySetCache    time.Duration

	Argon2MemoryMiB  int
	Argon2Iterations int
	// Argon2Slots bounds the concurrent password hashes; 0 is the number of processors
	// minus one.
	Argon2Slots int

	OutboundAllowPrivate bool
	OutboundCAFile       string

	LogLevel  slog.Level
	LogFormat LogFormat
}

// Default returns the defaults. They have no issuer, no database and no secrets, which
// [ServeRequires] lists.
func Default() *Config {
	return &Config{
		IssuerPath: PathKept,

		Listen:         ":4444",
		AdminListen:    "127.0.0.1:4445",
		Console:        ConsoleAdmin,
		RateLimits:     true,
		MaxConnections: 10_000,
		MinBodyRate:    2048,

		MaxSlowBodiesPerNetwork: 64,

		MaxWaitingRequestsMiB:           256,
		MaxWaitingRequestsPerNetworkMiB: 16,

		MaxRedirectURLLength: 16 << 10,

		AdmissionWait:   time.Second,
		ShutdownDelay:   5 * time.Second,
		ShutdownTimeout: 25 * time.Second,

		DatabaseMaxConnections: 16,

		Theme:     theme.Theme{ProductName: "Ostiary"},
		Languages: messages.Tags(),

		Registration:       RegistrationClosed,
		RegistrationScopes: standardScopes(),
		DefaultScopes:      standardScopes(),
		AdminAuth:          AdminToken,
		SignUp:             SignUpOff,
		SignUpVerify:       true,
		SignUpProof:        true,
		SignInCode:         true,
		AuditRetention:     365 * day,
		AccountPages:       AccountPagesAuto,
		Passkeys:           Passkeys{RPIDChange: RPIDChangeRefused},
		SecondFactor:       SecondFactorWhenEnrolled,
		SecondFactorGrace:  7 * day,
		WarnInactiveBefore: 30 * day,

		RotatedSecretLifetime:   day,
		ClientAssertionAudience: AudienceBaseline,
		DPoPNonces:              DPoPNoncesClient,
		Security:                Security{SecurityProfile: profile.Off},

		CIBA: CIBA{OpenPerUser: 5, PerUser: 10, PerClient: 60, WrongHints: 60},

		AccessTokenFormat:       FormatJWT,
		AccessTokenAlg:          AlgES256,
		IDTokenClaims:           IDTokenGranted,
		MirrorTopLevelClaims:    true,
		ScopeClaim:              ScopeText,
		CodeLifetime:            time.Minute,
		DeviceCodeLifetime:      10 * time.Minute,
		DevicePollInterval:      5 * time.Second,
		AccessTokenLifetime:     10 * time.Minute,
		IDTokenLifetime:         10 * time.Minute,
		LongestTokenLifetime:    2 * day,
		RefreshIdleLifetime:     30 * day,
		RefreshAbsoluteLifetime: 90 * day,
		RefreshGrace:            10 * time.Second,

		TokenHook:        Hook{AuthIn: HookHeader},
		RefreshTokenHook: Hook{AuthIn: HookHeader},

		JWTBearerMaxTTL: time.Hour,

		SessionIdleLifetime:        time.Hour,
		SessionAbsoluteLifetime:    12 * time.Hour,
		RememberedIdleLifetime:     14 * day,
		RememberedAbsoluteLifetime: 30 * day,
		ConsentLifetime:            180 * day,

		KeyRotateEvery: 30 * day,
		KeySetCache:    15 * time.Minute,

		Argon2MemoryMiB:  64,
		Argon2Iterations: 2,

		LogLevel:  slog.LevelInfo,
		LogFormat: LogText,
	}
}
