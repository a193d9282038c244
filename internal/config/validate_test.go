package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/theme"
)

func TestConflictingSettings(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		change func(*config.Config)
		want   string
	}{
		"a certificate without key": {
			func(c *config.Config) { c.TLSCertFile = "validate_test.go" }, "tls_key_file: is missing",
		},
		"a key without certificate": {
			func(c *config.Config) { c.TLSKeyFile = "validate_test.go" }, "tls_cert_file: is missing",
		},
		"an open admin API on every interface": {
			func(c *config.Config) { c.AdminAuth, c.AdminListen = config.AdminNone, "0.0.0.0:4445" }, "admin_auth: must not be none",
		},
		"one address for both listeners": {
			func(c *config.Config) { c.Listen = c.AdminListen }, "admin_listen: is the same",
		},
		"registration by token without tokens": {
			func(c *config.Config) { c.Registration = config.RegistrationToken }, "registration_tokens: is required",
		},
		"tokens without registration by token": {
			func(c *config.Config) { c.RegistrationTokens = []config.Secret{config.NewSecret(secretText)} }, "registration_tokens: has no effect",
		},
		"a proxy that strips the path of an issuer without one": {
			func(c *config.Config) { c.Issuer, c.IssuerPath = "https://id.example.com/", config.PathStripped }, "issuer_path: is stripped",
		},
		"a default scope that cannot be registered": {
			func(c *config.Config) { c.DefaultScopes = []string{"openid", "admin"} }, `default_scopes: contains "admin"`,
		},
		"a refresh idle lifetime above the absolute lifetime": {
			func(c *config.Config) { c.RefreshIdleLifetime = 91 * 24 * time.Hour }, "refresh_idle_lifetime: is 91d, longer",
		},
		"a session idle lifetime above the absolute lifetime": {
			func(c *config.Config) { c.SessionIdleLifetime = 13 * time.Hour }, "session_idle_lifetime: is 13h, longer",
		},
		"a remembered idle lifetime above the absolute lifetime": {
			func(c *config.Config) { c.RememberedIdleLifetime = 31 * 24 * time.Hour }, "remembered_idle_lifetime: is 31d, longer",
		},
		"keys that rotate faster than caches expire": {
			func(c *config.Config) { c.KeyRotateEvery, c.KeySetCache = time.Hour, time.Hour }, "key_set_cache: is 2h, longer",
		},
		"more connections per network than in total": {
			func(c *config.Config) { c.MaxConnectionsPerNetwork = 10_001 }, "max_connections_per_network: is 10001, more",
		},
		"more waiting requests per network than in total": {
			func(c *config.Config) { c.MaxWaitingRequestsMiB = 15 }, "max_waiting_requests_per_network_mib: is 16, more",
		},
		"a mail server without a sender": {
			func(c *config.Config) { c.MailURL = config.NewSecret("smtps://mail.example") }, "mail_from: is required",
		},
		"a sender without a mail server": {
			func(c *config.Config) { c.MailFrom = "no-reply@id.example" }, "mail_from: has no effect",
		},
		"a support address with a name": {
			func(c *config.Config) { c.SupportAddress = "Help <help@id.example>" }, "is not an email address",
		},
		"a plain connection to another host": {
			func(c *config.Config) {
				c.MailURL, c.MailFrom = config.NewSecret("smtp+plain://mail.example"), "no-reply@id.example"
			}, "allowed only for loopback hosts",
		},
		"an accent colour without contrast": {
			func(c *config.Config) { c.Theme.AccentColor = "#ffff00" }, "accent_color = #ffff00: has a contrast of",
		},
		"a dark accent colour alone": {
			func(c *config.Config) { c.Theme.AccentColorDark = "#82d3b5" }, "accent_color_dark: has no effect",
		},
		"a dark logo alone": {
			func(c *config.Config) { c.LogoDarkFile = "dark.svg" }, "logo_dark_file",
		},
		"a logo of another type": {
			func(c *config.Config) { c.LogoFile = "validate_test.go" }, "logo_file = validate_test.go: has a name that does not end in",
		},
		"a footer link that is not https": {
			func(c *config.Config) { c.Theme.FooterLinks = []theme.Link{{Text: "x", URI: "http://x.example/"}} }, "footer_links = x=http://x.example/: must be links",
		},
		"terms without a version": {
			func(c *config.Config) { c.TermsURL = "https://example.org/terms" }, "terms_version: is missing, but terms_url is set",
		},
		"a version without terms": {
			func(c *config.Config) { c.TermsVersion = "2026" }, "terms_url: is missing, but terms_version is set",
		},
		"terms with a login app": {
			func(c *config.Config) {
				c.TermsURL, c.TermsVersion, c.LoginURL = "https://example.org/terms", "2026", "https://example.org/login"
			}, "terms_url: has no effect if login_url is set",
		},
		"an unknown language": {
			func(c *config.Config) { c.Languages = []string{"en", "xx"} }, `languages = en,xx: contains "xx"`,
		},
		"a language twice": {
			func(c *config.Config) { c.Languages = []string{"de", "de"} }, `languages = de,de: contains "de" twice`,
		},
		"a product name in two lines": {
			func(c *config.Config) { c.Theme.ProductName = "a\nb" }, "product_name",
		},
		"a value that no source accepts": {
			func(c *config.Config) { c.CodeLifetime = time.Hour }, `code_lifetime = 1h: is too long`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			c := config.Default()
			tc.change(c)
			err := c.Validate()
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("Validate() = %v, want %q", err, tc.want)
			}
		})
	}
}

func TestAdminAPIWithoutAuthenticationOnLocalListeners(t *testing.T) {
	t.Parallel()

	for _, listen := range []string{"127.0.0.1:4445", "localhost:4445", "[::1]:4445", "unix:/run/admin.sock", ""} {
		c := config.Default()
		c.AdminAuth, c.AdminListen = config.AdminNone, listen
		if err := c.Validate(); err != nil {
			t.Errorf("on %q: %v", listen, err)
		}
	}
}

func TestRequiredKeys(t *testing.T) {
	t.Parallel()

	c := config.Default()
	c.Issuer = "https://id.example.com"
	err := c.Validate(config.ServeRequires()...)
	if err == nil {
		t.Fatal("Validate returned no error")
	}
	for _, name := range []string{"system_secrets", "database_url"} {
		if !strings.Contains(err.Error(), name+": is required") {
			t.Errorf("%v does not report that %s is required", err, name)
		}
	}
	if strings.Contains(err.Error(), "issuer") {
		t.Errorf("%v names the issuer, which is set", err)
	}
}

func TestVariablesOfKubernetesAreIgnored(t *testing.T) {
	t.Parallel()

	environ := []string{
		"OSTIARY_SERVICE_HOST=10.0.0.1", "OSTIARY_SERVICE_PORT=4444", "OSTIARY_SERVICE_PORT_PUBLIC=4444",
		"OSTIARY_PORT=tcp://10.0.0.1:4444", "OSTIARY_PORT_4444_TCP=tcp://10.0.0.1:4444",
		"OSTIARY_PORT_4444_TCP_ADDR=10.0.0.1", "OSTIARY_ADMIN_SERVICE_HOST=10.0.0.2", "OSTIARY_ADMIN_PORT=tcp://10.0.0.2:4445",
	}
	if got := faults(t, config.Sources{Environ: environ}); got != nil {
		t.Errorf("faults are %v", got)
	}
	if got := faults(t, config.Sources{Environ: []string{"OSTIARY_PORT=4444"}}); len(got) != 1 {
		t.Errorf("OSTIARY_PORT=4444 has faults %v, want one fault", got)
	}
}

func TestFilesThatAreNotConfigurations(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct{ text, want string }{
		"a list":           {"- issuer", "not a mapping"},
		"a word":           {"issuer", "not a mapping"},
		"two documents":    {"log_level: info\n---\nlog_level: info\n", "more than one document"},
		"broken YAML":      {"log_level: info\nlisten: [a\n", ".yaml:2: is not YAML"},
		"an alias":         {"log_level: &a info\nlog_format: *a\n", "must be a single value"},
		"a nested mapping": {"listen:\n  port: 1\n", "must be a single value"},
		"a large file":     {strings.Repeat("#", 2<<20), "too large"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			_, err := config.Load(config.Sources{File: write(t, "o.yaml", tc.text), Require: config.ServeRequires()})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("Load = %v, want %q", err, tc.want)
			}
		})
	}
	if got := faults(t, config.Sources{File: write(t, "empty.yaml", "# empty\n")}); got != nil {
		t.Errorf("an empty file has faults %v", got)
	}
	if got := faults(t, config.Sources{File: "/nowhere.yaml", Require: config.ServeRequires()}); len(got) != 1 {
		t.Errorf("a missing file has faults %v, want one", got)
	}
}

func TestNetwork(t *testing.T) {
	t.Parallel()

	for listen, want := range map[string][2]string{
		":4444":          {"tcp", ":4444"},
		"unix:/run/sock": {"unix", "/run/sock"},
	} {
		if network, address := config.Network(listen); network != want[0] || address != want[1] {
			t.Errorf("Network(%q) = %s, %s, want %v", listen, network, address, want)
		}
	}
}

func TestSendHSTS(t *testing.T) {
	t.Parallel()
	for issuer, want := range map[string]bool{
		"https://id.example.com": true, "https://localhost:4444": false, "https://127.0.0.1:8443": false, "http://localhost:4444": false,
	} {
		c := config.Default()
		c.Issuer = issuer
		if got := c.SendHSTS(); got != want {
			t.Errorf("SendHSTS() with issuer %s = %v, want %v", issuer, got, want)
		}
	}
}
