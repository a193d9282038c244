package config_test

import (
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/config"
)

func TestSettingsOfMutualTLS(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		settings map[string]string
		want     string // the start of the only fault, empty for none
	}{
		"a listener":                     {map[string]string{"mtls_listen": ":4446"}, ""},
		"off":                            {map[string]string{"mtls_listen": "off", "client_certificate_header": "off"}, ""},
		"a header":                       {map[string]string{"client_certificate_header": "envoy", "mtls_url": "https://mtls.example.com", "trusted_proxies": "10.0.0.0/8"}, ""},
		"a socket":                       {map[string]string{"mtls_listen": "unix:/run/mtls.sock"}, "mtls_url: is required"},
		"a free port":                    {map[string]string{"mtls_listen": "127.0.0.1:0"}, "mtls_url: is required"},
		"a header without a URL":         {map[string]string{"client_certificate_header": "nginx", "trusted_proxies": "10.0.0.0/8"}, "mtls_url: is required"},
		"a header without a proxy":       {map[string]string{"client_certificate_header": "nginx", "mtls_url": "https://mtls.example.com"}, "client_certificate_header: has no effect"},
		"another form":                   {map[string]string{"client_certificate_header": "apache"}, "client_certificate_header"},
		"a URL alone":                    {map[string]string{"mtls_url": "https://mtls.example.com"}, "mtls_url: has no effect"},
		"authorities alone":              {map[string]string{"mtls_ca_file": "mutual_tls_test.go"}, "mtls_ca_file: has no effect"},
		"authorities that are not there": {map[string]string{"mtls_listen": ":4446", "mtls_ca_file": "nowhere.pem"}, "mtls_ca_file"},
		"the public listener":            {map[string]string{"mtls_listen": ":4444", "mtls_url": "https://mtls.example.com"}, "mtls_listen: is the same"},
		"the admin listener":             {map[string]string{"mtls_listen": "127.0.0.1:4445"}, "mtls_listen: is the same"},
		"the origin of the issuer":       {map[string]string{"mtls_listen": ":4446", "mtls_url": "https://id.example.com"}, "mtls_url: is the origin"},
		"a URL without TLS":              {map[string]string{"mtls_listen": ":4446", "mtls_url": "http://localhost:4446"}, "mtls_url: must have the scheme https"},
		"a URL with a path":              {map[string]string{"mtls_listen": ":4446", "mtls_url": "https://mtls.example.com/x"}, "mtls_url"},
	} {
		tc.settings["issuer"] = "https://id.example.com/auth"
		_, err := config.Load(config.Sources{Override: tc.settings})
		text := ""
		if err != nil {
			text = err.Error()
		}
		key, problem, _ := strings.Cut(tc.want, ": ")
		if (tc.want == "") != (err == nil) || !strings.Contains(text, key) || !strings.Contains(text, problem) {
			t.Errorf("%s: %v, want %s", name, err, tc.want)
		}
	}
}

func TestURLsOfMutualTLS(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ issuer, listen, url, want string }{
		{"https://id.example.com", "", "", ""},
		{"https://id.example.com", ":4446", "", "https://id.example.com:4446/oauth2/token"},
		{"https://id.example.com:8443/auth/", "10.0.0.1:4446", "", "https://id.example.com:4446/auth/oauth2/token"},
		{"https://[2001:db8::1]", ":4446", "", "https://[2001:db8::1]:4446/oauth2/token"},
		{"https://id.example.com:8443", ":443", "", "https://id.example.com/oauth2/token"},
		{"https://id.example.com/auth", ":4446", "https://mtls.example.com", "https://mtls.example.com/auth/oauth2/token"},
	} {
		settings := map[string]string{"issuer": tc.issuer, "mtls_listen": tc.listen, "mtls_url": tc.url}
		if tc.listen == "" {
			settings["mtls_listen"] = "off"
		}
		c, err := config.Load(config.Sources{Override: settings})
		if err != nil {
			t.Fatal(err)
		}
		if got := c.MutualTLSURL("/oauth2/token"); got != tc.want {
			t.Errorf("%v: %s", tc, got)
		}
	}
}

// A server in production needs a certificate for the listener; dev makes one.
func TestMutualTLSNeedsACertificate(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.Issuer, c.MutualTLS.Listen = "https://id.example.com", ":4446"
	if err := c.CheckServe(); err == nil || !strings.Contains(err.Error(), "tls_cert_file") {
		t.Errorf("%v, want an error of tls_cert_file", err)
	}
}
