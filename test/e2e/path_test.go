//go:build e2e

package e2e

import (
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
)

// A user signs in at an issuer with a path and at another server on the same host. The
// browser reports missing styles, icons and scripts as errors.
func TestDevAtAnIssuerWithAPath(t *testing.T) {
	t.Parallel()
	server, other := startDev(t, "--issuer", "/auth"), startDev(t)
	if !strings.HasSuffix(server.issuer, "/auth") {
		t.Fatalf("the issuer is %s, want one with a path", server.issuer)
	}
	p := newBrowser(t)
	p.open(server.demo)
	p.press("#signin")
	if address := p.address(); !strings.HasPrefix(address, server.issuer+"/login?") {
		t.Errorf("the sign-in page is at %s", address)
	}
	mistypePassword(p, server)
	p.write("#password", server.password)
	p.press("#login")
	p.press("#accept")
	checkResponses(p, server)
	refreshTokens(p)

	p.open(other.authorizeURL(nil))
	p.signIn(other.username, other.password)
	p.press("#accept")
	if address := p.address(); !strings.Contains(address, "code=") {
		t.Errorf("sign-in at the other server ended at %s", address)
	}
	p.wantSeparateSessions(server, other)

	p.open(server.demo)
	p.press("#silent")
	p.wantText("#notice", "without showing a page")
	p.open(server.issuer + "/device")
	p.wantText("h1", "Connect a device")
	p.open(server.demo)
	p.press("#signout")
	p.wantText("#demo-signed-out", "signed out")

	p.open(other.authorizeURL(url.Values{"prompt": {"none"}}))
	if address := p.address(); !strings.Contains(address, "code=") {
		t.Errorf("after sign-out at one server, the other one returned %s, want a code", address)
	}
}

// wantSeparateSessions fails the test unless the browser has one session cookie for each
// server, all with the path /.
func (p *browser) wantSeparateSessions(servers ...*dev) {
	p.t.Helper()
	var urls []string
	for _, server := range servers {
		urls = append(urls, server.issuer+"/")
	}
	sessions := map[string]bool{}
	result := runAction(p, call(network.GetCookies, network.GetCookiesParams{URLs: urls}))
	for _, cookie := range result.Cookies {
		if strings.HasPrefix(cookie.Name, "ostiary_session") && cookie.Path == "/" {
			sessions[cookie.Name] = true
		}
	}
	if len(sessions) != len(servers) {
		p.t.Errorf("the session cookies are %v, want one for each of %v", sessions, urls)
	}
}
