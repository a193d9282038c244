package pages

import (
	"net/url"
	"slices"
	"strings"
)

// maxFrameSources is the maximum size in bytes of the origins in a policy, since proxies limit
// the size of headers.
const maxFrameSources = 2 << 10

// framing returns the policy that allows frames from the origins of these addresses only.
func (p policy) framing(frames []string) policy {
	if len(frames) == 0 {
		return p
	}
	var origins []string
	for _, frame := range frames {
		if origin := frameOrigin(frame); origin != "" && !slices.Contains(origins, origin) {
			origins = append(origins, origin)
		}
	}
	sources := strings.Join(origins, " ")
	if len(sources) > maxFrameSources {
		sources = "https:"
	}
	p.csp += "; frame-src " + sources
	return p
}

// frameOrigin returns the origin of a web address, or "" if it contains a character that has a
// meaning in a policy, such as a space, a comma or a semicolon.
func frameOrigin(address string) string {
	u, err := url.Parse(webLink(address))
	if err != nil || u.Host == "" || strings.IndexFunc(u.Host, notHost) >= 0 {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

func notHost(r rune) bool {
	letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
	return !letter && !strings.ContainsRune("-._:[]", r)
}
