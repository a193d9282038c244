package client

import (
	"net/url"
	"slices"
)

// ChangesRedirects reports whether the client can receive authorization responses at an
// address that before does not allow: at a new redirect URI, or, for a client that became
// native, at any port of a loopback redirect URI (RFC 8252 §7.3). Consents and grants were
// given for the previous addresses.
func (m *Metadata) ChangesRedirects(before *Metadata) bool {
	native := m.ApplicationType == "native" && before.ApplicationType != "native"
	return slices.ContainsFunc(m.RedirectURIs, func(uri string) bool {
		return !slices.Contains(before.RedirectURIs, uri) || native && isLoopback(uri)
	})
}

func isLoopback(uri string) bool {
	u, err := url.Parse(uri)
	return err == nil && u.Scheme == "http" && loopback(u)
}
