package config

import (
	"slices"

	"github.com/ostiary/ostiary/internal/profile"
)

// Security has the requirements on all clients.
type Security struct {
	// SecurityProfile is the security profile of all clients; each may have a stricter one.
	SecurityProfile profile.Profile
	// RequireSigned requires that clients send their authorization requests as signed request objects.
	RequireSigned bool
}

func securityKeys() []key {
	profiles := append([]profile.Profile{profile.Off}, profile.Profiles()...)
	return []key{
		field("security_profile", oneOf(profiles...), func(c *Config) *profile.Profile { return &c.SecurityProfile },
			"Rules that all clients must follow: of RFC 9700 (`baseline`), FAPI 2.0 or FAPI 1.0. A client may have a stricter profile."),
		field("require_signed_request_object", onOff(), func(c *Config) *bool { return &c.RequireSigned },
			"Whether all clients must send their authorization requests as signed request objects (RFC 9101). A client may require it of itself with the member of the same name."),
	}
}

// securityConflicts returns the settings that the security profile of the server does not allow.
func securityConflicts(c *Config, fault func(wrong bool, key, problem string)) {
	p := c.SecurityProfile
	fault(!p.AllowsAlgorithm(string(c.AccessTokenAlg)), "access_token_alg", "is not an algorithm of the security_profile "+string(p))
	fault(c.LegacyResponseTypes && !p.IsOff() && !slices.Contains(p.ResponseTypes(), "code id_token"), "legacy_response_types",
		"has no effect with the security_profile "+string(p))
}
