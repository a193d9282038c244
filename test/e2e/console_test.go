//go:build e2e

package e2e

import "testing"

// An owner who has only a password opens the administrators' console in a browser without script, and
// adds a factor on the way; connects an application, invites a person, who creates an account, locks
// the account, and finds why a request was rejected.
func TestConsoleWithoutScript(t *testing.T) {
	t.Parallel()
	eachEngine(t, map[string]string{"CONSOLE": "public"}, func(s *service) {
		s.command("users", "update", s.username, "--admin-role=owner")
		v := s.newTour()
		v.disableScript()
		v.open(s.issuer + "/console")
		v.signIn(s.username, s.password)
		v.check("console-factor-offer")
		v.press("#enrol")
		v.write("#code", v.authenticatorApp().code())
		v.press("#confirm")
		v.wantText("h1", "Overview")
		s.connectWiki(v)
		s.changeScopesAndGroups(v)
		grace := s.inviteGrace(v)
		s.lockGrace(v, grace)
		s.explainToAdministrator(v, grace)
	})
}

func (s *service) connectWiki(v *tour) {
	v.open(s.issuer + "/console/applications")
	v.press("#new")
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
	id := evaluate[string](v.browser, `document.querySelector("#client-id").value`)
	v.open(s.issuer + "/console/applications/" + id)
	v.wantNoElement("#client-secret")
	v.press("#delete")
	v.check("console-application-delete")
	v.press("#cancel")
}

func (s *service) changeScopesAndGroups(v *tour) {
	v.open(s.issuer + "/console/scopes/new")
	v.write("#name", "print")
	v.write("#claims", "printer")
	v.press("#save")
	v.wantText("#status", "Saved.")
	v.open(s.issuer + "/console/groups")
	v.check("console-groups-none")
	v.press("#new")
	v.write("#name", "staff")
	v.press("#create")
	v.wantText("#status", "staff")
}

func (s *service) inviteGrace(v *tour) *tour {
	v.open(s.issuer + "/console/people")
	v.press("#invite")
	v.write("#email", gracesAddress)
	v.write("#groups", "staff")
	v.press("#send")
	v.wantText("#status", gracesAddress)
	grace := s.newTour()
	grace.openLink(s.link("/invitation", gracesAddress))
	grace.write("#name", "Grace Hopper")
	grace.write("#password", "seven unrelated words")
	grace.press("#create")
	return grace
}

func (s *service) lockGrace(v, grace *tour) {
	v.open(s.issuer + "/console/people")
	v.write("#search", "grace")
	v.press("#show")
	v.press(".user a")
	v.wantText("h1", "Grace Hopper")
	v.wantText("#groups", "staff")
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
}

func (s *service) explainToAdministrator(v, grace *tour) {
	grace.open(s.authorizeURL(map[string][]string{"redirect_uri": {"https://wrong.example/callback"}}))
	requestID := grace.read("#request-id")
	v.open(s.issuer + "/console/explain")
	v.write("#request-id", "unknown")
	if status := v.press("#explain"); status != 404 {
		s.t.Errorf("an unknown request: %d, want 404", status)
	}
	v.check("console-explain-unknown")
	v.write("#request-id", requestID)
	v.press("#explain")
	v.wantText("#explanation", "redirect_uri", "https://wrong.example/callback")
	v.press("#allow")
	v.check("console-allow")
	v.press("#cancel")
	v.open(s.issuer + "/console/audit")
	v.wantText("main", "console.sign-in", "client.create", "user.invite", "user.lock")
	v.write("#action", "user.lock")
	v.press("#show")
	v.wantText(".change", "user.lock")
	v.check("console-audit-filter")
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
	v.click(".copy-button")
	v.wantText(".copy-button", "Copied")
	v.tryTheApplication(server.admin)
}

// tryTheApplication runs the sign-in of the application whose page is open: the user denies and then
// accepts it. The response comes to the console from another site.
func (v *tour) tryTheApplication(admin string) {
	id := evaluate[string](v.browser, `document.querySelector("#client-id").value`)
	v.open(admin + "/console/applications/" + id)
	v.click("#try")
	v.arrive("#deny")
	v.click("#deny")
	v.arrive("#result.failed")
	v.wantText("#step-consent.failed", "Refused")
	v.wantText("#explanation", "access_denied")
	v.check("console-try-failed")
	v.click("#try")
	v.arrive("#accept")
	v.click("#accept")
	v.arrive("#result")
	v.wantText("#step-userinfo", "OK")
	v.wantText("#id-token", "acr", "phr")
	v.wantText("#scopes", "profile")
	v.check("console-try-worked")
	v.open(admin + "/console/audit?action=client.try")
	v.wantText(".change", id)
}
