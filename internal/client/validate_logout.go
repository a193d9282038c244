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
	c.notified("backchannel_logout_uri", m.BackchannelLogoutURI)
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
