package login

import (
	"net/url"
	"slices"

	"github.com/ostiary/ostiary/internal/pages"
)

// shownClient is what a person is told about who asks.
//
// Anyone can register a famous home page, but gets nothing at an address that is
// not theirs: so the host shown is one that answers are sent to.
func (v *visit) shownClient() pages.Client {
	c := v.client
	host, home := v.redirectHost(), hostOf(c.ClientURI)
	if home != "" && slices.ContainsFunc(c.RedirectURIs, func(uri string) bool { return hostOf(uri) == home }) {
		host = home
	}
	return pages.Client{
		Name: c.Name(), Host: host, LogoURI: c.LogoURI,
		PolicyURI: c.PolicyURI, TermsURI: c.TermsURI, URI: c.ClientURI,
	}
}

// redirectHost is where the answer will go. Registered URIs are ASCII, so that a
// host in other letters is shown in its xn-- form.
func (v *visit) redirectHost() string { return hostOf(v.asked.Get("redirect_uri")) }

// hostOf is the host of uri, or the scheme of one that leads to an app.
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
