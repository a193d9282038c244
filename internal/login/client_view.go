package login

import (
	"net/url"
	"slices"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/pages"
)

// clientView returns what a page shows of the client.
func (f *flow) clientView() pages.Client { return clientView(f.client, f.redirectHost()) }

// shownClient is clientView, nil for a sign-in to the account console.
func (f *flow) shownClient() *pages.Client {
	if f.isForAccountConsole() {
		return nil
	}
	view := f.clientView()
	return &view
}

// clientView returns what a page shows of c, whose responses go to redirectHost.
//
// A client can register the home page of another company, but not receive responses there.
// So the host on the page is a host that responses are sent to.
func clientView(c *client.Client, redirectHost string) pages.Client {
	host, home := redirectHost, hostOf(c.ClientURI)
	if home != "" && slices.ContainsFunc(c.RedirectURIs, func(uri string) bool { return hostOf(uri) == home }) {
		host = home
	}
	return pages.Client{
		Name: c.Name(), Host: host, LogoURI: c.LogoURI,
		PolicyURI: c.PolicyURI, TermsURI: c.TermsURI, URI: c.ClientURI, Tagged: c.Localized, Theme: c.Theme,
	}
}

// ClientView returns what a page shows of a client to which no response goes. The host is that of
// its first redirect URI.
func ClientView(c *client.Client) pages.Client {
	host := ""
	if len(c.RedirectURIs) > 0 {
		host = hostOf(c.RedirectURIs[0])
	}
	return clientView(c, host)
}

// redirectHost returns the host that the response is sent to. Registered URIs are ASCII,
// so that an internationalized host is in its xn-- form.
func (f *flow) redirectHost() string { return hostOf(f.parameters.Get("redirect_uri")) }

// hostOf returns the host of uri, or its scheme if it opens a native app.
func hostOf(uri string) string {
	u, err := url.Parse(uri)
	switch {
	case err != nil:
		return ""
	case u.Host != "":
		return u.Host
	default:
		return u.Scheme
	}
}
