package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/config"
)

const secretText = "correct-horse-battery-staple-0123456789"

// write creates a file with text and returns its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// faults loads src and returns its errors.
func faults(t *testing.T, src config.Sources) []config.Fault {
	t.Helper()
	c, err := config.Load(src)
	if err == nil {
		return nil
	}
	if c != nil {
		t.Errorf("Load returned a configuration together with %v", err)
	}
	var listed *config.Error
	if !errors.As(err, &listed) {
		t.Fatalf("Load returned %T, want *config.Error", err)
	}
	return listed.Faults
}

func TestLaterSourcesWin(t *testing.T) {
	t.Parallel()

	file := "code_lifetime: 20s\naccess_token_lifetime: 2m\nid_token_lifetime: 2m\n"
	src := config.Sources{
		Defaults: map[string]string{"refresh_grace": "1s", "code_lifetime": "10s", "access_token_lifetime": "1m", "id_token_lifetime": "1m"},
		File:     write(t, "ostiary.yaml", file),
		Environ:  []string{"OSTIARY_ACCESS_TOKEN_LIFETIME=3m", "OSTIARY_ID_TOKEN_LIFETIME=3m", "HOME=/root"},
		Override: map[string]string{"id_token_lifetime": "4m"},
	}
	c, err := config.Load(src)
	if err != nil {
		t.Fatal(err)
	}
	got := []time.Duration{c.ConsentLifetime, c.RefreshGrace, c.CodeLifetime, c.AccessTokenLifetime, c.IDTokenLifetime}
	want := []time.Duration{180 * 24 * time.Hour, time.Second, 20 * time.Second, 3 * time.Minute, 4 * time.Minute}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("default, command, file, environment, flag (-want +got):\n%s", diff)
	}
}

func TestDefaultsAreValid(t *testing.T) {
	t.Parallel()

	if err := config.Default().Validate(); err != nil {
		t.Error(err)
	}
}

func TestAllValueSyntaxes(t *testing.T) {
	t.Parallel()

	c, err := config.Load(config.Sources{File: write(t, "ostiary.yaml", `
# a comment
issuer: "https://id.example.com/"
registration: open
rate_limits: off
outbound_allow_private: true
argon2_slots: 3
database_url: sqlite:/var/lib/ostiary.db
system_secrets:
  - first-`+secretText+`
  - 'second-`+secretText+`'
trusted_proxies: [10.0.0.0/8, 192.0.2.7, "fd00::/8"]
default_scopes: openid email
admin_listen: unix:/run/ostiary/admin.sock
admin_auth: none
log_level: debug
session_idle_lifetime: 90m
consent_lifetime: 30d
`)})
	if err != nil {
		t.Fatal(err)
	}
	want := config.Default()
	want.Issuer = "https://id.example.com/"
	want.Registration = config.RegistrationOpen
	want.RateLimits = false
	want.OutboundAllowPrivate = true
	want.Argon2Slots = 3
	want.DefaultScopes = []string{"openid", "email"}
	want.AdminListen = "unix:/run/ostiary/admin.sock"
	want.AdminAuth = config.AdminNone
	want.LogLevel = -4
	want.SessionIdleLifetime = 90 * time.Minute
	want.ConsentLifetime = 30 * 24 * time.Hour
	want.DatabaseURL = config.NewSecret("sqlite:/var/lib/ostiary.db")
	want.SystemSecrets = []config.Secret{config.NewSecret("first-" + secretText), config.NewSecret("second-" + secretText)}
	if got := strings.Join(prefixTexts(c), " "); got != "10.0.0.0/8 192.0.2.7/32 fd00::/8" {
		t.Errorf("trusted proxies are %s", got)
	}
	for _, s := range c.Settings() {
		if s.Name == "log_level" && (s.Value != "debug" || s.Source == "") || s.Name == "issuer_path" && s.Source != "" {
			t.Errorf("the setting %s is %q, from %q", s.Name, s.Value, s.Source)
		}
		if s.Name == "system_secrets" && strings.Contains(s.Value, secretText) {
			t.Errorf("the settings show %q", s.Value)
		}
	}
	c.TrustedProxies, c.Origins = nil, nil
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
	if got := c.URL("/oauth2/auth"); got != "https://id.example.com/oauth2/auth" {
		t.Errorf("URL = %s", got)
	}
}

func prefixTexts(c *config.Config) []string {
	texts := make([]string, len(c.TrustedProxies))
	for i, p := range c.TrustedProxies {
		texts[i] = p.String()
	}
	return texts
}

func TestSecretsComeFromFiles(t *testing.T) {
	t.Parallel()

	path := write(t, "secret", secretText+"\r\n")
	for name, src := range map[string]config.Sources{
		"in the environment": {Environ: []string{"OSTIARY_SYSTEM_SECRETS_FILE=" + path}},
		"in the file":        {File: write(t, "ostiary.yaml", "system_secrets_file: "+path)},
		"by a flag":          {Override: map[string]string{"system_secrets_file": path}},
		"over a lower value": {
			File:    write(t, "lower.yaml", "system_secrets: "+strings.Repeat("x", 32)),
			Environ: []string{"OSTIARY_SYSTEM_SECRETS_FILE=" + path},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			c, err := config.Load(src)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.SystemSecrets; len(got) != 1 || got[0].Reveal() != secretText {
				t.Errorf("%d system secrets, want only %q, without the line end", len(got), secretText)
			}
		})
	}
}

func TestAllFaultsAreListedTogether(t *testing.T) {
	t.Parallel()

	got := faults(t, config.Sources{
		File: write(t, "o.yaml", "isuer: x\ncode_lifetime: 2m\nlistem: x\nregistration: {a: b}\ncode_lifetime: 3s\ndsn: x\n"),
		Environ: []string{
			"OSTIARY_ADMIN_AUTH=none", "OSTIARY_ADMIN_LISTEN=:4445", "OSTIARY_SYSTEM_SECRET=" + secretText,
		},
		Override: map[string]string{"argon2_slots": "many"},
		Require:  config.ServeRequires(),
	})
	lines := make([]string, len(got))
	for i, f := range got {
		lines[i] = f.Key + " " + f.Value + " " + strings.TrimPrefix(f.Problem, "is ")
		if strings.Contains(f.Source, "yaml") {
			lines[i] = f.Source[strings.LastIndex(f.Source, ":"):] + " " + lines[i]
		}
	}
	want := []string{
		":4 registration  must be a single value or a list of values without commas",
		":1 isuer  unknown; did you mean issuer?",
		`:2 code_lifetime "2m" too long`,
		":3 listem  unknown; did you mean listen?",
		":5 code_lifetime  set twice: here and as code_lifetime, with or without _file",
		":6 dsn  unknown",
		"OSTIARY_SYSTEM_SECRET  unknown; did you mean OSTIARY_SYSTEM_SECRETS?",
		`argon2_slots "many" not a number`,
		"issuer  required: set it in the file or as OSTIARY_ISSUER",
		"system_secrets  required: set it in the file or as OSTIARY_SYSTEM_SECRETS",
		"database_url  required: set it in the file or as OSTIARY_DATABASE_URL",
		`admin_auth  must not be none if admin_listen is ":4445", which is reachable from the network; use a loopback address or unix:/path`,
		"console_url  required, since admin_listen is not a loopback address: set the origin at which browsers reach the admin listener, or console: off",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

func TestInvalidValues(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct{ key, value, problem string }{
		"a claim of the protocol":               {"allowed_top_level_claims", "tenant,sub", "a claim of the protocol"},
		"a claim of this server":                {"allowed_top_level_claims", "gid", "a claim of the protocol"},
		"a protocol claim in other case":        {"allowed_top_level_claims", "Scope", "a claim of the protocol"},
		"a hook with a relative URL":            {"token_hook_url", "hook", "is not an absolute URL"},
		"a hook with another scheme":            {"refresh_token_hook_url", "ftp://hook.example", "scheme other than https and http"},
		"a reserved header":                     {"token_hook_auth_name", "Content-Type", "a reserved header"},
		"a header name with a space":            {"token_hook_auth_name", "X Key", "not a valid header or cookie name"},
		"an unknown scope claim":                {"scope_claim", "text", "is not an allowed value"},
		"a relative issuer":                     {"issuer", "id.example.com", "not an absolute URL"},
		"an issuer over http":                   {"issuer", "http://id.example.com", "only for loopback hosts"},
		"a look-alike of loopback":              {"issuer", "http://localhost.example.com", "only for loopback hosts"},
		"an issuer of another scheme":           {"issuer", "ftp://id.example.com", "scheme"},
		"an issuer with a query":                {"issuer", "https://id.example.com?x=1", "query"},
		"an issuer with an empty query":         {"issuer", "https://id.example.com?", "query"},
		"an issuer with a fragment":             {"issuer", "https://id.example.com#", "fragment"},
		"an issuer with a user":                 {"issuer", "https://me@id.example.com", "user name"},
		"an issuer in capitals":                 {"issuer", "https://ID.example.com", "not normalised"},
		"an issuer with a default port":         {"issuer", "https://id.example.com:443", "not normalised"},
		"an issuer with dot segments":           {"issuer", "https://id.example.com/a/../b", "not normalised"},
		"an issuer with a double slash":         {"issuer", "https://id.example.com//", "not normalised"},
		"an issuer with an encoding":            {"issuer", "https://id.example.com/%61", "not normalised"},
		"an issuer with a reserved path":        {"issuer", "https://id.example.com/.well-known/x", "reserved segment"},
		"an issuer at the health checks":        {"issuer", "https://id.example.com/health", "reserved segment"},
		"an unknown issuer path":                {"issuer_path", "removed", "not an allowed value"},
		"an issuer with an empty port":          {"issuer", "https://id.example.com:", "not normalised"},
		"a listener without port":               {"listen", "127.0.0.1", "not an address"},
		"a listener on a service name":          {"listen", ":http", "no port"},
		"a relative socket":                     {"listen", "unix:admin.sock", "absolute socket path"},
		"no public listener":                    {"listen", "off", "not an address"},
		"a device code for too long":            {"device_code_lifetime", "31m", "too long"},
		"a missing certificate":                 {"tls_cert_file", "/nowhere/cert.pem", "does not exist"},
		"a directory as certificate":            {"tls_cert_file", "/", "is not a file"},
		"a proxy network of all addresses":      {"trusted_proxies", "10.0.0.0/8,0.0.0.0/0", "trust all clients"},
		"a proxy by name":                       {"trusted_proxies", "proxy.internal", "not a network"},
		"an unknown database scheme":            {"database_url", "mysql://x", "unknown scheme"},
		"a database without file":               {"database_url", "sqlite:", "has no file path"},
		"SQLite options":                        {"database_url", "sqlite:/var/lib/ostiary.db?mode=ro", "options cannot be set"},
		"a password with a slash":               {"database_url", "postgres://user:12/3@host/db", "not percent-encoded"},
		"a short secret":                        {"system_secrets", secretText + ",short", "too short"},
		"a secret twice":                        {"system_secrets", secretText + "," + secretText, "twice"},
		"a secret with a line break":            {"system_secrets", secretText + "\n" + secretText, "control character"},
		"a list without values":                 {"system_secrets", ",,", "is empty"},
		"an unknown registration":               {"registration", "Open", "not an allowed value"},
		"a scope with a quotation mark":         {"registration_scopes", `openid "x"`, "not a scope"},
		"a time without unit":                   {"code_lifetime", "30", "not a duration with a unit"},
		"a code lifetime above a minute":        {"code_lifetime", "61s", "too long"},
		"an access token lifetime of a day":     {"access_token_lifetime", "1d", "too long"},
		"an ID token lifetime of a millisecond": {"id_token_lifetime", "1ms", "too short"},
		"a grace period of an hour":             {"refresh_grace", "1h", "too long"},
		"too many days":                         {"consent_lifetime", "65535d", "too long"},
		"weak hashing":                          {"argon2_memory_mib", "8", "too small"},
		"too many connections":                  {"database_max_connections", "100000", "too large"},
		"a switch that is not on or off":        {"rate_limits", "maybe", "must be on or off"},
		"an unknown level":                      {"log_level", "verbose", "not an allowed value"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			got := faults(t, config.Sources{Override: map[string]string{tc.key: tc.value}})
			if len(got) == 0 || got[0].Key != tc.key || !strings.Contains(got[0].Problem, tc.problem) {
				t.Errorf("%s = %q: faults are %v, want one with %q", tc.key, tc.value, got, tc.problem)
			}
		})
	}
}

func TestValidValues(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct{ key, value string }{
		"an issuer with a port":         {"issuer", "https://id.example.com:8443"},
		"an issuer with a slash":        {"issuer", "https://id.example.com/"},
		"an issuer with a path":         {"issuer", "https://example.com/auth"},
		"an issuer with a long path":    {"issuer", "https://example.com/a/b.c~d/"},
		"an issuer on loopback":         {"issuer", "http://localhost:4444"},
		"an issuer on IPv6 loopback":    {"issuer", "http://[::1]:4444"},
		"no admin listener":             {"admin_listen", "off"},
		"an empty value":                {"device_url", ""},
		"several database hosts":        {"database_url", "postgres://u:p@a,b/ostiary?target_session_attrs=read-write"},
		"a database in memory":          {"database_url", "sqlite::memory:"},
		"no grace period":               {"refresh_grace", "0s"},
		"a listener on any free port":   {"listen", "127.0.0.1:0"},
		"scopes separated by commas":    {"registration_scopes", "openid,profile,email,address,phone,offline_access,api"},
		"a lifetime of exactly an hour": {"access_token_lifetime", "1h"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			if got := faults(t, config.Sources{Override: map[string]string{tc.key: tc.value}}); got != nil {
				t.Errorf("%s = %q: %v", tc.key, tc.value, got)
			}
		})
	}
}
