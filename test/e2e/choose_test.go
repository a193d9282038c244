//go:build e2e

package e2e

import (
	"net/url"
	"testing"
)

func TestAccountSelectionWithoutMouseOrScript(t *testing.T) {
	t.Parallel()
	server := startDev(t)
	p := newBrowser(t)
	p.disableScript()
	demoFlow{server.demo, server.username, server.password}.signIn(p)
	first := p.authTime()
	afterSecond(first)

	p.tabTo("#choose")
	p.enter()
	p.wantText("h1", "Choose an account")
	p.checkTabOrder()
	p.tabTo("#continue")
	p.enter()
	p.wantText("#notice", "auth_time stays the same")
	if got := p.authTime(); got != first {
		t.Errorf("choosing an account moved auth_time from %d to %d", first, got)
	}

	p.open(server.authorizeURL(url.Values{"prompt": {"login select_account"}}))
	p.press("#continue")
	p.wantText("h1", "Confirm it is you")
	p.checkTabOrder()
	p.tabTo("#another")
	p.enter()
	p.wantText("h1", "Sign in")
	p.wantFocus("username")
}
