package pages

import (
	"html/template"
	"net/url"
	"strings"
)

// webLink returns a link of a client if it is an http or https URL, else "". It rejects
// user information, which could imitate another host.
func webLink(link string) string {
	u, err := url.Parse(link)
	if err != nil || u.Host == "" || u.User != nil || (u.Scheme != "https" && u.Scheme != "http") {
		return ""
	}
	return u.String()
}

// logoLink returns the URL of a client's logo if the policy of the pages allows it, else "".
func logoLink(link string) string {
	if link = webLink(link); !strings.HasPrefix(link, "https:") {
		return ""
	}
	return link
}

// target returns a link that a page may navigate to: a local path, a web URL, or a
// private-use scheme, which contains a dot (RFC 8252 §7.1) and so never runs or renders in a
// browser. It returns "" for any other link.
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

// hostOf returns the host and port of a link.
func hostOf(link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return ""
	}
	return u.Host
}
