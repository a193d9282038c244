package middleware

import "net/http"

// SecurityHeaders sets what every answer needs, pages and JSON alike; where strict,
// that browsers come by https alone from now on (RFC 6797 section 6.1). The content
// policy is that of an answer which is data; a page replaces it with its own.
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

// fixed are headers under their canonical names, of which every answer has the same.
type fixed map[string]string

// setter returns what sets them without allocating. The values are shared: a
// header is set anew by whoever wants another, which leaves them alone.
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
