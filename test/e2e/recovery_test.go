//go:build e2e

package e2e

import (
	"strings"
	"testing"
)

// A user who lost the phone with the authenticator app sets a new password by mail, in a request of
// an application, which continues after a recovery code.
func TestRecovery(t *testing.T) {
	t.Parallel()
	eachEngine(t, nil, func(s *service) {
		lost, v := s.newTour(), s.newTour()
		codes := s.enrolApp(lost)

		v.open(s.demo)
		v.press("#signin")
		v.press("#forgot")
		v.checkInEachLanguage("recover")
		v.write("#email", "adaa@example.com")
		v.press("#send")
		v.check("recover-sent")
		v.press("#signin") // the address was mistyped
		v.press("#forgot")
		v.write("#email", adasAddress)
		v.press("#send")
		link := s.link("/recover", adasAddress)
		v.openLink(link)
		v.checkInEachLanguage("recover-factor")
		v.press("#other-way")
		v.checkInEachLanguage("recover-factor-code")
		v.write("#recovery-code", codes[0])
		v.press("#verify")
		v.checkInEachLanguage("recover-password")
		v.write("#password", "passwordpassword")
		if status := v.press("#save"); status != 400 {
			s.t.Errorf("status for a common password = %d, want 400", status)
		}
		v.check("recover-password-error")
		v.write("#password", "eleven unrelated apple words")
		v.press("#save")
		v.press("#accept")
		if claims := v.claims(); claims["acr"] != "2" {
			s.t.Errorf("acr after the recovery = %v, want 2", claims["acr"])
		}
		s.awaitNotice("was recovered")

		lost.open(s.issuer + "/account")
		lost.wantFocus("username") // signed out
		if status := lost.signIn(s.username, s.password); status != 403 {
			s.t.Errorf("status for the previous password = %d, want 403", status)
		}
		if status := lost.open(link); status != 410 {
			s.t.Errorf("second status of the link = %d, want 410", status)
		}

		// The link of an administrator replaces the second factor.
		lost.openLink(strings.TrimSpace(s.command("users", "recover", s.username)))
		lost.write("#password", "thirteen unrelated pear words")
		lost.press("#save")
		lost.check("recover-done")
		lost.press("#continue")
		lost.wantText("h1", "Hello Ada Lovelace")
	})
}

// enrolApp adds an authenticator app and recovery codes to the account of Ada, and returns the codes.
func (s *service) enrolApp(v *tour) []string {
	s.t.Helper()
	v.open(s.issuer + "/account/authenticator")
	v.signIn(s.username, s.password)
	v.write("#code", v.authenticatorApp().code())
	v.press("#confirm")
	v.press("#recovery-codes")
	v.press("#generate")
	return v.recoveryCodes()
}
