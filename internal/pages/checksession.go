package pages

import (
	"html"
	"net/http"
	"strconv"
)

// CheckSession returns what serves the frame that clients' pages ask whether the
// person at the browser is still the one they know, by the cookie of that name. Any
// page may hold it, since what it answers depends on who asks.
//
// Spec: OpenID Connect Session Management section 3.2.
func (p *Pages) CheckSession(cookie string) http.Handler {
	script, err := p.assets.url("watch.js")
	if err != nil {
		panic(err) // this program was built wrongly
	}
	body := `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Session</title>
<script src="` + html.EscapeString(script) + `" data-cookie="` + html.EscapeString(cookie) + `"></script>
</head>
</html>
`
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		head := w.Header()
		head.Set("Content-Type", "text/html; charset=utf-8")
		head.Set("Content-Length", strconv.Itoa(len(body)))
		head.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors *")
		head.Set("Cache-Control", "public, max-age=300")
		_, _ = w.Write([]byte(body)) // a caller that went away is told nothing
	})
}
