package middleware

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
)

// checkHeaders rejects a path or Authorization header with bytes that no later layer
// accepts. It removes malformed cookies instead, because the user of the browser cannot
// correct them.
func checkHeaders(r *http.Request) error {
	if !clean(r.URL.Path) {
		return invalid("The path has a NUL or is not UTF-8.")
	}
	dropBadCookies(r)

	switch credentials := r.Header.Values("Authorization"); len(credentials) {
	case 0:
		return nil
	case 1:
		return checkAuthorization(credentials[0])
	default:
		return invalid("The Authorization header is repeated.")
	}
}

// checkAuthorization checks only the bytes. Wrong or malformed credentials are rejected
// by client authentication, with 401.
func checkAuthorization(header string) error {
	unfit := invalid("The Authorization header has invalid characters.")
	if !printable(header) {
		return unfit
	}
	scheme, encoded, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Basic") {
		return nil
	}
	pair, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return nil
	}
	if !clean(string(pair)) {
		return unfit
	}
	// Both halves are form-encoded (RFC 6749 §2.3.1), which may hide a NUL.
	for half := range strings.SplitSeq(string(pair), ":") {
		if text, err := url.QueryUnescape(half); err == nil && !clean(text) {
			return unfit
		}
	}
	return nil
}

// dropBadCookies rewrites the Cookie header if it has bytes that RFC 6265 §4.1.1 does not
// allow. [http.Request.Cookies] returns the valid cookies.
func dropBadCookies(r *http.Request) {
	lines := r.Header.Values("Cookie")
	if printable(strings.Join(lines, "")) {
		return
	}
	good := r.Cookies()
	r.Header.Del("Cookie")
	for _, c := range good {
		r.AddCookie(c)
	}
}

// printable reports whether text is printable ASCII.
func printable(text string) bool {
	for _, c := range []byte(text) {
		if c < 0x20 || c > 0x7e {
			return false
		}
	}
	return true
}
