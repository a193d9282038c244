//go:build e2e

package e2e

import (
	"net/url"
	"testing"
)

func TestAnAccountIsChosenWithoutMouseOrScript(t *testing.T) {
	t.Parallel()
	server := startDev(t)
	p := newPerson(t)
	p.withoutScript()
	way{server.demo, server.username, server.password}.arrive(p)
	first := p.authTime()
	afterSecond(first)

	p.tabTo("#choose")
	p.enter()
	p.sees("h1", "Choose an account")
	p.walksThrough()
	p.tabTo("#continue")
	p.enter()
	p.sees("#notice", "leaves auth_time as it was")
	if got := p.authTime(); got != first {
		t.Errorf("choosing an account moved auth_time from %d to %d", first, got)
	}

	p.open(authorizeURL(server, url.Values{"prompt": {"login select_account"}}))
	p.press("#continue")
	p.sees("h1", "Confirm it is you")
	p.walksThrough()
	p.tabTo("#another")
	p.enter()
	p.sees("h1", "Sign in")
	p.finds("username")
}
