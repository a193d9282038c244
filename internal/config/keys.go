package config

import (
	"log/slog"
	"net/netip"
	"time"
)

// keys is the one table of settings, in the order of the reference.
func keys() []key {
	lifetime := duration(time.Second, 5*365*day)
	hour := duration(time.Second, time.Hour)

	return []key{
		field("issuer", issuer(), func(c *Config) *string { return &c.Issuer },
			"The one public URL. Every other URL derives from it, never from the Host header."),
		field("listen", listener(), func(c *Config) *string { return &c.Listen },
			"Where people and clients connect."),
		field("admin_listen", listenerOrOff(), func(c *Config) *string { return &c.AdminListen },
			"Where the administrators' API, health and metrics listen."),
		later("mtls_listen", "off", "Where clients connect that authenticate by certificate."),
		field("tls_cert_file", readable(), func(c *Config) *string { return &c.TLSCertFile },
			"Certificate chain in PEM, for TLS in the process. Without it, put a TLS proxy in front."),
		field("tls_key_file", readable(), func(c *Config) *string { return &c.TLSKeyFile },
			"Private key of the certificate, in PEM."),
		field("trusted_proxies", prefixes(), func(c *Config) *[]netip.Prefix { return &c.TrustedProxies },
			"Proxies whose X-Forwarded-For and X-Request-Id are believed. A Unix socket counts as 127.0.0.1."),
		field("rate_limits", onOff(), func(c *Config) *bool { return &c.RateLimits },
			"Whether callers are limited; off is for tests."),
		field("max_connections", number(10, 1_000_000), func(c *Config) *int { return &c.MaxConnections },
			"How many connections a listener holds, and how many requests of a kind wait. Each can take 32 KiB."),
		field("admission_slots", number(0, 10_000), func(c *Config) *int { return &c.AdmissionSlots },
			"How many requests of a kind are worked on at once; 0 is two for each connection to the database, at least sixteen for each processor."),
		field("admission_wait", duration(0, 5*time.Second), func(c *Config) *time.Duration { return &c.AdmissionWait },
			"How long a request waits for that before it is answered 503, where there has not been too much for longer."),
		field("shutdown_delay", duration(0, 5*time.Minute), func(c *Config) *time.Duration { return &c.ShutdownDelay },
			"How long readiness answers 503 before connections are closed."),
		field("shutdown_timeout", duration(time.Second, 10*time.Minute), func(c *Config) *time.Duration { return &c.ShutdownTimeout },
			"How long requests under way may take to end after that."),

		field("database_url", database(), func(c *Config) *Secret { return &c.DatabaseURL },
			"The database. A secret, since it may hold a password."),
		field("database_max_connections", number(1, 1000), func(c *Config) *int { return &c.DatabaseMaxConnections },
			"The size of the connection pool on PostgreSQL."),
		field("system_secrets", secrets(), func(c *Config) *[]Secret { return &c.SystemSecrets },
			"Keys under which everything at rest is sealed. The first seals, all open: to rotate, put a new one first."),

		field("registration", oneOf(RegistrationClosed, RegistrationToken, RegistrationOpen), func(c *Config) *Registration { return &c.Registration },
			"Who may register a client over the network."),
		field("registration_tokens", secrets(), func(c *Config) *[]Secret { return &c.RegistrationTokens },
			"Initial access tokens for `registration: token` (RFC 7591 section 3)."),
		field("registration_scopes", scopes(), func(c *Config) *[]string { return &c.RegistrationScopes },
			"Scopes that a client may register for itself."),
		field("default_scopes", scopes(), func(c *Config) *[]string { return &c.DefaultScopes },
			"Scopes of a client that names none when it registers."),
		field("registration_query_secrets", onOff(), func(c *Config) *bool { return &c.RegistrationQuerySecrets },
			"Whether a client that sends its secret by form may manage its registration with `?client_secret=` under /connect/register."),
		field("software_statement_keys_file", readable(), func(c *Config) *string { return &c.SoftwareStatementKeysFile },
			"Whose software statements are believed: a JSON object of JWK Sets under the names of their issuers (RFC 7591 section 2.3)."),
		field("admin_auth", oneOf(AdminToken, AdminNone), func(c *Config) *AdminAuth { return &c.AdminAuth },
			"How administrators' programs authenticate. `none` needs a loopback or Unix-socket listener."),

		field("sign_up", onOff(), func(c *Config) *bool { return &c.SignUp },
			"Whether people may make accounts for themselves, from the sign-in page or by `prompt=create`."),
		field("login_url", page(), func(c *Config) *string { return &c.LoginURL },
			"Sends people to a sign-in app of your own, with a `login_challenge`, in place of the built-in page."),
		field("consent_url", page(), func(c *Config) *string { return &c.ConsentURL },
			"Sends people to a consent app of your own, with a `consent_challenge`, in place of the built-in page."),
		later("logout_url", "", "Sends people to a sign-out page of your own."),
		later("error_url", "", "Sends people to an error page of your own."),
		later("post_logout_url", "", "Where people go after signing out when the client names no place."),
		later("device_url", "", "Sends people to a device page of your own."),

		field("access_token_format", oneOf(FormatJWT, FormatOpaque), func(c *Config) *TokenFormat { return &c.AccessTokenFormat },
			"The shape of access tokens; a client may override it."),
		field("access_token_alg", oneOf(AlgES256, AlgRS256, AlgPS256, AlgEdDSA), func(c *Config) *SigningAlg { return &c.AccessTokenAlg },
			"What JWT access tokens are signed with. An RSA signature takes some thirty times the work of ES256."),
		field("legacy_response_types", onOff(), func(c *Config) *bool { return &c.LegacyResponseTypes },
			"Whether clients may register implicit and hybrid response types and use them, against RFC 9700."),
		field("code_lifetime", duration(time.Second, time.Minute), func(c *Config) *time.Duration { return &c.CodeLifetime },
			"How long an authorization code may wait to be exchanged."),
		field("access_token_lifetime", hour, func(c *Config) *time.Duration { return &c.AccessTokenLifetime },
			"How long an access token is good."),
		field("id_token_lifetime", hour, func(c *Config) *time.Duration { return &c.IDTokenLifetime },
			"How long an ID token is good."),
		field("longest_token_lifetime", duration(time.Hour, 30*day), func(c *Config) *time.Duration { return &c.LongestTokenLifetime },
			"How long access and ID tokens are good at most, whatever lifespan of its own a client has. Keys stay published that long."),
		field("refresh_idle_lifetime", lifetime, func(c *Config) *time.Duration { return &c.RefreshIdleLifetime },
			"How long a refresh token may lie unused."),
		field("refresh_absolute_lifetime", lifetime, func(c *Config) *time.Duration { return &c.RefreshAbsoluteLifetime },
			"How long a grant can be refreshed at all."),
		field("refresh_grace", duration(0, 5*time.Minute), func(c *Config) *time.Duration { return &c.RefreshGrace },
			"How long the previous refresh token is answered with the current one again, rather than taken for a theft."),

		field("session_idle_lifetime", lifetime, func(c *Config) *time.Duration { return &c.SessionIdleLifetime },
			"How long a browser session may lie unused."),
		field("session_absolute_lifetime", lifetime, func(c *Config) *time.Duration { return &c.SessionAbsoluteLifetime },
			"How long a browser session lasts at all."),
		field("remembered_idle_lifetime", lifetime, func(c *Config) *time.Duration { return &c.RememberedIdleLifetime },
			"How long a session may lie unused whose person asked to stay signed in."),
		field("remembered_absolute_lifetime", lifetime, func(c *Config) *time.Duration { return &c.RememberedAbsoluteLifetime },
			"How long such a session lasts at all."),
		field("consent_lifetime", lifetime, func(c *Config) *time.Duration { return &c.ConsentLifetime },
			"How long a remembered consent is not asked for again."),

		field("key_rotate_every", duration(time.Hour, 2*365*day), func(c *Config) *time.Duration { return &c.KeyRotateEvery },
			"How often a new key begins to sign."),
		field("key_set_cache", duration(time.Minute, day), func(c *Config) *time.Duration { return &c.KeySetCache },
			"How long clients may cache the key set. A key is published that long before it signs."),

		field("argon2_memory_mib", number(19, 4096), func(c *Config) *int { return &c.Argon2MemoryMiB },
			"Memory of one password hash, in MiB."),
		field("argon2_iterations", number(2, 100), func(c *Config) *int { return &c.Argon2Iterations },
			"Passes over that memory."),
		field("argon2_slots", number(0, 1024), func(c *Config) *int { return &c.Argon2Slots },
			"How many passwords are hashed at once; 0 is one for each processor but one, which is for everything else."),

		field("outbound_allow_private", onOff(), func(c *Config) *bool { return &c.OutboundAllowPrivate },
			"For tests: lets the server's own fetches reach loopback and private addresses."),
		field("outbound_ca_file", readable(), func(c *Config) *string { return &c.OutboundCAFile },
			"A further CA, in PEM, that the server's own fetches trust."),

		field("log_level", level(), func(c *Config) *slog.Level { return &c.LogLevel },
			"The least important line that is logged."),
		field("log_format", oneOf(LogText, LogJSON), func(c *Config) *LogFormat { return &c.LogFormat },
			"The shape of a log line."),
	}
}
