package client

import (
	"net/url"
	"slices"
	"strings"
)

// logout checks the logout URIs. Users' browsers load the front-channel one, so it must be on
// a host of the client's redirect URIs.
//
// Spec: OpenID Connect Front-Channel Logout §2, OpenID Connect Back-Channel Logout §2.2.
func (c *checks) logout(m *Metadata) {
	if back := c.notified("backchannel_logout_uri", m.BackchannelLogoutURI); back != nil {
		c.ofSector(m, back)
	}
	front := c.notified("frontchannel_logout_uri", m.FrontchannelLogoutURI)
	if front == nil {
		return
	}
	home := func(raw string) bool {
		u, err := url.Parse(raw)
		return err == nil && sameOrigin(u, front)
	}
	if !slices.ContainsFunc(m.RedirectURIs, home) {
		c.fail("frontchannel_logout_uri", "must share scheme, host and port with one of redirect_uris")
	}
}

// ofSector restricts logout URIs of pairwise clients to their sector. Redirect URIs do not
// prove that the client owns their host, but only that host receives the responses. Logout
// tokens are sent to the logout URI.
func (c *checks) ofSector(m *Metadata, back *url.URL) {
	if !c.policy.SelfRegistered || m.SubjectType != Pairwise {
		return
	}
	hosts := []string{hostOf(m.SectorIdentifierURI)}
	for _, raw := range m.RedirectURIs {
		hosts = append(hosts, ownHost(raw))
	}
	claimed := slices.ContainsFunc(hosts, func(host string) bool { return host != "" })
	if claimed && !slices.Contains(hosts, strings.ToLower(back.Hostname())) {
		c.fail("backchannel_logout_uri", "must share its host with redirect_uris or sector_identifier_uri for pairwise subjects")
	}
}

// notified parses the URL of an endpoint of the client.
func (c *checks) notified(member, raw string) *url.URL {
	if raw == "" {
		return nil
	}
	u, err := c.policy.link(raw, true)
	if err == nil && strings.Contains(raw, "#") {
		err = reason("must have no fragment")
	}
	if err != nil {
		c.fail(member, err.Error())
		return nil
	}
	return u
}
