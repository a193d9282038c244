package middleware

import "net/http"

// SecurityHeaders sets the security headers of all responses, pages and JSON. strict adds
// Strict-Transport-Security (RFC 6797 §6.1). The content security policy is that of JSON;
// pages replace it.
func SecurityHeaders(strict bool) func(http.Handler) http.Handler {
	always := fixed{
		"X-Content-Type-Options":  "nosniff",
		"Referrer-Policy":         "no-referrer",
		"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
	}
	if strict {
		always["Strict-Transport-Security"] = "max-age=31536000"
	}
	set := always.setter()
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			set(w.Header())
			next.ServeHTTP(w, r)
		})
	}
}

// fixed holds headers with constant values, under their canonical names.
type fixed map[string]string

// setter returns a function that sets the headers without allocating. The values are
// shared: a handler that sets a header replaces the slice and leaves these unchanged.
func (f fixed) setter() func(http.Header) {
	type header struct {
		name   string
		values []string
	}
	var all []header
	for name, value := range f {
		all = append(all, header{name, []string{value}})
	}
	return func(h http.Header) {
		for _, each := range all {
			h[each.name] = each.values
		}
	}
}
