//go:build e2e

package e2e

import "testing"

func TestTheWayNeedsNoScript(t *testing.T) {
	t.Parallel()
	server := startDev(t)
	p := newBrowser(t)
	p.disableScript()

	demoFlow{server.demo, server.username, server.password}.signIn(p)
	p.press("#refresh")
	p.wantText("#refreshed-at", ":")
	p.press("#fresh")
	p.write("#password", server.password)
	p.press("#login")
	p.wantText("#notice", "fresh sign-in")

	// The application's own button carries a hint that settles the matter. By the
	// bare address the person is asked, and told.
	p.open(server.issuer + "/oauth2/sessions/logout")
	p.wantText("h1", "Sign out?")
	p.press("#logout-confirm")
	p.wantText("main", "signed out")
	p.open(server.demo)
	p.press("#silent")
	p.wantText("#demo-error-code", "login_required")

	p.press("#again")
	p.press("#signout")
	p.wantText("#demo-signed-out", "signed out")
}

func TestAConsentThatIsRememberedOutlivesTheSession(t *testing.T) {
	t.Parallel()
	server := startDev(t)
	p := newBrowser(t)

	p.open(server.demo)
	p.press("#signin")
	p.signIn(server.username, server.password)
	p.click("#remember")
	p.press("#accept")
	p.press("#signout")
	p.press("#again")
	p.press("#signin")
	p.signIn(server.username, server.password)
	p.wantText("#greeting", "Hello") // without having been asked
}
