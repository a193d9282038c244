package pages

import (
	"html/template"
	"net/url"
	"strings"
)

// webLink returns a client's own link if it is one to an ordinary web page, and
// nothing otherwise. A user name in it would let it pose as another host.
func webLink(link string) string {
	u, err := url.Parse(link)
	if err != nil || u.Host == "" || u.User != nil || (u.Scheme != "https" && u.Scheme != "http") {
		return ""
	}
	return u.String()
}

// logoLink returns the address of a client's logo if a page's policy lets the
// browser load it.
func logoLink(link string) string {
	if link = webLink(link); !strings.HasPrefix(link, "https:") {
		return ""
	}
	return link
}

// target returns a place to go on to, and nothing if it is neither of this
// server, a web address, nor an app's private-use scheme, which holds a dot
// (RFC 8252 section 7.1) and so is never one that a browser runs or renders.
func target(link string) template.URL {
	u, err := url.Parse(link)
	if err != nil {
		return ""
	}
	local := u.Scheme == "" && u.Host == "" && strings.HasPrefix(link, "/") && !strings.HasPrefix(link, "/\\")
	if !local && webLink(link) == "" && !strings.Contains(u.Scheme, ".") {
		return ""
	}
	return template.URL(link) //nolint:gosec // the scheme was checked, and the template quotes the value
}

// hostOf is the host of a link, with its port, for a person to recognise.
func hostOf(link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return ""
	}
	return u.Host
}
