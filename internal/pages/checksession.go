package pages

import (
	"html"
	"net/http"
	"strconv"
)

// CheckSession returns the handler of the OP iframe, with which clients' pages check whether
// the user at the browser is the same, by the cookie of that name. Any page may embed it: its
// answer depends on the origin of the page.
//
// Spec: OpenID Connect Session Management §3.2.
func (p *Pages) CheckSession(cookie string) http.Handler {
	script, err := p.assets.url("watch.js")
	if err != nil {
		panic(err) // the build lacks the file
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
		_, _ = w.Write([]byte(body)) // the connection is closed
	})
}
