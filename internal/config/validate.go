package config

import (
	"fmt"
	"slices"
	"time"
)

// Validate checks a configuration that was changed after [Load] or created without it. The
// keys in require must have a value. The error is an *[Error].
func (c *Config) Validate(require ...string) error {
	var faults []Fault
	faulty := map[string]bool{}
	scratch := Default()
	for _, k := range keys() {
		text := k.write(c)
		if text == "" {
			continue
		}
		if err := k.parse(scratch, text); err != nil {
			faulty[k.name] = true
			faults = append(faults, Fault{Key: k.name, Value: k.show(c), Problem: err.Error(), Allowed: k.allowed})
		}
	}
	for _, f := range c.conflicts(require) {
		if !faulty[f.Key] {
			faults = append(faults, f)
		}
	}
	if len(faults) > 0 {
		return &Error{faults}
	}
	return nil
}

// conflicts returns missing keys and errors in the combination of keys.
func (c *Config) conflicts(require []string) []Fault {
	var faults []Fault
	fault := func(wrong bool, key, problem string) {
		if wrong {
			faults = append(faults, Fault{Key: key, Problem: problem})
		}
	}
	all := keys()
	for _, name := range require {
		k, _ := find(all, name)
		if k == nil {
			fault(true, name, "is required but unknown")
			continue
		}
		if k.write(c) == "" {
			faults = append(faults, Fault{Key: name, Problem: "is required: set it in the file or as " + k.env(), Allowed: k.allowed})
		}
	}

	fault(c.IssuerPath == PathStripped && c.Path() == "", "issuer_path", "is stripped, but the issuer has no path")
	fault(c.TLSCertFile == "" && c.TLSKeyFile != "", "tls_cert_file", "is missing, but tls_key_file is set")
	fault(c.TLSKeyFile == "" && c.TLSCertFile != "", "tls_key_file", "is missing, but tls_cert_file is set")
	fault(c.AdminAuth == AdminNone && !local(c.AdminListen), "admin_auth",
		fmt.Sprintf("must not be none if admin_listen is %q, which is reachable from the network; use a loopback address or unix:/path", c.AdminListen))
	fault(c.Listen == c.AdminListen, "admin_listen", "is the same as listen")

	fault(c.MaxConnectionsPerNetwork > c.MaxConnections, "max_connections_per_network",
		fmt.Sprintf("is %d, more than max_connections, which is %d", c.MaxConnectionsPerNetwork, c.MaxConnections))

	fault(c.MaxWaitingRequestsPerNetworkMiB > c.MaxWaitingRequestsMiB, "max_waiting_requests_per_network_mib",
		fmt.Sprintf("is %d, more than max_waiting_requests_mib, which is %d", c.MaxWaitingRequestsPerNetworkMiB, c.MaxWaitingRequestsMiB))

	fault(c.Theme.AccentColorDark != "" && c.Theme.AccentColor == "", "accent_color_dark", "has no effect without accent_color")
	fault(c.LogoDarkFile != "" && c.LogoFile == "", "logo_dark_file", "has no effect without logo_file")
	mailConflicts(c, fault)
	passkeyConflicts(c, fault)
	consoleConflicts(c, fault)
	signUpConflicts(c, fault)
	mutualTLSConflicts(c, fault)
	securityConflicts(c, fault)
	fault(c.DisableInactiveAfter > 0 && c.DisableInactiveAfter < 90*day, "disable_inactive_after", "is less than 90 days")
	fault(c.DisableInactiveAfter > 0 && c.WarnInactiveBefore >= c.DisableInactiveAfter, "warn_inactive_before", "is not less than disable_inactive_after")
	fault(c.BreachedPasswordsURL != "" && c.BreachedPasswordsFile != "", "breached_passwords_file", "has no effect if breached_passwords_url is set")
	fault(c.AdminListen == "" && c.LoginURL+c.ConsentURL+c.LogoutURL+c.DeviceURL != "", "admin_listen",
		"is off, but the apps of login_url, consent_url, logout_url and device_url need it")

	fault(c.Registration == RegistrationToken && len(c.RegistrationTokens) == 0, "registration_tokens",
		"is required if registration is token")
	fault(c.Registration != RegistrationToken && len(c.RegistrationTokens) > 0, "registration_tokens",
		"has no effect unless registration is token")
	for _, scope := range c.DefaultScopes {
		fault(!slices.Contains(c.RegistrationScopes, scope), "default_scopes",
			fmt.Sprintf("contains %q, which is not in registration_scopes", scope))
	}

	for name, hook := range map[string]*Hook{"token_hook": &c.TokenHook, "refresh_token_hook": &c.RefreshTokenHook} {
		suffix, problem := hook.conflict()
		fault(suffix != "", name+suffix, problem)
	}

	within := func(short, long time.Duration, key, other string) {
		fault(short > long, key, fmt.Sprintf("is %s, longer than %s, which is %s", formatDuration(short), other, formatDuration(long)))
	}
	within(c.RefreshIdleLifetime, c.RefreshAbsoluteLifetime, "refresh_idle_lifetime", "refresh_absolute_lifetime")
	within(c.SessionIdleLifetime, c.SessionAbsoluteLifetime, "session_idle_lifetime", "session_absolute_lifetime")
	within(c.RememberedIdleLifetime, c.RememberedAbsoluteLifetime, "remembered_idle_lifetime", "remembered_absolute_lifetime")
	// The next key must be in all caches well before it signs.
	within(2*c.KeySetCache, c.KeyRotateEvery, "key_set_cache", "half of key_rotate_every")
	return faults
}
