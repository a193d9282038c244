package config

import (
	"net"
	"net/url"
	"strings"

	"github.com/ostiary/ostiary/internal/clientcert"
)

// MutualTLS has the settings of mutual TLS (RFC 8705).
type MutualTLS struct {
	// Listen is the listener that asks clients for a certificate; empty for none.
	Listen string
	// URL is the public origin of the endpoints for clients with a certificate. See [Config.MutualTLSURL].
	URL string
	// CAFile has the authorities whose certificates authenticate clients; empty for none.
	CAFile string
	// Header is the form in which trusted proxies forward certificates; empty for none.
	Header clientcert.Form
}

// IsOn reports whether clients can present a certificate.
func (m *MutualTLS) IsOn() bool { return m.Listen != "" || m.Header != "" }

// MutualTLSURL returns the URL of a path for clients with a certificate, empty if mutual TLS is off. The
// default origin is the host of the issuer with the port of the listener.
func (c *Config) MutualTLSURL(path string) string {
	if !c.MutualTLS.IsOn() {
		return ""
	}
	origin := c.MutualTLS.URL
	if origin == "" {
		issuer, err := url.Parse(c.Issuer)
		_, port, split := net.SplitHostPort(c.MutualTLS.Listen)
		if err != nil || split != nil {
			return "" // not after [Load]
		}
		origin = "https://" + net.JoinHostPort(issuer.Hostname(), port)
		if port == "443" {
			origin = "https://" + strings.TrimSuffix(issuer.Host, ":"+issuer.Port())
		}
	}
	return origin + c.Path() + path
}

// mutualTLSConflicts reports settings of mutual TLS that contradict others.
func mutualTLSConflicts(c *Config, fault func(wrong bool, key, problem string)) {
	m := &c.MutualTLS
	network, _ := Network(m.Listen)
	_, port, _ := net.SplitHostPort(m.Listen)
	fault(m.Listen != "" && (m.Listen == c.Listen || m.Listen == c.AdminListen), "mtls_listen", "is the same as listen or admin_listen")
	fault(m.URL == "" && m.Header != "", "mtls_url", "is required, since client_certificate_header is set: it is the address of the proxy that requests certificates")
	fault(m.URL == "" && m.Listen != "" && (network == "unix" || port == "0"), "mtls_url", "is required, since mtls_listen has no fixed port")
	fault(!m.IsOn() && m.URL != "", "mtls_url", "has no effect without mtls_listen or client_certificate_header")
	fault(!m.IsOn() && m.CAFile != "", "mtls_ca_file", "has no effect without mtls_listen or client_certificate_header")
	fault(strings.HasPrefix(m.URL, "http:"), "mtls_url", "must have the scheme https")
	fault(m.IsOn() && m.URL == c.Origin(), "mtls_url", "is the origin of the issuer: browsers would prompt for a certificate")
	fault(m.Header != "" && len(c.TrustedProxies) == 0, "client_certificate_header", "has no effect without trusted_proxies")
}

// certificateHeader accepts a form of forwarded certificates, or off, which it stores as the empty form.
func certificateHeader() kind[clientcert.Form] {
	forms := oneOf(clientcert.FormClientCert, clientcert.FormNginx, clientcert.FormEnvoy, clientcert.FormTraefik)
	return kind[clientcert.Form]{
		allowed: forms.allowed + ", off",
		parse: func(text string) (clientcert.Form, error) {
			if text == "off" {
				return "", nil
			}
			return forms.parse(text)
		},
		write: func(f clientcert.Form) string {
			if f == "" {
				return "off"
			}
			return string(f)
		},
	}
}
