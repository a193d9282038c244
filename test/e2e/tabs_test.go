//go:build e2e

package e2e

import (
	"testing"

	"github.com/chromedp/chromedp"
)

func TestTwoTabs(t *testing.T) {
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

	one.press("#silent") // the session that the other tab renewed
	one.wantText("#notice", "without showing a page")
}

func TestBackAndReload(t *testing.T) {
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

	p.back() // a sign-in page that was used
	p.signIn(server.username, server.password)
	p.wantText("h1", "wants to access your account")
	p.press("#accept")
	p.wantText("#greeting", "Hello")

	if status := p.back(); status >= 500 {
		t.Errorf("status after going back = %d", status)
	}
	p.wantText("#error-code", "expired_request")
	if status := p.reload(); status >= 500 {
		t.Errorf("status after reloading = %d", status)
	}
	p.open(server.demo)
	p.wantText("#greeting", "Hello")
}

func TestAuthorizationRequestIsBoundToItsBrowser(t *testing.T) {
	t.Parallel()
	server := startDev(t)
	victim, other := newBrowser(t), newBrowser(t)

	victim.open(server.demo)
	victim.press("#signin")
	address := victim.address()
	if status := other.open(address); status != 400 {
		t.Errorf("status for another browser's request = %d, want 400", status)
	}
	other.wantText("#error-code", "expired_request")
	other.wantNoElement("#password")

	victim.signIn(server.username, server.password)
	if status := other.open(victim.address()); status != 400 {
		t.Errorf("status for another browser's consent page = %d, want 400", status)
	}
	other.wantNoElement("#accept")
	victim.press("#accept")
	victim.wantText("#greeting", "Hello")
}

func TestPagesWithoutAnAuthorizationRequest(t *testing.T) {
	t.Parallel()
	server := startDev(t)
	p := newBrowser(t)

	for _, path := range []string{"/login", "/consent", "/login?request=long-gone"} {
		if status := p.open(server.issuer + path); status != 400 {
			t.Errorf("status of %s = %d, want 400", path, status)
		}
		p.wantText("#error", "application")
	}
	if status := p.open(server.issuer + "/nowhere"); status != 404 {
		t.Errorf("status of an unknown path = %d, want 404", status)
	}
	p.wantText("#error-code", "not_found")
}

// back presses the Back button and returns the status of the page.
func (p *browser) back() int64 {
	p.t.Helper()
	return p.navigate("going back", chromedp.NavigateBack())
}

func (p *browser) reload() int64 {
	p.t.Helper()
	return p.navigate("reloading", chromedp.Reload())
}
