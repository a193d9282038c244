//go:build e2e

package e2e

import "testing"

// An owner who has only a password opens the administrators' console, adds a factor on the way, finds
// why a request was refused, rotates the keys, ends a session, and reads it all in the audit log.
func TestConsole(t *testing.T) {
	t.Parallel()
	eachEngine(t, map[string]string{"CONSOLE": "public"}, func(s *service) {
		s.command("users", "update", s.username, "--admin-role=owner")
		other := s.newTour()
		other.open(s.issuer + "/account")
		other.signIn(s.username, s.password)
		other.open(s.authorizeURL(map[string][]string{"redirect_uri": {"https://wrong.example/callback"}}))
		requestID := other.read("#request-id")

		v := s.newTour()
		v.open(s.issuer + "/console")
		v.signIn(s.username, s.password)
		v.check("console-factor-offer")
		v.press("#enrol")
		app := v.authenticatorApp()
		v.write("#code", app.code())
		v.press("#confirm")
		v.wantText("h1", "Overview")
		v.checkInEachLanguage("console-overview")

		v.open(s.issuer + "/console/explain")
		v.write("#request-id", requestID)
		v.press("#explain")
		v.wantText("#explanation", "redirect_uri", "https://wrong.example/callback")
		v.checkInEachLanguage("console-explain")
		v.press("#allow")
		v.check("console-allow")
		v.press("#cancel")
		v.write("#request-id", "unknown")
		if status := v.press("#explain"); status != 404 {
			s.t.Errorf("an unknown request: %d, want 404", status)
		}
		v.check("console-explain-unknown")

		v.open(s.issuer + "/console/settings")
		v.check("console-settings")
		v.open(s.issuer + "/console/scopes")
		v.check("console-scopes")
		v.press("#new")
		v.check("console-scope-new")
		v.write("#name", "print")
		v.write("#claims", "printer")
		v.press("#save")
		v.wantText("#status", "Saved.")
		v.open(s.issuer + "/console/keys")
		v.check("console-keys")
		v.press("#rotate")
		v.wantText("#status", "The next keys sign")
		v.open(s.issuer + "/console/sessions")
		v.checkInEachLanguage("console-sessions")
		v.press("button[name=end]")
		v.wantText("#status", "The session has ended.")
		other.open(s.issuer + "/account")
		other.wantFocus("username")

		v.open(s.issuer + "/console/audit")
		v.wantText("main", "console.sign-in", "key.rotate", "session.revoke", "user.update")
		v.checkInEachLanguage("console-audit")
		v.write("#action", "key.rotate")
		v.press("#show")
		v.wantText(".change", "key.rotate")
		v.check("console-audit-filter")
	})
}

// An administrator connects an application, invites a person, who makes an account, and manages both.
func TestConsoleManages(t *testing.T) {
	t.Parallel()
	eachEngine(t, map[string]string{"CONSOLE": "public"}, func(s *service) {
		s.command("users", "update", s.username, "--admin-role=owner")
		v := s.newTour()
		v.open(s.issuer + "/console")
		v.signIn(s.username, s.password)
		v.press("#enrol")
		v.write("#code", v.authenticatorApp().code())
		v.press("#confirm")
		v.wantText("h1", "Overview")

		v.open(s.issuer + "/console/applications")
		v.checkInEachLanguage("console-applications")
		v.press("#new")
		v.checkInEachLanguage("console-connect")
		v.write("#name", "Wiki")
		if status := v.press("#create"); status != 400 {
			s.t.Errorf("without a redirect URI: %d, want 400", status)
		}
		v.check("console-connect-error")
		v.write("#redirect-uri", "https://wiki.example/callback")
		v.press("#create")
		v.wantText("h1", "Wiki")
		if secret := evaluate[string](v.browser, `document.querySelector("#client-secret").value`); secret == "" {
			s.t.Error("the page shows no client secret")
		}
		v.check("console-application-secret")
		v.click(".copy-button")
		v.wantText(".copy-button", "Copied")
		id := evaluate[string](v.browser, `document.querySelector("#client-id").value`)
		v.open(s.issuer + "/console/applications/new")
		evaluate[string](v.browser, `document.querySelector("#preset").value = "grafana"`)
		v.write("#redirect-uri", "https://grafana.example.org")
		v.press("#create")
		v.wantText("h1", "Grafana")
		v.check("console-application-preset")
		v.open(s.issuer + "/console/applications/" + id)
		v.wantNoElement("#client-secret")
		v.checkInEachLanguage("console-application")
		v.press("#json")
		v.check("console-application-json")
		v.press("#cancel")
		v.press("#delete")
		v.check("console-application-delete")
		v.press("#cancel")

		v.open(s.issuer + "/console/groups")
		v.check("console-groups-none")
		v.press("#new")
		v.write("#name", "staff")
		v.check("console-group-new")
		v.press("#create")
		v.wantText("#status", "staff")
		v.check("console-groups")

		v.open(s.issuer + "/console/people")
		v.press("#new")
		v.check("console-person-new")
		v.press("#cancel")
		v.press("#invite")
		v.checkInEachLanguage("console-invite")
		v.write("#email", gracesAddress)
		v.write("#groups", "staff")
		v.press("#send")
		v.wantText("#status", gracesAddress)
		grace := s.newTour()
		grace.openLink(s.link("/invitation", gracesAddress))
		grace.write("#name", "Grace Hopper")
		grace.write("#password", "seven unrelated words")
		grace.press("#create")

		v.open(s.issuer + "/console/people")
		v.check("console-people")
		v.write("#search", "grace")
		v.press("#show")
		v.press(".user a")
		v.wantText("h1", "Grace Hopper")
		v.wantText("#groups", "staff")
		v.checkInEachLanguage("console-person")
		v.press("#recover")
		v.check("console-person-link")
		v.press("#lock")
		v.check("console-person-lock")
		v.press("#confirm")
		v.wantText("#status", "The account is locked.")
		grace.open(s.issuer + "/account")
		grace.wantFocus("username")
		v.press("#unlock")
		v.wantText("#status", "The account is unlocked.")
	})
}

// The first owner, made with a passkey by the set-up link of dev, arrives in the console on the admin
// listener, which is another site than the issuer, and connects an application without signing in again.
func TestConsoleOnTheAdminListener(t *testing.T) {
	t.Parallel()
	server := startDev(t)
	v := newTour(t)
	v.addAuthenticator()
	v.open(server.setup)
	v.arrive("#passkey")
	v.write("#username", "root")
	v.click("#passkey")
	v.arrive("#connect")
	if got := v.address(); got != server.admin+"/console" {
		t.Errorf("the sign-in ends at %s, want the console", got)
	}
	v.press("#connect")
	v.write("#name", "Wiki")
	v.write("#redirect-uri", "https://wiki.example/callback")
	v.press("#create")
	v.wantText("h1", "Wiki")
	if secret := evaluate[string](v.browser, `document.querySelector("#client-secret").value`); secret == "" {
		t.Error("the page shows no client secret")
	}
}
