package client

import (
	"net/url"
	"slices"
	"strings"
)

// logout checks where the client is told that somebody signed out. People's browsers
// load the front-channel one, so it stays with the client's own hosts.
//
// Spec: OpenID Connect Front-Channel Logout section 2; OpenID Connect Back-Channel
// Logout section 2.2.
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

// ofSector keeps the names by which a sector knows people within it: what a client
// says of its redirect URIs is not proof that they are its own, since their owner
// gets the answers and nobody else does. Logout tokens go where the client says.
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

// notified reads the URL of an endpoint of the client's.
func (c *checks) notified(member, raw string) *url.URL {
	if raw == "" {
		return nil
	}
	u, err := c.link(raw, true)
	if err == nil && strings.Contains(raw, "#") {
		err = reason("must have no fragment")
	}
	if err != nil {
		c.fail(member, err.Error())
		return nil
	}
	return u
}
