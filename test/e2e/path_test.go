//go:build e2e

package e2e

import (
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
)

// A person signs in at an issuer with a path and at another server of the same host.
// The browser complains of any style, icon or script that is not there.
func TestDevAtAnIssuerWithAPath(t *testing.T) {
	t.Parallel()
	server, beside := startDev(t, "--issuer", "/auth"), startDev(t)
	if !strings.HasSuffix(server.issuer, "/auth") {
		t.Fatalf("the issuer is %s, want one with a path", server.issuer)
	}
	p := newBrowser(t)
	p.open(server.demo)
	p.press("#signin")
	if where := p.address(); !strings.HasPrefix(where, server.issuer+"/login?") {
		t.Errorf("the sign-in page is at %s", where)
	}
	mistypePassword(p, server)
	p.write("#password", server.password)
	p.press("#login")
	p.press("#accept")
	checkResponses(p, server)
	refreshTokens(p)

	p.open(authorizeURL(beside, nil))
	p.signIn(beside.username, beside.password)
	p.press("#accept")
	if where := p.address(); !strings.Contains(where, "code=") {
		t.Errorf("signing in beside it led to %s", where)
	}
	p.wantSeparateSessions(server, beside)

	p.open(server.demo)
	p.press("#silent")
	p.wantText("#notice", "without showing a page")
	p.open(server.issuer + "/device")
	p.wantText("h1", "Connect a device")
	p.open(server.demo)
	p.press("#signout")
	p.wantText("#demo-signed-out", "signed out")

	p.open(authorizeURL(beside, url.Values{"prompt": {"none"}}))
	if where := p.address(); !strings.Contains(where, "code=") {
		t.Errorf("signing out of one server ended the session at the other: %s", where)
	}
}

// wantSeparateSessions fails unless the browser has a session cookie of either server, both for
// the whole host.
func (p *browser) wantSeparateSessions(servers ...*dev) {
	p.t.Helper()
	var urls []string
	for _, server := range servers {
		urls = append(urls, server.issuer+"/")
	}
	sessions := map[string]bool{}
	answer := runAction(p, call(network.GetCookies, network.GetCookiesParams{URLs: urls}))
	for _, cookie := range answer.Cookies {
		if strings.HasPrefix(cookie.Name, "ostiary_session") && cookie.Path == "/" {
			sessions[cookie.Name] = true
		}
	}
	if len(sessions) != len(servers) {
		p.t.Errorf("the session cookies are %v, want one for each of %v", sessions, urls)
	}
}
