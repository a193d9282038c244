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

// redirects checks where answers may be sent to.
//
// Spec: RFC 7591 section 2; RFC 8252 sections 7 and 8.4; RFC 9700 section 4.1.3;
// OpenID Connect RP-Initiated Logout section 3.1.
func (c *checks) redirects(m *Metadata) {
	native := m.ApplicationType == "native"
	refuse := func(code, member, reason string) { c.faults = append(c.faults, Fault{code, member, reason}) }

	var homes []*url.URL
	if len(m.RedirectURIs) > maxURIs {
		refuse(InvalidRedirectURI, "redirect_uris", fmt.Sprintf("may hold %d URIs", maxURIs))
	}
	if len(m.RedirectURIs) == 0 && len(m.ResponseTypes) > 0 {
		refuse(InvalidRedirectURI, "redirect_uris", "must hold a URI for the authorization answer to be sent to")
	}
	for i, raw := range m.RedirectURIs[:min(len(m.RedirectURIs), maxURIs)] {
		home, err := c.redirect(raw, native)
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
		u, err := c.redirect(raw, native)
		if err == nil && !slices.ContainsFunc(homes, func(home *url.URL) bool { return sameOrigin(home, u) }) {
			err = reason("must share scheme, host and port with one of redirect_uris")
		}
		if err != nil {
			refuse(InvalidMetadata, "post_logout_redirect_uris", fmt.Sprintf("item %d %s", i+1, err))
		}
	}
}

// reason is an error that is told to the caller as it stands.
type reason string

// Error returns the reason.
func (r reason) Error() string { return string(r) }

// redirect reads a URI that a browser may be sent to.
func (c *checks) redirect(raw string, native bool) (*url.URL, error) {
	u, err := parseURI(raw)
	if err != nil {
		return nil, err
	}
	// Matching is exact, so nobody who registers a wildcard means what it does here.
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
		if !loopback(u) && !c.policy.PlainRedirects {
			return nil, reason("must be https unless its host is 127.0.0.1, [::1] or localhost")
		}
		return u, nil
	case !strings.Contains(u.Scheme, "."):
		// The dot keeps out javascript, data, file and whatever browsers think of next.
		return nil, reason("must be https, or for a native client a private-use scheme that contains a dot")
	case !native:
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
		if _, err := c.link(link.uri, link.plain); err != nil {
			c.fail(link.member, err.Error())
		}
	}
}

// link reads the URL of a document or an endpoint: https, or http on a loopback
// address if both plain and the policy let that through.
func (c *checks) link(raw string, plain bool) (*url.URL, error) {
	u, err := parseURI(raw)
	if err != nil {
		return nil, err
	}
	if err := checkHost(raw, u); err != nil {
		return nil, err
	}
	if u.Scheme != "https" && (!plain || !c.policy.PlainLoopback || !loopback(u)) {
		return nil, reason("must be an https URL")
	}
	return u, nil
}

// parseURI reads an absolute URI that consists of what RFC 3986 allows: browsers
// drop tabs, turn backslashes round and guess at the rest.
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

// checkHost demands a plain authority: a name or an address and perhaps a port,
// with nothing encoded and nobody's user name before it.
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

func sameOrigin(a, b *url.URL) bool {
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
