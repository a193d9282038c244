package pages

import (
	"net/url"
	"slices"
	"strings"
)

// maxFrameSources is how many bytes of origins a policy lists. Proxies bound the
// header that it travels in.
const maxFrameSources = 2 << 10

// framing lets a page hold frames of these addresses, from the origins they name
// and no others.
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

// frameOrigin returns the origin of a web address if it can stand in a policy,
// where a space, a comma or a semicolon would begin something else.
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
