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
		v.write("#request-id", "unknown")
		if status := v.press("#explain"); status != 404 {
			s.t.Errorf("an unknown request: %d, want 404", status)
		}
		v.check("console-explain-unknown")

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
