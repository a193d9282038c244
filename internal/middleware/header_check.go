package middleware

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
)

// checkHead refuses a path or an Authorization header that holds bytes no later
// layer can use. A bad cookie is no cookie: it is dropped, since the person whose
// browser sends it cannot help it.
func checkHeaders(r *http.Request) error {
	if !clean(r.URL.Path) {
		return invalid("The path holds a NUL or is not UTF-8.")
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

// checkAuthorization looks at the bytes alone. Credentials that are merely wrong,
// or that are not base64, are for client authentication to refuse with 401.
func checkAuthorization(header string) error {
	unfit := invalid("The Authorization header holds characters it must not.")
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
	// RFC 6749 section 2.3.1 has both halves form-encoded, which can hide a NUL.
	for half := range strings.SplitSeq(string(pair), ":") {
		if text, err := url.QueryUnescape(half); err == nil && !clean(text) {
			return unfit
		}
	}
	return nil
}

// dropBadCookies rewrites the Cookie header if it holds bytes RFC 6265 section
// 4.1.1 has no place for. [http.Request.Cookies] returns the others.
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
