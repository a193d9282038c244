package client

import (
	"net/netip"
	"net/url"
	"strings"

	"github.com/ostiary/ostiary/internal/clientcert"
)

// CertificateName is a name by which tls_client_auth knows a client: the member with which it is
// registered, and its value.
type CertificateName struct{ Member, Value string }

// CertificateNames returns the names that are registered, of which a client with tls_client_auth has one.
//
// Spec: RFC 8705 §2.1.2.
func (m *Metadata) CertificateNames() (names []CertificateName) {
	for _, name := range []CertificateName{
		{"tls_client_auth_subject_dn", m.TLSClientAuthSubjectDN},
		{"tls_client_auth_san_dns", m.TLSClientAuthSANDNS},
		{"tls_client_auth_san_uri", m.TLSClientAuthSANURI},
		{"tls_client_auth_san_ip", m.TLSClientAuthSANIP},
		{"tls_client_auth_san_email", m.TLSClientAuthSANEmail},
	} {
		if name.Value != "" {
			names = append(names, name)
		}
	}
	return names
}

// IsOf reports whether the certificate has the name.
func (n CertificateName) IsOf(c *clientcert.Certificate) bool {
	switch n.Member {
	case "tls_client_auth_subject_dn":
		return c.HasSubject(n.Value)
	case "tls_client_auth_san_dns":
		return c.HasDNS(n.Value)
	case "tls_client_auth_san_uri":
		return c.HasURI(n.Value)
	case "tls_client_auth_san_ip":
		return c.HasIP(n.Value)
	default:
		return c.HasEmail(n.Value)
	}
}

// fault returns the requirement that the name does not meet, empty for none.
func (n CertificateName) fault() string {
	plain := len(n.Value) <= maxText && strings.IndexFunc(n.Value, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
	switch n.Member {
	case "tls_client_auth_subject_dn":
		if err := clientcert.CheckDN(n.Value); err != nil {
			return err.Error()
		}
	case "tls_client_auth_san_dns":
		if !plain || strings.ContainsAny(n.Value, "*/:@") {
			return "must be a DNS name without wildcards"
		}
	case "tls_client_auth_san_uri":
		if u, err := url.Parse(n.Value); !plain || err != nil || u.Scheme == "" {
			return "must be an absolute URI"
		}
	case "tls_client_auth_san_ip":
		if addr, err := netip.ParseAddr(n.Value); err != nil || addr.Zone() != "" {
			return "must be an IP address"
		}
	default:
		if local, domain, ok := strings.Cut(n.Value, "@"); !plain || !ok || local == "" || domain == "" {
			return "must be an email address"
		}
	}
	return ""
}

// certificates checks the members of mutual TLS.
//
// Spec: RFC 8705 §2.1.2, §3.4.
func (c *checks) certificates(m *Metadata) {
	names := m.CertificateNames()
	for _, name := range names {
		if fault := name.fault(); fault != "" {
			c.fail(name.Member, fault)
		}
	}
	if len(names) > 1 {
		c.fail(names[1].Member, "must not be combined with "+names[0].Member)
	}
	if m.TokenEndpointAuthMethod == AuthTLS && len(names) == 0 {
		c.fail("tls_client_auth_subject_dn", "or another name of the certificate is needed for tls_client_auth")
	}
	if m.CertificateBoundAccessTokens && len(c.policy.MutualTLS) == 0 {
		c.fail("tls_client_certificate_bound_access_tokens", "must not be true, since this server has no mutual TLS")
	}
	if m.CertificateBoundAccessTokens && m.DPoPBoundAccessTokens {
		c.fail("tls_client_certificate_bound_access_tokens", "must not be combined with dpop_bound_access_tokens")
	}
}
