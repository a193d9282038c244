//go:build e2e

package e2e

import "testing"

func TestTheWayNeedsNoScript(t *testing.T) {
	t.Parallel()
	server := startDev(t)
	p := newPerson(t)
	p.withoutScript()

	way{server.demo, server.username, server.password}.arrive(p)
	p.press("#refresh")
	p.sees("#refreshed-at", ":")
	p.press("#fresh")
	p.write("#password", server.password)
	p.press("#login")
	p.sees("#notice", "fresh sign-in")

	// The application's own button carries a hint that settles the matter. By the
	// bare address the person is asked, and told.
	p.open(server.issuer + "/oauth2/sessions/logout")
	p.sees("h1", "Sign out?")
	p.press("#logout-confirm")
	p.sees("main", "signed out")
	p.open(server.demo)
	p.press("#silent")
	p.sees("#demo-error-code", "login_required")

	p.press("#again")
	p.press("#signout")
	p.sees("#demo-signed-out", "signed out")
}

func TestAConsentThatIsRememberedOutlivesTheSession(t *testing.T) {
	t.Parallel()
	server := startDev(t)
	p := newPerson(t)

	p.open(server.demo)
	p.press("#signin")
	p.signIn(server.username, server.password)
	p.tick("#remember")
	p.press("#accept")
	p.press("#signout")
	p.press("#again")
	p.press("#signin")
	p.signIn(server.username, server.password)
	p.sees("#greeting", "Hello") // without having been asked
}
