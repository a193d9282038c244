//go:build e2e

package e2e

import (
	"testing"

	"github.com/ostiary/ostiary/test/rig"
)

// An administrator connects an application, invites a person and finds why a request was rejected
// without a mouse.
func TestConsoleWithoutMouse(t *testing.T) {
	t.Parallel()
	s := startService(t, rig.SQLite, map[string]string{"CONSOLE": "public"})
	s.command("users", "update", s.username, "--admin-role=owner")
	p := newBrowser(t)
	p.open(s.authorizeURL(map[string][]string{"redirect_uri": {"https://wrong.example/callback"}}))
	requestID := p.read("#request-id")
	p.open(s.issuer + "/console")
	p.signIn(s.username, s.password)
	p.press("#enrol")
	p.write("#code", p.authenticatorApp().code())
	p.press("#confirm")
	p.arrive("#sign-out")

	p.checkTabOrder()
	p.open(s.issuer + "/console/applications")
	p.checkTabOrder()
	p.tabTo("#new")
	p.enter()
	p.checkTabOrder()
	p.tabTo("#name")
	p.types("Wiki")
	p.tabTo("#redirect-uri")
	p.types("https://wiki.example/callback")
	p.tabTo("#create")
	p.enter()
	p.wantText("h1", "Wiki")
	p.checkTabOrder()

	p.open(s.issuer + "/console/people")
	p.checkTabOrder()
	p.tabTo("#invite")
	p.enter()
	p.checkTabOrder()
	p.tabTo("#email")
	p.types(gracesAddress)
	p.tabTo("#send")
	p.enter()
	p.wantText("#status", gracesAddress)

	p.open(s.issuer + "/console/explain")
	p.tabTo("#request-id")
	p.types(requestID)
	p.enter()
	p.wantText("#explanation", "redirect_uri", "https://wrong.example/callback")
	p.checkTabOrder()
	p.tabTo("#allow")
	p.enter()
	p.tabTo("#cancel")
	p.enter()
}
