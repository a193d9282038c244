package middleware

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// IssuerPath says how requests for an issuer with a path arrive. Its zero value is for
// an issuer without one.
type IssuerPath struct {
	// Path of the issuer, such as "/auth", without a slash at the end.
	Path string
	// Stripped says that the proxy removes it from what it forwards.
	Stripped bool
	// Root are the documents that are also at the root of the host, with Path behind
	// their own (RFC 8414 section 3.1).
	Root []string
	// Shared are paths that are served with and without Path: what balancers ask
	// directly.
	Shared []string
	// NotFound answers what is not under Path.
	NotFound http.HandlerFunc
}

// Handler gives every request the path that it has at an issuer without one, so that
// there is one table of routes, in the logs and metrics as well.
//
// Spec: RFC 8414 §3.1; OpenID Connect Discovery §4.1.
func (p IssuerPath) Handler(next http.Handler) http.Handler {
	if p.Path == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner, ok := p.inner(r.URL)
		if !ok {
			p.NotFound(w, r)
			return
		}
		out, address := *r, *r.URL
		address.Path, address.RawPath = inner.Path, inner.RawPath
		out.URL = &address
		next.ServeHTTP(w, &out)
	})
}

// inner returns the path of a request below the issuer, as it is spelled, and whether
// there is one.
func (p *IssuerPath) inner(u *url.URL) (*url.URL, bool) {
	for _, document := range p.Root {
		if u.Path == document+p.Path || u.Path == document+p.Path+"/" {
			return &url.URL{Path: document}, true
		}
	}
	if p.Stripped {
		return u, true
	}
	if below, ok := cutPath(u.Path, p.Path); ok {
		inner := &url.URL{Path: below}
		if u.RawPath != "" {
			inner.RawPath, ok = cutPath(u.RawPath, p.Path)
		}
		return inner, ok
	}
	return u, slices.Contains(p.Shared, u.Path)
}

// cutPath returns what follows prefix in a path, where that is a whole number of segments.
func cutPath(path, prefix string) (below string, ok bool) {
	below, ok = strings.CutPrefix(path, prefix)
	if !ok || below != "" && below[0] != '/' {
		return "", false
	}
	if below == "" {
		below = "/"
	}
	return below, true
}
