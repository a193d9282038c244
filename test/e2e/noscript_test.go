//go:build e2e

package e2e

import "testing"

func TestSignInWithoutScript(t *testing.T) {
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
	p.wantText("#notice", "You signed in again")

	// The application sends an id_token_hint, so no confirmation is required. Without a
	// hint the server shows the confirmation page.
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

func TestRememberedConsentIsUsedInALaterSession(t *testing.T) {
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
	p.wantText("#greeting", "Hello") // no consent page
}
