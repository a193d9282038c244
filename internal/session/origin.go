package session

import (
	"net/http"
	"strings"
)

// Origin is where a session is used, in words that its user recognizes. Each part is empty if
// it is unknown.
type Origin struct {
	Browser string // such as Firefox
	System  string // such as Windows
	Network string // the narrowest network of the address: an IPv4 address, an IPv6 /64
}

// NewOrigin returns the origin of a request from the network.
func NewOrigin(r *http.Request, network string) Origin {
	agent := r.UserAgent()
	return Origin{Browser: firstNamed(agent, browserNames()), System: firstNamed(agent, systemNames()), Network: network}
}

// naming maps a part of a User-Agent header to a name.
type naming struct{ part, name string }

// browserNames lists browsers. Most name the engines of others after themselves, so that the
// first match counts.
func browserNames() []naming {
	return []naming{
		{"Edg/", "Edge"},
		{"EdgA/", "Edge"},
		{"EdgiOS/", "Edge"},
		{"OPR/", "Opera"},
		{"OPiOS/", "Opera"},
		{"Vivaldi/", "Vivaldi"},
		{"YaBrowser/", "Yandex Browser"},
		{"SamsungBrowser/", "Samsung Internet"},
		{"Firefox/", "Firefox"},
		{"FxiOS/", "Firefox"},
		{"CriOS/", "Chrome"},
		{"Chrome/", "Chrome"},
		{"Version/", "Safari"},
	}
}

// systemNames lists operating systems; the first match counts.
func systemNames() []naming {
	return []naming{
		{"iPhone", "iOS"},
		{"iPad", "iPadOS"},
		{"Android", "Android"},
		{"CrOS", "ChromeOS"},
		{"Windows", "Windows"},
		{"Macintosh", "macOS"},
		{"Linux", "Linux"},
		{"FreeBSD", "FreeBSD"},
		{"OpenBSD", "OpenBSD"},
	}
}

// firstNamed returns the name of the first part that agent contains, or "".
func firstNamed(agent string, names []naming) string {
	for _, n := range names {
		if strings.Contains(agent, n.part) {
			return n.name
		}
	}
	return ""
}
