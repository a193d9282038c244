//go:build e2e

package e2e

import (
	"testing"

	"github.com/ostiary/ostiary/test/rig"
)

// The page that connects an application checks the address while it is typed. The next one shows the first
// rejected request without a reload, which would hide the secret.
func TestConnectIsChecked(t *testing.T) {
	t.Parallel()
	s := startService(t, rig.SQLite, map[string]string{"CONSOLE": "public"})
	s.command("users", "update", s.username, "--admin-role=owner")
	v := s.newTour()
	v.open(s.issuer + "/console")
	v.signIn(s.username, s.password)
	v.press("#enrol")
	v.write("#code", v.authenticatorApp().code())
	v.press("#confirm")
	v.arrive("#connect, #windows")

	v.open(s.issuer + "/console/applications/new")
	v.write("#redirect-uri", "http://wiki.example/callback")
	v.wantText("#redirect-uri-check", "Use https")
	v.check("console-connect-checked")
	v.choose("#preset", "grafana")
	v.write("#redirect-uri", "https://grafana.example")
	v.wantText("#redirect-uri-check", "https://grafana.example/login/generic_oauth")
	v.choose("#preset", "")
	v.write("#redirect-uri", "https://wiki.example/callback")
	v.write("#name", "Wiki")
	if hint := v.read("#redirect-uri-check"); hint != "" {
		t.Errorf("the hint for a right redirect URI is %q", hint)
	}
	v.press("#create")
	v.wantText("#use", "Waiting for the first sign-in")
	v.check("console-application-waiting")
	id := evaluate[string](v.browser, `document.querySelector("#client-id").value`)
	newBrowser(t).open(s.authorizeURL(map[string][]string{"client_id": {id}, "redirect_uri": {"https://wiki.example/other"}}))
	v.arrive("#use #allow")
	v.wantText("#use", "https://wiki.example/other")
	if secret := evaluate[string](v.browser, `document.querySelector("#client-secret").value`); secret == "" {
		t.Error("the page has lost the client secret")
	}
	v.check("console-application-refused")
}
