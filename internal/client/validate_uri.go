package client

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const (
	maxURIs = 100
	maxURI  = 2048
)

// redirects checks the redirect URIs and the post-logout redirect URIs.
//
// Spec: RFC 7591 §2, RFC 8252 §7, §8.4, RFC 9700 §4.1.3, OpenID Connect RP-Initiated Logout §2.1, §3.1.
func (c *checks) redirects(m *Metadata) {
	refuse := func(code, member, reason string) { c.faults = append(c.faults, Fault{code, member, reason}) }

	var homes []*url.URL
	if len(m.RedirectURIs) > maxURIs {
		refuse(InvalidRedirectURI, "redirect_uris", fmt.Sprintf("may hold %d URIs", maxURIs))
	}
	if len(m.RedirectURIs) == 0 && len(m.ResponseTypes) > 0 && !c.policy.Lenient {
		refuse(InvalidRedirectURI, "redirect_uris", "must hold a URI for the authorization answer to be sent to")
	}
	for i, raw := range m.RedirectURIs[:min(len(m.RedirectURIs), maxURIs)] {
		home, err := c.policy.redirect(raw, m.ApplicationType == "native", m.AllowHTTPRedirects || slices.Contains(c.policy.HTTPRedirects, raw))
		if err != nil {
			refuse(InvalidRedirectURI, "redirect_uris", fmt.Sprintf("item %d %s", i+1, err))
			continue
		}
		homes = append(homes, home)
	}

	if len(m.PostLogoutRedirectURIs) > maxURIs {
		refuse(InvalidMetadata, "post_logout_redirect_uris", fmt.Sprintf("may hold %d URIs", maxURIs))
	}
	for i, raw := range m.PostLogoutRedirectURIs[:min(len(m.PostLogoutRedirectURIs), maxURIs)] {
		if err := c.policy.postLogout(m, raw, homes); err != nil {
			refuse(InvalidMetadata, "post_logout_redirect_uris", fmt.Sprintf("item %d %s", i+1, err))
		}
	}
}

// CheckRedirectURI returns an error if an operator cannot register raw as a redirect URI. The
// error continues a sentence: must be .... With native the URI may have a private-use scheme,
// with plain it may be http on any host.
//
// Spec: RFC 8252 §7, §8.4, RFC 9700 §4.1.3.
func CheckRedirectURI(raw string, native, plain bool) error {
	_, err := (&Policy{}).redirect(raw, native, plain)
	return err
}

// postLogout checks a post-logout redirect URI. RP-Initiated Logout requires only a string
// comparison, so an operator may register any address. A dynamically registered client must
// stay within the origins of its redirect URIs, so that the server is no open redirector.
func (p *Policy) postLogout(m *Metadata, raw string, homes []*url.URL) error {
	plain := m.AllowHTTPRedirects || slices.Contains(p.HTTPPostLogout, raw)
	u, err := p.redirect(raw, m.ApplicationType == "native" || !p.SelfRegistered, plain)
	if err != nil {
		return err
	}
	if p.SelfRegistered && !slices.ContainsFunc(homes, func(home *url.URL) bool { return sameOrigin(home, u) }) {
		return reason("must share scheme, host and port with one of redirect_uris")
	}
	return nil
}

// reason is an error whose text is returned to the caller.
type reason string

// Error implements error.
func (r reason) Error() string { return string(r) }

// redirect parses a redirect URI. With schemes it may have a private-use scheme, with plain it
// may be http on any host.
func (p *Policy) redirect(raw string, schemes, plain bool) (*url.URL, error) {
	u, err := parseURI(raw)
	if err != nil {
		return nil, err
	}
	// Matching is exact, so a wildcard would not have the expected meaning.
	if strings.ContainsAny(raw, "#*") {
		return nil, reason("must have neither a fragment nor a wildcard")
	}
	switch {
	case u.Scheme == "https":
		return u, checkHost(raw, u)
	case u.Scheme == "http":
		if err := checkHost(raw, u); err != nil {
			return nil, err
		}
		if plain || loopback(u) {
			return u, nil
		}
		if p.SelfRegistered {
			return nil, reason("must be https unless its host is 127.0.0.1, [::1] or localhost")
		}
		return nil, reason("must be https unless its host is 127.0.0.1, [::1] or localhost, or allow_http_redirects is true")
	case !strings.Contains(u.Scheme, "."):
		// The dot excludes javascript, data, file and similar schemes.
		return nil, reason("must be https, or for a native client a private-use scheme that contains a dot")
	case !schemes:
		return nil, reason("must be https unless application_type is native")
	case u.User != nil:
		return nil, reason("must have no user name")
	}
	return u, nil
}

// links checks the URIs of documents.
func (c *checks) links(m *Metadata) {
	for _, link := range []struct {
		member, uri string
		plain       bool // whether http on a loopback address can be let through
	}{
		{"client_uri", m.ClientURI, true},
		{"logo_uri", m.LogoURI, true},
		{"policy_uri", m.PolicyURI, true},
		{"tos_uri", m.TermsURI, true},
		{"jwks_uri", m.JWKSURI, true},
		{"sector_identifier_uri", m.SectorIdentifierURI, true},
		{"initiate_login_uri", m.InitiateLoginURI, false},
	} {
		if link.uri == "" {
			continue
		}
		if _, err := c.policy.link(link.uri, link.plain); err != nil {
			c.fail(link.member, err.Error())
		}
	}
}

// link parses the URL of a document or an endpoint: https, or http on a loopback address if
// both plain and the policy allow it.
func (p *Policy) link(raw string, plain bool) (*url.URL, error) {
	u, err := parseURI(raw)
	if err != nil {
		return nil, err
	}
	if err := checkHost(raw, u); err != nil {
		return nil, err
	}
	if u.Scheme != "https" && (!plain || !p.PlainLoopback || !loopback(u)) {
		return nil, reason("must be an https URL")
	}
	return u, nil
}

// parseURI parses an absolute URI and rejects characters outside RFC 3986: browsers drop tabs,
// convert backslashes and guess the rest.
func parseURI(raw string) (*url.URL, error) {
	if len(raw) > maxURI {
		return nil, reason(fmt.Sprintf("must have at most %d bytes", maxURI))
	}
	if strings.IndexFunc(raw, notURI) >= 0 {
		return nil, reason("must consist of the characters of a URI")
	}
	u, err := url.Parse(raw)
	if err != nil || !u.IsAbs() {
		return nil, reason("must be an absolute URI")
	}
	return u, nil
}

func notURI(r rune) bool {
	letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
	return !letter && !strings.ContainsRune("-._~:/?#[]@!$&'()*+,;=%", r)
}

// checkHost requires a plain authority: a name or an address with an optional port, without
// encoding and without user information.
func checkHost(raw string, u *url.URL) error {
	if u.Scheme != "https" && u.Scheme != "http" {
		return reason("must be an https URL")
	}
	if !strings.HasPrefix(raw[len(u.Scheme):], "://"+u.Host) || u.User != nil {
		return reason("must have a plain host without a user name")
	}
	host := u.Hostname()
	if strings.HasPrefix(u.Host, "[") {
		if addr, err := netip.ParseAddr(host); err != nil || addr.Zone() != "" {
			return reason("must have a valid address in brackets")
		}
	} else if host == "" || strings.IndexFunc(host, notHost) >= 0 {
		return reason("must have a valid host")
	}
	if strings.HasSuffix(u.Host, ":") {
		return reason("must have a valid port")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return reason("must have a valid port")
		}
	}
	return nil
}

func notHost(r rune) bool {
	letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
	return !letter && r != '-' && r != '.' && r != '_'
}

func loopback(u *url.URL) bool {
	return slices.Contains([]string{"127.0.0.1", "::1", "localhost"}, u.Hostname())
}

// sameOrigin compares scheme, host and port. A private-use scheme has no meaningful host: the
// scheme alone identifies the app (RFC 8252 §7.1).
func sameOrigin(a, b *url.URL) bool {
	if a.Scheme == b.Scheme && a.Scheme != "https" && a.Scheme != "http" {
		return true
	}
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	case u.Scheme == "http":
		return "80"
	}
	return ""
}
