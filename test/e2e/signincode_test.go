//go:build e2e

package e2e

import (
	"regexp"
	"slices"
	"testing"

	"github.com/ostiary/ostiary/internal/dev/mailcatcher"
)

// A user without the password at hand signs in with a code that is mailed, which works once.
func TestSignInWithAMailedCode(t *testing.T) {
	t.Parallel()
	eachEngine(t, nil, func(s *service) {
		v := s.newTour()
		v.open(s.demo)
		v.press("#signin")
		v.press("#other-way")
		v.checkInEachLanguage("sign-in-code")
		v.write("#email", adasAddress)
		v.press("#send")
		v.wantFocus("code")
		v.check("sign-in-code-enter")
		v.write("#code", "x")
		if status := v.press("#verify"); status != 403 {
			s.t.Errorf("status for a wrong code = %d, want 403", status)
		}
		v.check("sign-in-code-error")
		v.write("#code", s.code())
		v.press("#verify")
		v.press("#accept")
		v.wantText("#greeting", "Hello, Ada Lovelace")
		if claims := v.claims(); claims["acr"] != "1" {
			s.t.Errorf("acr after a mailed code = %v, want 1", claims["acr"])
		}
	})
}

// code waits for a message with a code to Ada, and returns the code.
func (s *service) code() string {
	s.t.Helper()
	six, found := regexp.MustCompile(`(?m)^\d{6}$`), ""
	s.awaitMail(func(m *mailcatcher.Message) bool {
		found = six.FindString(m.Text)
		return found != "" && slices.Contains(m.EnvelopeTo, adasAddress)
	})
	return found
}
