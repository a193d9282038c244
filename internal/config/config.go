// Package config gathers everything an operator can set into one struct.
//
// Defaults come first, then the file, then the environment, then flags. One table
// of keys (keys.go) drives all of them and the reference in docs/, so a setting
// cannot exist in one place and be missing in another. It protects one rule: a
// configuration is either understood in full or refused in full, with every fault
// named at once and no secret in the telling.
package config

import (
	"log/slog"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// Registration says who may register a client over the network.
type Registration string

// The ways of registration: nobody, whoever holds a token, or anybody.
const (
	RegistrationClosed Registration = "closed"
	RegistrationToken  Registration = "token"
	RegistrationOpen   Registration = "open"
)

// AdminAuth says how the administrators' API knows its callers.
type AdminAuth string

// The ways of admin authentication. [AdminNone] is for loopback and Unix sockets.
const (
	AdminToken AdminAuth = "token"
	AdminNone  AdminAuth = "none"
)

// IssuerPath says what a proxy does with the path of the issuer.
type IssuerPath string

// The ways of the proxy: it forwards the path, or removes it.
const (
	PathKept     IssuerPath = "kept"
	PathStripped IssuerPath = "stripped"
)

// TokenFormat is the shape of an access token.
type TokenFormat string

// The formats of access tokens: RFC 9068, or sealed and readable only here.
const (
	FormatJWT    TokenFormat = "jwt"
	FormatOpaque TokenFormat = "opaque"
)

// SigningAlg is a signature algorithm, under its name in RFC 7518 or RFC 8037.
type SigningAlg string

// The algorithms that tokens are signed with.
const (
	AlgES256 SigningAlg = "ES256"
	AlgRS256 SigningAlg = "RS256"
	AlgPS256 SigningAlg = "PS256"
	AlgEdDSA SigningAlg = "EdDSA"
)

// ScopeClaim is how an access token lists its scopes.
type ScopeClaim string

// The scope claims: scope, a text; scp, an array; or both.
const (
	ScopeText  ScopeClaim = "string"
	ScopeArray ScopeClaim = "list"
	ScopeBoth  ScopeClaim = "both"
)

// IDTokenClaims says which claims about users ID tokens of the token endpoint carry.
type IDTokenClaims string

// The choices: those of the granted scopes, or those requested by name alone.
const (
	IDTokenGranted IDTokenClaims = "granted"
	IDTokenMinimal IDTokenClaims = "minimal"
)

// AssertionAudience says which audiences client assertions may have.
type AssertionAudience string

// The choices: the issuer and the endpoints at which clients authenticate, or the issuer
// alone (RFC 10070).
const (
	AudienceBaseline AssertionAudience = "baseline"
	AudienceIssuer   AssertionAudience = "issuer"
)

// LogFormat is the shape of a log line.
type LogFormat string

// The formats of the log.
const (
	LogText LogFormat = "text"
	LogJSON LogFormat = "json"
)

// HookPlace is where a hook is shown what it knows us by.
type HookPlace string

// The places of that: a header or a cookie.
const (
	HookHeader HookPlace = "header"
	HookCookie HookPlace = "cookie"
)

// Hook says where a program of the operator's is that is asked about tokens, and what
// it is shown: nothing where AuthName is empty.
type Hook struct {
	URL       string
	AuthIn    HookPlace
	AuthName  string
	AuthValue Secret
}

// Config is a whole configuration. Its zero value is not usable: start from
// [Default] or [Load].
type Config struct {
	Issuer     string
	IssuerPath IssuerPath

	Listen      string
	AdminListen string
	// SocketMode is that of Unix sockets, and SocketGroup their group by name or number.
	// Zero and empty leave both as the system makes them; with a group alone the mode is
	// 0660.
	SocketMode     int
	SocketGroup    string
	TLSCertFile    string
	TLSKeyFile     string
	TrustedProxies []netip.Prefix
	// PublicVersion lets the public listener say which build is running.
	PublicVersion  bool
	RateLimits     bool
	MaxConnections int
	// MaxConnectionsPerNetwork bounds the connections of one address, or /64 of IPv6;
	// wider networks may have twice as many at each level. 0 is an eighth of
	// MaxConnections.
	MaxConnectionsPerNetwork int
	// MinBodyRate is in bytes a second, for a body that has taken five seconds.
	MinBodyRate             int
	MaxSlowBodiesPerNetwork int
	// MaxWaitingRequestsMiB bounds the requests that wait for a user to answer.
	MaxWaitingRequestsMiB           int
	MaxWaitingRequestsPerNetworkMiB int
	// MaxRedirectURLLength bounds the address, in bytes, that a person is redirected to
	// with an answer for a client.
	MaxRedirectURLLength int
	// AdmissionSlots bounds how many requests of a kind are worked on at once; 0 is
	// as many as keep the database and the processors busy.
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
	// AuditRetention is how long it is kept what operators did.
	AuditRetention time.Duration

	// ClientAssertionAudience says which audiences client assertions may have.
	ClientAssertionAudience AssertionAudience
	// RegistrationQuerySecrets accepts client secrets in the query of registration requests.
	RegistrationQuerySecrets bool
	// SoftwareStatementKeysFile names who is trusted to make software statements.
	SoftwareStatementKeysFile string

	// SignUp lets people make accounts for themselves.
	SignUp bool

	// LoginURL, ConsentURL, LogoutURL and DeviceURL are the operator's own apps, in place
	// of the pages. The others are pages of theirs where people end.
	LoginURL, ConsentURL, LogoutURL, DeviceURL string
	ErrorURL, PostLogoutURL, DeviceSuccessURL  string

	// LegacyResponseTypes lets clients register implicit and hybrid response types,
	// and use them (RFC 9700 section 2.1.2 advises against it).
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

	// TokenHook and RefreshTokenHook are the operator's programs that have a say in
	// tokens.
	TokenHook, RefreshTokenHook Hook

	// JWTBearerMaxTTL bounds how long the assertions of trusted issuers last;
	// JWTBearerIATOptional takes them without an iat.
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
	// Argon2Slots bounds how many passwords are hashed at once; 0 is one for each
	// processor but one.
	Argon2Slots int

	OutboundAllowPrivate bool
	OutboundCAFile       string

	LogLevel  slog.Level
	LogFormat LogFormat
}

// Default is the configuration of an operator who has set nothing. It has no
// issuer, no database and no secrets, which serving requires.
func Default() *Config {
	return &Config{
		IssuerPath: PathKept,

		Listen:         ":4444",
		AdminListen:    "127.0.0.1:4445",
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

		Registration:       RegistrationClosed,
		RegistrationScopes: standardScopes(),
		DefaultScopes:      standardScopes(),
		AdminAuth:          AdminToken,
		AuditRetention:     365 * day,

		RotatedSecretLifetime:   day,
		ClientAssertionAudience: AudienceBaseline,

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

// standardScopes are those of OpenID Connect Core sections 3.1.2.1, 5.4 and 11.
func standardScopes() []string {
	return []string{"openid", "profile", "email", "address", "phone", "offline_access"}
}

// URL is the public address of a path. It derives from the issuer, which itself
// is used exactly as configured, with or without a slash at its end.
func (c *Config) URL(path string) string {
	return strings.TrimSuffix(c.Issuer, "/") + path
}

// Origin is the origin of the issuer, as browsers write it.
//
// Spec: RFC 6454 §6.2.
func (c *Config) Origin() string {
	u, err := url.Parse(c.Issuer)
	if err != nil {
		return "" // not after [Load]
	}
	return u.Scheme + "://" + u.Host
}

// Path is the path of the issuer without a slash at its end, empty if it has none.
func (c *Config) Path() string {
	u, err := url.Parse(c.Issuer)
	if err != nil {
		return "" // not after [Load]
	}
	return strings.TrimSuffix(u.Path, "/")
}

// HTTPS reports whether people reach the issuer over TLS, whoever ends it.
func (c *Config) HTTPS() bool {
	return strings.HasPrefix(c.Issuer, "https://")
}

// Strict reports whether browsers may be told to come by https alone from now on.
// Not for a loopback host: they would then refuse every other server on this
// machine that speaks plain http, whatever its port (RFC 6797 section 8.1).
func (c *Config) Strict() bool {
	u, err := url.Parse(c.Issuer)
	return err == nil && u.Scheme == "https" && !loopback(u.Hostname())
}

// Network splits the address of a listener for [net.Listen]: "unix:/run/x.sock"
// is a Unix socket, everything else is TCP.
func Network(listen string) (network, address string) {
	if path, ok := strings.CutPrefix(listen, "unix:"); ok {
		return "unix", path
	}
	return "tcp", listen
}
