//go:build e2e

package e2e

import (
	"regexp"
	"testing"

	"github.com/ostiary/ostiary/internal/dev/mailcatcher"
)

// A user signs in with a code from a message, after a wrong one and a second message.
func TestSignInWithMailedCode(t *testing.T) {
	t.Parallel()
	eachEngine(t, nil, func(s *service) {
		v := s.newTour()
		v.open(s.demo)
		v.press("#signin")
		v.press("#other-way")
		v.checkInEachLanguage("sign-in-code")
		v.wantFocus("email")
		v.write("#email", adasAddress)
		v.press("#send")
		first := s.mailedCode("")
		v.wantFocus("code")
		v.check("enter-sign-in-code")
		v.speak("de")
		v.press("#resend")
		v.check("enter-sign-in-code")
		v.speak(english)
		v.write("#code", first[1:]+"x")
		if status := v.press("#verify"); status != 403 {
			s.t.Errorf("status for a wrong code = %d, want 403", status)
		}
		v.check("enter-sign-in-code-error")
		v.write("#code", s.mailedCode(first))
		v.press("#verify")
		v.press("#accept")
		if claims := v.claims(); claims["acr"] != "1" {
			s.t.Errorf("acr = %v, want 1", claims["acr"])
		}
	})
}

// mailedCode waits for a message to Ada with a code to sign in, other than before.
func (s *service) mailedCode(before string) (code string) {
	s.t.Helper()
	s.awaitMail(func(m *mailcatcher.Message) bool {
		found := regexp.MustCompile(`(?m)^\d{6}\r?$`).FindString(m.Text)
		if found == "" || found[:6] == before {
			return false
		}
		code = found[:6]
		return true
	})
	return code
}
