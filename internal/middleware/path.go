package middleware

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// IssuerPath configures the path of the issuer in requests. The zero value is an issuer
// without a path.
type IssuerPath struct {
	// Path of the issuer, such as "/auth", without a slash at the end.
	Path string
	// Stripped is true if the proxy removes the path.
	Stripped bool
	// Root lists the documents that are also served at the root of the host, followed by
	// Path (RFC 8414 §3.1).
	Root []string
	// Inserted lists the documents at the root of the host, followed by Path and the path of what they
	// describe (RFC 9728 §3.1).
	Inserted []string
	// Shared lists the paths that are served with and without Path, for load balancers.
	Shared []string
	// NotFound writes the response to requests outside Path.
	NotFound http.HandlerFunc
}

// Handler removes the path of the issuer from requests, so that routes, logs and metrics
// are the same for all issuers.
//
// Spec: RFC 8414 §3.1, OpenID Connect Discovery §4.1.
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

// inner returns the path of a request relative to the issuer, and whether there is one.
func (p *IssuerPath) inner(u *url.URL) (*url.URL, bool) {
	for _, document := range p.Root {
		if u.Path == document+p.Path || u.Path == document+p.Path+"/" {
			return &url.URL{Path: document}, true
		}
	}
	for _, document := range p.Inserted {
		if below, ok := cutPath(u.Path, document+p.Path); ok {
			return &url.URL{Path: document + below}, true
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

// cutPath returns the part of a path after prefix, if prefix ends at a segment boundary.
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
