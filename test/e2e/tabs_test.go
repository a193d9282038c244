//go:build e2e

package e2e

import (
	"testing"

	"github.com/chromedp/chromedp"
)

func TestTwoTabsDoNotDisturbEachOther(t *testing.T) {
	t.Parallel()
	server := startDev(t)
	one := newBrowser(t)
	other := one.newTab()

	for _, tab := range []*browser{one, other} {
		tab.open(server.demo)
		tab.press("#signin")
	}
	one.signIn(server.username, server.password)
	other.signIn(server.username, server.password)
	one.press("#accept")
	one.wantText("#greeting", "Hello")
	other.press("#accept")
	other.wantText("#greeting", "Hello")

	one.press("#silent") // the session is the one that the other tab has renewed
	one.wantText("#notice", "without showing a page")
}

func TestGoingBackAndReloadingLeadsOn(t *testing.T) {
	t.Parallel()
	server := startDev(t)
	p := newBrowser(t)

	p.open(server.demo)
	p.press("#signin")
	p.reload()
	p.wantText("h1", "Sign in")
	p.signIn(server.username, server.password)
	p.reload()
	p.wantText("h1", "wants to access your account")

	p.back() // to a sign-in page that has served
	p.signIn(server.username, server.password)
	p.wantText("h1", "wants to access your account")
	p.press("#accept")
	p.wantText("#greeting", "Hello")

	if status := p.back(); status >= 500 {
		t.Errorf("going back after a sign-in led to status %d", status)
	}
	p.wantText("#error-code", "expired_request")
	if status := p.reload(); status >= 500 {
		t.Errorf("reloading it led to status %d", status)
	}
	p.open(server.demo)
	p.wantText("#greeting", "Hello")
}

func TestARequestBelongsToItsBrowser(t *testing.T) {
	t.Parallel()
	server := startDev(t)
	victim, stranger := newBrowser(t), newBrowser(t)

	victim.open(server.demo)
	victim.press("#signin")
	address := victim.address()
	if status := stranger.open(address); status != 400 {
		t.Errorf("another browser's request was answered with %d, want 400", status)
	}
	stranger.wantText("#error-code", "expired_request")
	stranger.wantNoElement("#password")

	victim.signIn(server.username, server.password)
	if status := stranger.open(victim.address()); status != 400 {
		t.Errorf("another browser's consent page was answered with %d, want 400", status)
	}
	stranger.wantNoElement("#accept")
	victim.press("#accept")
	victim.wantText("#greeting", "Hello")
}

func TestAPageOfTheWayIsNoPlaceToBegin(t *testing.T) {
	t.Parallel()
	server := startDev(t)
	p := newBrowser(t)

	for _, path := range []string{"/login", "/consent", "/login?request=long-gone"} {
		if status := p.open(server.issuer + path); status != 400 {
			t.Errorf("%s was answered with %d, want 400", path, status)
		}
		p.wantText("#error", "application")
	}
	if status := p.open(server.issuer + "/nowhere"); status != 404 {
		t.Errorf("an address that leads nowhere was answered with %d, want 404", status)
	}
	p.wantText("#error-code", "not_found")
}

// back presses the browser's button and returns the status of the page.
func (p *browser) back() int64 {
	p.t.Helper()
	return p.navigate("going back", chromedp.NavigateBack())
}

func (p *browser) reload() int64 {
	p.t.Helper()
	return p.navigate("reloading", chromedp.Reload())
}
