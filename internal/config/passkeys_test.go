package config_test

import (
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/config"
)

func TestRPID(t *testing.T) {
	t.Parallel()

	for _, tc := range []struct{ issuer, rpID, want string }{
		{"https://id.example.com:8443/tenant", "", "id.example.com"},
		{"https://id.example.com", "id.example.com", "id.example.com"},
		{"https://id.example.com", "example.com", "example.com"},
		{"https://a.id.example.co.uk", "example.co.uk", "example.co.uk"},
		{"http://localhost:4444", "localhost", "localhost"},
	} {
		c := config.Default()
		c.Issuer, c.Passkeys.RPID = tc.issuer, tc.rpID
		if err := c.Validate(); err != nil || c.RPID() != tc.want {
			t.Errorf("issuer %s, passkey_rp_id %q: RPID() = %q, %v; want %q", tc.issuer, tc.rpID, c.RPID(), err, tc.want)
		}
	}
}

func TestInvalidPasskeySettings(t *testing.T) {
	t.Parallel()

	six := "https://a.example,https://b.example,https://c.example,https://d.example,https://e.example,https://f.example"
	for name, tc := range map[string]struct{ issuer, rpID, origins, want string }{
		"another domain":                 {"https://id.example.com", "example.org", "", "passkey_rp_id: is neither the host of the issuer"},
		"a subdomain":                    {"https://example.com", "id.example.com", "", "passkey_rp_id: is neither"},
		"the end of a label":             {"https://badexample.com", "example.com", "", "passkey_rp_id: is neither"},
		"a top-level domain":             {"https://id.example.com", "com", "", "passkey_rp_id: is a public suffix"},
		"a public suffix of two labels":  {"https://id.example.co.uk", "co.uk", "", "passkey_rp_id: is a public suffix"},
		"a public suffix of a host":      {"https://me.github.io", "github.io", "", "passkey_rp_id: is a public suffix"},
		"the address of an issuer":       {"https://192.0.2.1", "192.0.2.1", "", "passkey_rp_id: has no effect"},
		"no domain name":                 {"https://id.example.com", "https://example.com", "", "(flag): is not a domain name"},
		"two names":                      {"https://id.example.com", "example.com,id.example.com", "", "is not a domain name"},
		"the issuer as a related origin": {"https://id.example.com", "", "https://id.example.com", "passkey_origins: contains the origin of the issuer"},
		"an origin with a path":          {"https://id.example.com", "", "https://example.org/", "which is not an origin"},
		"an origin in upper case":        {"https://id.example.com", "", "https://Example.org", "which is not an origin"},
		"the default port":               {"https://id.example.com", "", "https://example.org:443", "which is not an origin"},
		"a plain origin":                 {"https://id.example.com", "", "http://example.org", "which has a scheme that is not https"},
		"an address as an origin":        {"https://id.example.com", "", "https://192.0.2.1", "which has an IP address"},
		"a public suffix as an origin":   {"https://id.example.com", "", "https://co.uk", "which has a public suffix"},
		"an origin twice":                {"https://id.example.com", "", "https://example.org,https://example.org", "twice"},
		"six labels":                     {"https://id.example.com", "", six, "passkey_origins: has 6 registrable domain labels"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			_, err := config.Load(config.Sources{Override: map[string]string{"issuer": tc.issuer, "passkey_rp_id": tc.rpID, "passkey_origins": tc.origins}})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("Load() = %v, want %q", err, tc.want)
			}
		})
	}
	fits := "http://localhost:5555,https://example.de,https://example.fr,https://www.example.fr,https://b.example,https://c.example,https://d.example"
	if _, err := config.Load(config.Sources{Override: map[string]string{"issuer": "https://id.example.com", "passkey_origins": fits}}); err != nil {
		t.Errorf("seven origins with five labels: %v", err)
	}
}
